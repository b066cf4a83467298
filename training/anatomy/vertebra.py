"""The shape of one vertebra, as implicit functions of local coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.levels import VertebralLevel
from node.domain.volume import Float32
from training.anatomy.proportions import LAST_THORACIC, proportions_at, wedge_at

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """A vertebral body, mm.

    Parameters
    ----------
    width, depth
        Of the end plates.
    anterior, middle, posterior
        Heights at the front rim, in the centre and at the rear rim; a fracture is a change of these.
    waist
        How much narrower it is at half height, as a share.
    lip
        How far osteophytes stand out at the rims.
    """

    width: float
    depth: float
    anterior: float
    middle: float
    posterior: float
    waist: float
    lip: float = 0.0

    @property
    def mean_height(self) -> float:
        """Height of the rims at half depth."""
        return 0.5 * (self.anterior + self.posterior)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchShape:
    """Arch and processes, mm; slopes are rises a unit of length, in the frame of the body.

    Parameters
    ----------
    rib_joint
        How far beside the edge of the canal a rib's tubercle lies, where the vertebra bears one.
    """

    canal_width: float
    canal_depth: float
    pedicle_width: float
    pedicle_height: float
    lamina_height: float
    facet_radius: float
    transverse: Vector
    transverse_radius: float
    rib_joint: float
    spinous: Vector
    spinous_height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VertebraShape:
    """One vertebra: its level (`None` for a cervical one), body, arch, and the height of the disc below, mm."""

    level: VertebralLevel | None
    body: BodyShape
    arch: ArchShape
    disc: float


def draw_vertebra(rng: np.random.Generator, level: VertebralLevel | None, place: float, scale: float) -> VertebraShape:
    """A vertebra for a place of the table of proportions (0 for T1, 16 for L5), each size varied by some percent."""
    mean = proportions_at(place)
    height = mean.height * scale * rng.normal(1.0, 0.04)
    anterior = height * wedge_at(place) * rng.normal(1.0, 0.045)
    body = BodyShape(
        width=mean.width * scale * rng.normal(1.0, 0.04),
        depth=mean.depth * scale * rng.normal(1.0, 0.04),
        anterior=anterior,
        middle=0.5 * (anterior + height) - rng.uniform(1.5, 4.5) * scale,
        posterior=height,
        waist=rng.uniform(0.06, 0.15),
        lip=max(0.0, rng.normal(-0.5, 1.5)),
    )
    arch = draw_arch(rng, place, scale * rng.normal(1.0, 0.04))
    return VertebraShape(level=level, body=body, arch=arch, disc=mean.disc * scale * rng.normal(1.0, 0.12))


def draw_arch(rng: np.random.Generator, place: float, scale: float) -> ArchShape:
    """Arch and processes for a place of the table of proportions, 0 for T1 to 16 for L5."""
    mean = proportions_at(place)
    lumbar = float(np.clip((place - LAST_THORACIC + 1.0) / 2.0, 0.0, 1.0))
    # The last two thoracic vertebrae have stubs of transverse processes, the third lumbar one the longest.
    stub = float(np.interp(place, (8.0, 10.0, 11.0, 11.6), (1.0, 0.75, 0.4, 0.3)))
    lumbar_reach = float(np.interp(place, (12, 13, 14, 15, 16), (18, 25, 30, 27, 24)))
    reach = lumbar_reach if lumbar >= 1.0 else 21.0 * stub
    backward = 2.0 if lumbar >= 1.0 else 14.0 * stub
    drop = float(np.interp(place, (0, 2, 5, 8, 10, 11, 12), (14, 18, 26, 24, 14, 8, 5)))
    canal_width = scale * float(np.interp(place, (0, 3, 9, 12, 16), (20, 16.5, 17, 22, 26))) * rng.normal(1, 0.05)
    canal_depth = scale * float(np.interp(place, (0, 9, 12, 16), (15, 15.5, 17, 17))) * rng.normal(1, 0.05)
    transverse = (
        scale * rng.normal(1.0 if lumbar >= 1.0 else 3.0, 3.0),
        scale * rng.normal(backward, 3.0),
        scale * reach * rng.normal(1.0, 0.12),
    )
    return ArchShape(
        canal_width=canal_width,
        canal_depth=canal_depth,
        pedicle_width=scale * mean.pedicle_width,
        pedicle_height=scale * mean.pedicle_height,
        lamina_height=scale * (0.85 + 0.1 * lumbar) * mean.height,
        facet_radius=scale * (4.2 + 2.8 * lumbar),
        transverse=transverse,
        transverse_radius=scale * rng.uniform(3.2, 4.8),
        rib_joint=max(transverse[2], 14.0) + 4.0,
        spinous=(-scale * drop * rng.uniform(0.7, 1.3), scale * rng.uniform(24, 32), 0.0),
        spinous_height=scale * (9.0 + 12.0 * lumbar) * rng.uniform(0.85, 1.15),
    )


def body_distance(shape: BodyShape, up: Float32, back: Float32, left: Float32) -> Float32:
    """About the distance from the surface of a body, mm, negative inside; local coordinates in mm, any shape."""
    half_width, half_depth = 0.5 * shape.width, 0.5 * shape.depth
    rim = _rim(shape, back)
    level = np.clip(np.abs(up) / np.maximum(rim, 1.0), 0.0, 1.0) ** 2
    radius = 1.0 - shape.waist * (1.0 - level) + shape.lip / half_width * level**4
    across = _across(shape, back, left)
    wall = (across - radius) * min(half_width, half_depth)
    distance: Float32 = np.maximum(wall, np.abs(up) - (rim - _dent(shape, across))).astype(np.float32)
    return distance


def half_height(shape: BodyShape, back: Float32, left: Float32) -> Float32:
    """How far the endplates of a body lie above and below its middle, mm; local coordinates in mm, any shape."""
    height: Float32 = (_rim(shape, back) - _dent(shape, _across(shape, back, left))).astype(np.float32)
    return height


def _rim(shape: BodyShape, back: Float32) -> Float32:
    """Half of the height that the endplates would have without their hollows, mm."""
    forward = np.clip(0.5 - back / shape.depth, -0.2, 1.2)
    rim: Float32 = 0.5 * (shape.posterior + (shape.anterior - shape.posterior) * forward)
    return rim


def _across(shape: BodyShape, back: Float32, left: Float32) -> Float32:
    """How far from the axis of the body, 1 at the edge of its endplates."""
    half_width, half_depth = 0.5 * shape.width, 0.5 * shape.depth
    # The rear wall is flat and a little hollow, which makes the kidney shape.
    hollow = 0.14 * half_depth * np.exp(-((left / (0.45 * half_width)) ** 2)) * (back > 0)
    reach = np.where(back > 0, 0.92 * half_depth, half_depth) - hollow
    across: Float32 = (np.abs(left / half_width) ** 2.4 + np.abs(back / reach) ** 2.4) ** (1.0 / 2.4)
    return across


def _dent(shape: BodyShape, across: Float32) -> Float32:
    """Depth of the hollow of each endplate, mm."""
    dent: Float32 = 0.5 * (shape.mean_height - shape.middle) * np.exp(-(across**2) / 0.5)
    return dent


def arch_distance(shape: VertebraShape, up: Float32, back: Float32, left: Float32) -> Float32:
    """About the distance from the surface of arch and processes, mm, negative inside; the two sides are mirrored."""
    arch, body = shape.arch, shape.body
    side = np.abs(left)
    waist_height = 0.16 * body.mean_height
    rear = 0.5 * body.depth
    canal_end = rear + arch.canal_depth
    pedicle = 0.5 * arch.canal_width + 0.4 * arch.pedicle_width
    points = (up, back, side)
    corner = (waist_height - 2.0, canal_end - 4.0, pedicle)
    roof = (-0.22 * body.mean_height, canal_end + 3.0, 0.0)
    parts = (
        _bar(
            points, (waist_height, 0.6 * rear, pedicle), corner, (0.5 * arch.pedicle_height, 0.5 * arch.pedicle_width)
        ),
        _bar(points, corner, roof, (0.5 * arch.lamina_height, 3.2)),
        _bar(points, roof, _moved(roof, arch.spinous), (0.5 * arch.spinous_height, 3.2)),
        _bar(points, corner, _moved(corner, arch.transverse), (1.3 * arch.transverse_radius, arch.transverse_radius)),
        *_facets(points, shape, corner),
    )
    nearest = parts[0]
    for part in parts[1:]:
        nearest = np.minimum(nearest, part)
    return nearest


def _facets(points: tuple[Float32, ...], shape: VertebraShape, corner: Vector) -> tuple[Float32, Float32]:
    radius = shape.arch.facet_radius
    rise = 0.5 * shape.body.mean_height + 0.4 * shape.disc
    upper = (rise, corner[1] + 1.0, corner[2] + 1.0)
    inner = (-0.2 * rise, corner[1] + 5.0, 0.75 * corner[2])
    lower = (-1.35 * rise, corner[1] + 7.0, 0.75 * corner[2])
    return _bar(points, corner, upper, (radius, radius)), _bar(points, inner, lower, (radius, 0.9 * radius))


def _moved(start: Vector, by: Vector) -> Vector:
    return start[0] + by[0], start[1] + by[1], start[2] + by[2]


def _bar(points: tuple[Float32, ...], start: Vector, end: Vector, half: tuple[float, float]) -> Float32:
    """Distance from a rod with round ends that is `half[0]` high and `half[1]` thick across."""
    stretch = np.float32(half[1] / half[0])
    axis = np.subtract(end, start) * (float(stretch), 1.0, 1.0)
    delta = [coordinate - np.float32(at) for coordinate, at in zip(points, start, strict=True)]
    delta[0] = delta[0] * stretch
    length_squared = max(float(axis @ axis), 1e-6)
    share = sum(part * np.float32(step / length_squared) for part, step in zip(delta, axis, strict=True))
    share = np.clip(share, 0.0, 1.0)
    squared = sum((part - share * np.float32(step)) ** 2 for part, step in zip(delta, axis, strict=True))
    distance: Float32 = np.sqrt(squared) - np.float32(half[1])
    return distance
