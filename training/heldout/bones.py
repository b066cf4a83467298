"""The bones of a scan of the second family, painted on its canvas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from scipy import ndimage

from models.box import Box, corner, shifted, size
from node.domain.geometry import Float64
from node.domain.levels import VertebralLevel
from node.domain.volume import Float32
from training.heldout.cage import Knob, Rod, pelvis_parts, rib_rods
from training.heldout.canvas import Canvas
from training.heldout.injuries import WHOLE, Injury, added_hu, injured
from training.heldout.palette import Palette
from training.heldout.posture import Placed, Posture
from training.heldout.solids import capsule, common, ellipsoid
from training.heldout.vertebra import BodyForm, arch_distance, body_distance, draw_form, heights_of
from training.true_heights import Heights

# Distance of what is not near a surface, mm.
_OUTSIDE_MM = 20.0

#: A level, a box of the layers, and the share of each of its voxels that is body.
Cover = tuple[VertebralLevel, Box, Float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnBones:
    """What was painted.

    Parameters
    ----------
    covers
        Which share of the voxels of a box each body with a level has.
    fractured
        The bodies among them that have lost height.
    has_screws
        Whether there is metal in view.
    """

    covers: tuple[Cover, ...]
    fractured: frozenset[VertebralLevel]
    has_screws: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InjuredBones:
    """What was painted of people of whom it was said what has happened to them.

    Parameters
    ----------
    covers
        Which share of the voxels of a box each body with a level has.
    heights
        Of the same bodies, the injury included.
    """

    covers: tuple[Cover, ...]
    heights: Mapping[VertebralLevel, Heights]


def draw_bones(
    canvas: Canvas, posture: Posture, rng: np.random.Generator, *, palette: Palette, odd: bool
) -> DrawnBones:
    """Paint all bones; of odd persons some bodies may have lost height, and some hold screws."""
    marrow = _draw_without_vertebrae(canvas, posture, rng, palette)
    chain = (*posture.vertebrae, posture.sacrum)
    broken = (
        {int(rng.integers(3, len(chain) - 1)) for _ in range(int(rng.integers(1, 4)))}
        if odd and rng.random() < 0.6
        else set()
    )
    covers = []
    for index, placed in enumerate(chain):
        injury = Injury(loss=_loss(rng)) if index in broken else WHOLE
        own = palette.marrow_of(placed.level, marrow, rng)
        form = draw_form(rng, placed, injury.loss)
        covers += _covers(placed, _draw_vertebra(canvas, placed, form, rng, marrow=own, injury=injury))
    fractured = frozenset(level for index in broken if (level := chain[index].level) is not None)
    return DrawnBones(
        covers=tuple(covers),
        fractured=fractured & {level for level, _, _ in covers},
        has_screws=odd and rng.random() < 0.12 and _draw_screws(canvas, posture, rng),
    )


def draw_injured(
    canvas: Canvas,
    posture: Posture,
    rng: np.random.Generator,
    *,
    palette: Palette,
    injuries: Mapping[VertebralLevel, Injury],
) -> InjuredBones:
    """Paint all bones, with what has happened to some of the bodies."""
    marrow = _draw_without_vertebrae(canvas, posture, rng, palette)
    covers: list[Cover] = []
    heights: dict[VertebralLevel, Heights] = {}
    for placed in (*posture.vertebrae, posture.sacrum):
        injury = WHOLE if placed.level is None else injuries.get(placed.level, WHOLE)
        own = palette.marrow_of(placed.level, marrow, rng)
        form = draw_form(rng, placed, injury.loss)
        found = _covers(placed, _draw_vertebra(canvas, placed, form, rng, marrow=own, injury=injury))
        covers += found
        heights |= {level: heights_of(placed, form) for level, _, _ in found}
    return InjuredBones(covers=tuple(covers), heights=heights)


def _draw_without_vertebrae(canvas: Canvas, posture: Posture, rng: np.random.Generator, palette: Palette) -> float:
    """Paint ribs, pelvis and discs; the CT number of marrow, HU."""
    marrow = palette.marrow(rng)
    _draw_other_bones(canvas, [*rib_rods(posture, rng), *pelvis_parts(posture, rng)], rng, marrow=marrow)
    disc = float(rng.uniform(50.0, 120.0))
    for upper, lower in pairwise((*posture.vertebrae, posture.sacrum)):
        _draw_disc(canvas, upper, lower, disc + rng.normal(0.0, 8.0))
    return marrow


def _covers(placed: Placed, drawn: tuple[Box, Float32] | None) -> list[Cover]:
    return [] if drawn is None or placed.level is None else [(placed.level, *drawn)]


def _loss(rng: np.random.Generator) -> tuple[float, float, float]:
    most = float(rng.uniform(0.2, 0.55))
    kinds = ((most, 0.5 * most, 0.0), (0.1, most, 0.1), (most, most, most))
    return kinds[int(rng.integers(len(kinds)))]


def _draw_disc(canvas: Canvas, upper: Placed, lower: Placed, value: float) -> None:
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
    canvas: Canvas, placed: Placed, form: BodyForm, rng: np.random.Generator, *, marrow: float, injury: Injury
) -> tuple[Box, Float32] | None:
    """Paint it; the share of each voxel of a box that is body."""
    own = np.random.default_rng(int(rng.integers(2**62)))
    box = canvas.box(
        *_corners(placed, (-1.3 * placed.height - 12.0, 0.95 * placed.height + 6.0), behind=55.0, aside=30.0)
    )
    behind = 5.0 + injury.fragment_mm
    small = canvas.box(*_corners(placed, (-0.65 * placed.height, 0.65 * placed.height), behind=behind, aside=6.0))
    if box is None:
        return None
    points = canvas.local(box, placed)
    body = np.full(size(box), _OUTSIDE_MM, dtype=np.float32)
    if small is not None:
        inner_box = shifted(small, by=[-start for start in corner(box)])
        k, j, i = (point[inner_box] for point in np.broadcast_arrays(*points))
        body[inner_box] = injured(body_distance(placed, form, (k, j, i)), placed, form, injury, (k, j, i))
    is_sacral = placed.level is None and placed.place > 1.0
    whole = body if is_sacral else np.minimum(body, arch_distance(placed, points, own))
    cortex, shell_mm = float(own.uniform(350.0, 900.0)), float(own.uniform(0.6, 1.4))
    texture = ndimage.gaussian_filter(own.standard_normal(whole.shape).astype(np.float32), 1.2)
    inner = marrow + texture * (own.uniform(5.0, 40.0) / max(float(texture.std()), 1e-6))
    inner = inner + added_hu(placed, form, injury, points)
    shell = np.clip((shell_mm + whole) / canvas.step.max() + 0.5, 0.0, 1.0)
    # shells of bodies are thinner than those of arches, on both sides of their surface
    shell *= np.where(body <= whole, 0.75, 1.0)
    canvas.paint(box, canvas.cover(whole), inner + shell * (cortex - inner))
    cover = canvas.cover(body)
    return (box, cover) if cover.any() else None


def _corners(placed: Placed, up: tuple[float, float], *, behind: float, aside: float) -> tuple[Float64, Float64]:
    """Corners of a box in the trunk around a box in the frame of a vertebra, with so much room behind and aside."""
    back, left = (-0.6 * placed.depth - 4.0, 0.5 * placed.depth + behind), 0.5 * placed.width + aside
    points = np.array([placed.at(*corner) for corner in product(up, back, (-left, left))])
    return points.min(0), points.max(0)


def _draw_other_bones(canvas: Canvas, parts: list[Rod | Knob], rng: np.random.Generator, *, marrow: float) -> None:
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


def _draw_screws(canvas: Canvas, posture: Posture, rng: np.random.Generator) -> bool:
    first = int(rng.integers(2, len(posture.named) - 2))
    return paint_screws(canvas, posture.named[first : first + 2])


def paint_screws(canvas: Canvas, vertebrae: Sequence[Placed]) -> bool:
    """Paint a pair in each of some vertebrae; whether any of it is in view."""
    seen = False
    for placed in vertebrae:
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
                share = canvas.cover(distance)
                canvas.paint(box, share, 2900.0)
                seen = seen or bool(share.any())
    return seen
