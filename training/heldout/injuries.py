"""Broken bodies of the second family, and what looks like a fracture and is none: drawn in its own way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.volume import Float32
from training.heldout.posture import Placed
from training.heldout.solids import Points, capsule, ellipsoid, joined
from training.heldout.vertebra import BodyForm, half_height

# All numbers here are plausible choices, made without those of the first family.

#: A fragment is a lump of two balls: how high its middle lies, how high and how wide it is, shares of the body's height
#: and width, and how it melts into the body, mm.
_LUMP_UP, _LUMP_RADIUS, _LUMP_WIDE, _LUMP_MELT_MM = (-0.05, 0.25), (0.2, 0.3), (0.12, 0.3), 1.5

#: Where a pit lies, shares of half depth and half width, and how wide it is, share of its depth.
_PIT_BACK, _PIT_LEFT, _PIT_WIDE = (-0.25, 0.35), (-0.3, 0.3), (0.9, 1.6)

#: What the walls of a pit or of a missing corner are brighter by, HU, and how thick they are, mm.
_WALL_HU, _WALL_MM = (40.0, 220.0), 1.8

#: Bone that is pressed together lies beneath the upper endplate, between these depths, mm.
_PRESSED_MM = (1.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injury:
    """What has happened to a body.

    Parameters
    ----------
    loss
        Shares of the height that are lost in front, in the middle and behind.
    fragment_mm
        How far a piece of the rear wall stands behind it.
    pressed_hu
        What bone beneath the upper endplate is brighter by.
    pit_mm, corner_mm
        Depth of a pit in an endplate, and height of the upper front corner that is missing.
    seed
        Where exactly.
    """

    loss: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fragment_mm: float = 0.0
    pressed_hu: float = 0.0
    pit_mm: float = 0.0
    corner_mm: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not all(0.0 <= share < 0.9 for share in self.loss):
            raise ValueError(f"a body keeps a tenth of its height at least, got losses of {self.loss}")
        if min(self.fragment_mm, self.pressed_hu, self.pit_mm, self.corner_mm) < 0.0:
            raise ValueError(f"what happened to a body is not negative, got {self}")

    @property
    def is_fracture(self) -> bool:
        """Whether anything of the height is lost."""
        return max(self.loss) > 0.0


#: Nothing has happened.
WHOLE = Injury()


def injured(body: Float32, placed: Placed, form: BodyForm, injury: Injury, points: Points) -> Float32:
    """Distance from the surface of a body, mm, with what stands out of it and without what it lacks."""
    if injury.fragment_mm > 0.0:
        body = joined(body, _fragment(placed, form, injury, points), _LUMP_MELT_MM)
    for hole in _holes(placed, form, injury, points):
        body = np.maximum(body, -hole)
    return body


def added_hu(placed: Placed, form: BodyForm, injury: Injury, points: Points) -> Float32:
    """What bone is brighter by: pressed together, or the wall of a hole; HU."""
    up, back, _ = points
    added: Float32 = np.zeros(1, dtype=np.float32)
    if injury.pressed_hu > 0.0:
        deep = half_height(placed, form, back) - up
        first, last = (np.float32(depth) for depth in _PRESSED_MM)
        added = np.float32(injury.pressed_hu) * np.clip(np.minimum(deep - first, last - deep) + 0.5, 0.0, 1.0)
    wall_hu = np.float32(np.random.default_rng((injury.seed, 3)).uniform(*_WALL_HU))
    for hole in _holes(placed, form, injury, points):
        added = added + wall_hu * np.clip(1.0 - hole / np.float32(_WALL_MM), 0.0, 1.0) * (hole > 0.0)
    return added


def _fragment(placed: Placed, form: BodyForm, injury: Injury, points: Points) -> Float32:
    rng = np.random.default_rng((injury.seed, 1))
    radius = rng.uniform(*_LUMP_RADIUS) * placed.height * (1.0 - injury.loss[2])
    up, aside = rng.uniform(*_LUMP_UP) * placed.height, rng.uniform(*_LUMP_WIDE) * placed.width
    radius = max(radius, 0.5 * injury.fragment_mm)
    back = 0.5 * placed.depth - form.hollow + injury.fragment_mm - radius
    return capsule(points, (up, back, -0.5 * aside), (up, back, 0.5 * aside), (radius, 0.85 * radius))


def _holes(placed: Placed, form: BodyForm, injury: Injury, points: Points) -> list[Float32]:
    """Distances from the surfaces of the pit and of the missing corner."""
    rng = np.random.default_rng((injury.seed, 2))
    holes = []
    if injury.pit_mm > 0.0:
        sign = float(rng.choice((-1.0, 1.0)))
        back, left = 0.5 * placed.depth * rng.uniform(*_PIT_BACK), 0.5 * placed.width * rng.uniform(*_PIT_LEFT)
        plate = float(half_height(placed, form, np.array(back, dtype=np.float32)))
        wide = injury.pit_mm * rng.uniform(*_PIT_WIDE)
        # endplates are hollow: the pit begins where bone does
        holes.append(ellipsoid(points, (sign * (plate - _dish(form, sign)), back, left), (injury.pit_mm, wide, wide)))
    if injury.corner_mm > 0.0:
        front = np.array(-0.5 * placed.depth, dtype=np.float32)
        rim = float(half_height(placed, form, front))
        sizes = (injury.corner_mm, 1.1 * injury.corner_mm, 0.4 * placed.width)
        holes.append(ellipsoid(points, (rim, float(front), 0.0), sizes))
    return holes


def _dish(form: BodyForm, sign: float) -> float:
    return form.dish[0] if sign > 0.0 else form.dish[1]
