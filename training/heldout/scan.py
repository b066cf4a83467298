"""A whole scan of the second family, with the truth of its bodies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise, product

import numpy as np
from scipy import ndimage

from models.box import Box, corner, shifted, size
from node.domain.geometry import Affine, Float64
from node.domain.identifiers import Uid
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.volume import Float32, UInt8, Volume
from training.evaluation.case import Case
from training.heldout.cage import Knob, Rod, pelvis_parts, rib_rods
from training.heldout.posture import Placed, Posture, draw_posture
from training.heldout.soft import SOFT_MM, soft_tissue
from training.heldout.solids import Points, capsule, common, ellipsoid
from training.heldout.vertebra import arch_distance, body_distance, draw_form

#: Layers are at most this thick, mm; thicker slices are averages of several.
_LAYER_MM = 1.3

_SLICES_MM, _SLICE_SHARES = (1.0, 1.5, 2.0, 3.0, 5.0), (0.2, 0.2, 0.25, 0.25, 0.1)
# Distance of what is not near a surface, mm.
_OUTSIDE_MM = 20.0

_STORED_HU = (-1024.0, 3071.0)
_FRAME = Uid("2.25.2")


class Coverage(StrEnum):
    """What part of the trunk a scan shows."""

    CHEST = "chest"
    ABDOMEN = "abdomen"
    TRUNK = "trunk"
    LUMBAR = "lumbar"
    MIDDLE = "middle of the chest"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutSpec:
    """A scan to be drawn; the same specification gives the same voxels.

    Parameters
    ----------
    seed
        All that is not said here follows from it.
    coverage
        `MIDDLE` shows neither the last rib nor the sacrum.
    odd
        Whether something is unusual: fractures, another number of vertebrae, screws, contrast agent, or a scan that is
        cut at the side.
    """

    seed: int
    coverage: Coverage = Coverage.TRUNK
    odd: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Canvas:
    """The image while it is drawn: layers, their place, and what is known of bodies.

    Parameters
    ----------
    hu
        Shape (layer, j, i).
    origin
        Of the first voxel's centre, (k, j, i) in mm.
    step
        Distances of voxels, mm.
    """

    hu: Float32
    origin: Float64
    step: Float64

    def box(self, low: Float64, high: Float64) -> Box | None:
        """The voxels between two corners, or `None` where there are none."""
        first = np.clip(np.floor((low - self.origin) / self.step), 0, self.hu.shape).astype(int)
        last = np.clip(np.ceil((high - self.origin) / self.step) + 1, 0, self.hu.shape).astype(int)
        if (first >= last).any():
            return None
        k, j, i = (slice(int(start), int(stop)) for start, stop in zip(first, last, strict=True))
        return k, j, i

    def places(self, box: Box) -> Points:
        """Coordinates of a box's voxels, mm, that broadcast."""
        axes = [
            at + step * np.arange(part.start, part.stop)
            for at, step, part in zip(self.origin, self.step, box, strict=True)
        ]
        k, j, i = (axis.astype(np.float32) for axis in axes)
        return k[:, None, None], j[None, :, None], i[None, None, :]

    def local(self, box: Box, placed: Placed) -> Points:
        """Coordinates of a box's voxels in the frame of a vertebra."""
        away = [place - np.float32(at) for place, at in zip(self.places(box), placed.centre, strict=True)]
        up, back, left = (
            away[0] * np.float32(row[0]) + away[1] * np.float32(row[1]) + away[2] * np.float32(row[2])
            for row in placed.axes
        )
        return up, back, left

    def cover(self, distance: Float32) -> Float32:
        """Share of each voxel that is inside."""
        share: Float32 = np.clip(np.float32(0.5) - distance / np.float32(self.step.max()), 0.0, 1.0)
        return share

    def paint(self, box: Box, share: Float32, value: Float32 | float) -> None:
        """Put a value where a share of each voxel has it."""
        view = self.hu[box]
        view += share * (value - view)


def draw_case(spec: HeldOutSpec) -> Case:
    """The scan and its truth."""
    rng = np.random.default_rng((20_270_000, spec.seed))
    levels = _levels(rng) if spec.odd and rng.random() < 0.4 else USUAL_LEVELS
    posture = draw_posture(rng, levels)
    slice_mm = float(rng.choice(_SLICES_MM, p=_SLICE_SHARES))
    canvas, layers = _canvas(rng, posture, spec, slice_mm)
    covers = _draw_bones(canvas, posture, rng, odd=spec.odd)
    hu = _scanned(canvas, layers, rng)
    truth = np.zeros(hu.shape, dtype=np.uint8)
    for level, box, cover in covers:
        _mark(truth, level, box, cover, layers)
    pixel = float(canvas.step[1])
    k, j, i = canvas.origin + np.array((0.5 * (layers - 1) * canvas.step[0], 0.0, 0.0))
    affine = Affine.from_spacing((slice_mm, pixel, pixel), (float(i), float(j), float(k)))
    volume = Volume(hu=hu, affine=affine, frame_of_reference=_FRAME)
    groups = (str(spec.coverage), "odd" if spec.odd else "usual")
    return Case(name=f"{spec.coverage} {spec.seed}", volume=volume, truth=truth, groups=groups)


def _levels(rng: np.random.Generator) -> tuple[VertebralLevel, ...]:
    thoracic, lumbar = [(11, 5), (13, 5), (12, 4), (12, 6), (13, 4), (11, 6)][int(rng.integers(6))]
    names = [f"T{number}" for number in range(1, thoracic + 1)] + [f"L{number}" for number in range(1, lumbar + 1)]
    return tuple(VertebralLevel(name) for name in names)


def _canvas(rng: np.random.Generator, posture: Posture, spec: HeldOutSpec, slice_mm: float) -> tuple[_Canvas, int]:
    """The soft tissue on the grid of the layers, and how many layers make a slice."""
    layers = int(np.ceil(slice_mm / _LAYER_MM))
    low, high = _extent(rng, posture, spec.coverage)
    pixel = float(rng.uniform(1.0, 1.5))
    wide, deep = (2.0 * rng.uniform(120.0, 200.0), rng.uniform(230.0, 290.0)) if spec.odd else (390.0, 280.0)
    middle = posture.middle(np.array((0.5 * (low + high),)))[0]
    count = max(6, round((high - low) / slice_mm)) * layers
    origin = np.array((low, middle[0] - 0.66 * deep, middle[1] - 0.5 * wide + rng.normal(0.0, 8.0)))
    step = np.array((slice_mm / layers, pixel, pixel))
    shape = (count, round(deep / pixel), round(wide / pixel))
    coarse_shape = tuple(int(np.ceil(size * at / SOFT_MM)) + 2 for size, at in zip(shape, step, strict=True))
    enhanced = spec.odd and bool(rng.random() < 0.5)
    coarse = soft_tissue(posture, origin, (coarse_shape[0], coarse_shape[1], coarse_shape[2]), rng, enhanced=enhanced)
    fine = ndimage.affine_transform(coarse, step / SOFT_MM, output_shape=shape, order=1, output=np.float32)
    return _Canvas(hu=fine, origin=origin, step=step), layers


def _extent(rng: np.random.Generator, posture: Posture, coverage: Coverage) -> tuple[float, float]:
    """Lowest and highest place of the scan, mm."""
    heights = {placed.level: float(placed.centre[0]) for placed in posture.named}
    thoracic = [height for level, height in heights.items() if level is not None and level.is_thoracic]
    lumbar = [height for level, height in heights.items() if level is not None and not level.is_thoracic]
    above, below = thoracic[0] + 25.0, float(posture.sacrum.centre[0]) - 45.0
    if coverage is Coverage.CHEST:
        return lumbar[0] - rng.uniform(-12.0, 45.0), above
    if coverage is Coverage.ABDOMEN:
        return below - rng.uniform(0.0, 60.0), thoracic[-4] + rng.uniform(-20.0, 40.0)
    if coverage is Coverage.LUMBAR:
        return below + rng.uniform(-10.0, 20.0), thoracic[-1] + rng.uniform(10.0, 60.0)
    if coverage is Coverage.MIDDLE:
        return thoracic[-3] + rng.uniform(5.0, 30.0), thoracic[1] + rng.uniform(-20.0, 30.0)
    return below - rng.uniform(0.0, 60.0), above


_Cover = tuple[VertebralLevel, Box, Float32]


def _draw_bones(canvas: _Canvas, posture: Posture, rng: np.random.Generator, *, odd: bool) -> list[_Cover]:
    marrow = float(rng.uniform(15.0, 270.0))
    _draw_other_bones(canvas, [*rib_rods(posture, rng), *pelvis_parts(posture, rng)], rng, marrow=marrow)
    chain = (*posture.vertebrae, posture.sacrum)
    disc = float(rng.uniform(50.0, 120.0))
    for upper, lower in pairwise(chain):
        _draw_disc(canvas, upper, lower, disc + rng.normal(0.0, 8.0))
    broken = (
        {int(rng.integers(3, len(chain) - 1)) for _ in range(int(rng.integers(1, 4)))}
        if odd and rng.random() < 0.6
        else set()
    )
    covers = []
    for index, placed in enumerate(chain):
        loss = _loss(rng) if index in broken else (0.0, 0.0, 0.0)
        drawn = _draw_vertebra(canvas, placed, rng, marrow=marrow + rng.normal(0.0, 14.0), loss=loss)
        if drawn is not None and placed.level is not None:
            covers.append((placed.level, *drawn))
    if odd and rng.random() < 0.12:
        _draw_screws(canvas, posture, rng)
    return covers


def _loss(rng: np.random.Generator) -> tuple[float, float, float]:
    most = float(rng.uniform(0.2, 0.55))
    kinds = ((most, 0.5 * most, 0.0), (0.1, most, 0.1), (most, most, most))
    return kinds[int(rng.integers(len(kinds)))]


def _draw_disc(canvas: _Canvas, upper: Placed, lower: Placed, value: float) -> None:
    floor, roof = upper.at(-0.5 * upper.height, 0.0, 0.0), lower.at(0.5 * lower.height, 0.0, 0.0)
    half = 0.5 * float(np.linalg.norm(floor - roof)) + 3.0
    reach = 0.6 * (upper.width + half)
    centre = 0.5 * (floor + roof)
    box = canvas.box(centre - reach, centre + reach)
    if box is None:
        return
    up, back, left = canvas.local(box, replace(upper, centre=centre))
    wide, deep = 0.25 * (upper.width + lower.width), 0.25 * (upper.depth + lower.depth)
    side = (np.hypot(back / deep, left / wide) - 1.0) * np.float32(0.5 * (wide + deep))
    canvas.paint(box, canvas.cover(common(side, np.abs(up) - np.float32(half), 2.0)), value)


def _draw_vertebra(
    canvas: _Canvas, placed: Placed, rng: np.random.Generator, *, marrow: float, loss: tuple[float, float, float]
) -> tuple[Box, Float32] | None:
    """Paint it; the share of each voxel of a box that is body."""
    form = draw_form(rng, placed, loss)
    own = np.random.default_rng(int(rng.integers(2**62)))
    box = canvas.box(
        *_corners(placed, (-1.3 * placed.height - 12.0, 0.95 * placed.height + 6.0), behind=55.0, aside=30.0)
    )
    small = canvas.box(*_corners(placed, (-0.65 * placed.height, 0.65 * placed.height), behind=5.0, aside=6.0))
    if box is None:
        return None
    points = canvas.local(box, placed)
    body = np.full(size(box), _OUTSIDE_MM, dtype=np.float32)
    if small is not None:
        inner_box = shifted(small, by=[-start for start in corner(box)])
        k, j, i = (point[inner_box] for point in np.broadcast_arrays(*points))
        body[inner_box] = body_distance(placed, form, (k, j, i))
    is_sacral = placed.level is None and placed.place > 1.0
    whole = body if is_sacral else np.minimum(body, arch_distance(placed, points, own))
    cortex, shell_mm = float(own.uniform(350.0, 900.0)), float(own.uniform(0.6, 1.4))
    texture = ndimage.gaussian_filter(own.standard_normal(whole.shape).astype(np.float32), 1.2)
    inner = marrow + texture * (own.uniform(5.0, 40.0) / max(float(texture.std()), 1e-6))
    shell = np.clip((shell_mm + whole) / canvas.step.max() + 0.5, 0.0, 1.0)
    canvas.paint(box, canvas.cover(whole), inner + np.where(body < 0.0, 0.75, 1.0) * shell * (cortex - inner))
    cover = canvas.cover(body)
    return (box, cover) if cover.any() else None


def _corners(placed: Placed, up: tuple[float, float], *, behind: float, aside: float) -> tuple[Float64, Float64]:
    """Corners of a box in the trunk around a box in the frame of a vertebra, with so much room behind and aside."""
    back, left = (-0.6 * placed.depth - 4.0, 0.5 * placed.depth + behind), 0.5 * placed.width + aside
    points = np.array([placed.at(*corner) for corner in product(up, back, (-left, left))])
    return points.min(0), points.max(0)


def _draw_other_bones(canvas: _Canvas, parts: list[Rod | Knob], rng: np.random.Generator, *, marrow: float) -> None:
    """Ribs and pelvis as one field of distances, so that rods that meet have no wall between them."""
    field = np.full(canvas.hu.shape, 20.0, dtype=np.float32)
    for part in parts:
        low, high = _piece(part)
        box = canvas.box(low, high)
        if box is None:
            continue
        places = canvas.places(box)
        near = (
            capsule(places, part.start.tolist(), part.end.tolist(), part.radii)
            if isinstance(part, Rod)
            else ellipsoid(places, part.centre.tolist(), part.radii)
        )
        np.minimum(field[box], near, out=field[box])
    cortex, shell_mm = float(rng.uniform(500.0, 1100.0)), float(rng.uniform(0.9, 1.8))
    inside = field < 2.0
    shell = np.clip((shell_mm + field[inside]) / canvas.step.max() + 0.5, 0.0, 1.0)
    value = marrow + 30.0 + shell * (cortex - marrow)
    share = canvas.cover(field[inside])
    canvas.hu[inside] += share * (value - canvas.hu[inside])


def _piece(part: Rod | Knob) -> tuple[Float64, Float64]:
    """Corners of a box around it, with room for its edge."""
    if isinstance(part, Rod):
        margin = max(part.radii) + 3.0
        return np.minimum(part.start, part.end) - margin, np.maximum(part.start, part.end) + margin
    radii = np.array(part.radii) + 3.0
    return part.centre - radii, part.centre + radii


def _draw_screws(canvas: _Canvas, posture: Posture, rng: np.random.Generator) -> None:
    first = int(rng.integers(2, len(posture.named) - 2))
    for placed in posture.named[first : first + 2]:
        for side in (-1.0, 1.0):
            rod = Rod(
                start=placed.at(3.0, 0.5 * placed.depth + 24.0, side * 15.0),
                end=placed.at(1.0, -0.2 * placed.depth, side * 7.0),
                radii=(3.0, 2.6),
            )
            low, high = _piece(rod)
            box = canvas.box(low, high)
            if box is not None:
                distance = capsule(canvas.places(box), rod.start.tolist(), rod.end.tolist(), rod.radii)
                canvas.paint(box, canvas.cover(distance), 2900.0)


def _scanned(canvas: _Canvas, layers: int, rng: np.random.Generator) -> Float32:
    """Slices with the blur and noise of a scanner, HU."""
    count, rows, columns = canvas.hu.shape
    hu = canvas.hu.reshape(count // layers, layers, rows, columns).mean(1, dtype=np.float32)
    blur = float(rng.uniform(0.35, 0.8)) / float(canvas.step[1])
    noise_hu, grain = float(10.0 ** rng.uniform(0.6, 1.7)), float(rng.uniform(0.4, 1.0))
    for index, plane in enumerate(hu):
        noise = rng.standard_normal(plane.shape, dtype=np.float32)
        noise = ndimage.gaussian_filter(noise, grain) - ndimage.gaussian_filter(noise, 4.0 * grain)
        hu[index] = ndimage.gaussian_filter(plane, blur) + noise * (noise_hu / max(float(noise.std()), 1e-6))
    stored: Float32 = np.clip(np.rint(hu), *_STORED_HU).astype(np.float32)
    return stored


def _mark(truth: UInt8, level: VertebralLevel, box: Box, cover: Float32, layers: int) -> None:
    """Write a body into the truth: the voxels of which more than half is body, over all layers of a slice."""
    first, last = box[0].start // layers, -(-box[0].stop // layers)
    padded = np.zeros(((last - first) * layers, *cover.shape[1:]), dtype=np.float32)
    start = box[0].start - first * layers
    padded[start : start + cover.shape[0]] = cover
    share = padded.reshape(last - first, layers, *cover.shape[1:]).mean(1)
    view = truth[first:last, box[1], box[2]]
    view[share > 0.5] = level.number


def frozen_specs() -> Iterator[HeldOutSpec]:
    """The frozen set: 300 scans of all coverages, a third of them odd; then 50 without sacrum or last rib in view."""
    shown = (Coverage.CHEST, Coverage.ABDOMEN, Coverage.TRUNK, Coverage.LUMBAR)
    for number in range(300):
        yield HeldOutSpec(seed=number, coverage=shown[number % len(shown)], odd=number % 3 == 0)
    for number in range(300, 350):
        yield HeldOutSpec(seed=number, coverage=Coverage.MIDDLE)
