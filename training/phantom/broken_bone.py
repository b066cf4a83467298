"""What fractures and variants do to a body beside its heights: fragments, pits, and bone that is pressed together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from node.domain.volume import Float32
from training.anatomy.marks import Mark, Points
from training.anatomy.vertebra import BodyShape, VertebraShape, half_height
from training.phantom.changes import FractureKind, VariantKind
from training.phantom.heights import retropulsion_mm
from training.phantom.spec import PhantomSpec

# All numbers here are plausible choices.

#: Random numbers of a body's own changes.
_STREAM = 5

#: A fragment of the rear wall, shares of the body's sizes: its middle above that of the body, half of its height and of
#: its width, and how far in front of the rear edge of the endplates it begins. Its edges are round.
_FRAGMENT_UP, _FRAGMENT_HIGH, _FRAGMENT_WIDE = (0.05, 0.2), (0.24, 0.34), (0.2, 0.32)
_FRAGMENT_INSIDE, _FRAGMENT_ROUNDNESS = 0.3, 4.0

#: A pit is so much wider than deep, and lies so far from the middle of the endplate, shares of half its size.
_PIT_WIDER, _PIT_BACK, _PIT_LEFT = (0.8, 1.4), (-0.1, 0.45), (-0.4, 0.4)

#: A missing corner is so much deeper than high, and so wide a share of the body.
_CORNER_DEEPER, _CORNER_WIDE = (0.8, 1.3), (0.5, 0.9)

#: The rim of a pit: what it is brighter by, HU, and how thick it is, mm.
_RIM_HU, _RIM_MM = (60.0, 260.0), 1.5

#: Bone is pressed together so far beneath the endplate that gave way, and over so much, mm (standard deviation).
_COMPACTED_DEEP_MM, _COMPACTED_MM = 3.5, 1.6


def marks_of(shape: VertebraShape, spec: PhantomSpec) -> tuple[Mark, ...]:
    """The fragment of a burst body, and the pit or missing corner of a variant."""
    level = shape.level
    if level is None:
        return ()
    rng = np.random.default_rng((spec.seed, _STREAM, level.number))
    fracture, variant = spec.fracture_of(level), spec.variant_of(level)
    marks = []
    if fracture is not None and fracture.kind is FractureKind.BURST:
        marks.append(_fragment(shape.body, retropulsion_mm(shape, fracture), rng))
    if variant is not None:
        draw = _pit if variant.kind is VariantKind.SCHMORL_NODE else _missing_corner
        marks.append(draw(shape.body, variant.mm, rng))
    return tuple(marks)


def compacted_hu(shape: VertebraShape, spec: PhantomSpec, points: Points) -> Float32:
    """What a fracture adds beneath the endplates that gave way, HU; local coordinates in mm that broadcast."""
    fracture = spec.fracture_of(shape.level)
    up, back, left = points
    if fracture is None or fracture.compacted_hu == 0.0:
        return np.zeros(1, dtype=np.float32)
    plate = half_height(shape.body, back, left)
    # both plates of a body that is hollowed from both sides, else the upper one
    below = plate - (np.abs(up) if fracture.kind is FractureKind.BICONCAVE else up)
    band = np.exp(-0.5 * ((below - np.float32(_COMPACTED_DEEP_MM)) / np.float32(_COMPACTED_MM)) ** 2)
    added: Float32 = (np.float32(fracture.compacted_hu) * band).astype(np.float32)
    return added


def rims_hu(marks: Sequence[Mark], points: Points) -> Float32:
    """What the rims of holes are brighter by, HU; local coordinates in mm that broadcast."""
    added: Float32 = np.zeros(1, dtype=np.float32)
    for mark in marks:
        if mark.rim_hu > 0.0:
            near = np.exp(-0.5 * (mark.distance(points) / np.float32(_RIM_MM)) ** 2)
            added = added + np.float32(mark.rim_hu) * near
    return added


def _fragment(body: BodyShape, bulge_mm: float, rng: np.random.Generator) -> Mark:
    """A piece of the upper rear wall that stands so far behind the rear edge of the endplates."""
    edge = 0.46 * body.depth
    inside = _FRAGMENT_INSIDE * body.depth
    return Mark(
        centre=(rng.uniform(*_FRAGMENT_UP) * body.posterior, edge + 0.5 * (bulge_mm - inside), rng.normal(0.0, 1.5)),
        half=(
            rng.uniform(*_FRAGMENT_HIGH) * body.posterior,
            0.5 * (bulge_mm + inside),
            rng.uniform(*_FRAGMENT_WIDE) * body.width,
        ),
        adds=True,
        roundness=_FRAGMENT_ROUNDNESS,
    )


def _pit(body: BodyShape, deep_mm: float, rng: np.random.Generator) -> Mark:
    """Of the upper or the lower endplate."""
    sign = float(rng.choice((-1.0, 1.0)))
    back, left = 0.5 * body.depth * rng.uniform(*_PIT_BACK), 0.5 * body.width * rng.uniform(*_PIT_LEFT)
    wide = deep_mm * rng.uniform(*_PIT_WIDER)
    plate = float(half_height(body, np.array(back, dtype=np.float32), np.array(left, dtype=np.float32)))
    return Mark(centre=(sign * plate, back, left), half=(deep_mm, wide, wide), adds=False, rim_hu=rng.uniform(*_RIM_HU))


def _missing_corner(body: BodyShape, high_mm: float, rng: np.random.Generator) -> Mark:
    """The upper front one."""
    deep, wide = high_mm * rng.uniform(*_CORNER_DEEPER), 0.5 * body.width * rng.uniform(*_CORNER_WIDE)
    return Mark(
        centre=(0.5 * body.anterior, -0.5 * body.depth, rng.normal(0.0, 3.0)),
        half=(high_mm, deep, wide),
        adds=False,
        rim_hu=rng.uniform(*_RIM_HU),
    )
