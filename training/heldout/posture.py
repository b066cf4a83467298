"""Where the vertebrae of a person lie: sizes, curves and the frame of each body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.geometry import Float64
from node.domain.levels import VertebralLevel

# Sizes grow almost evenly from T1 to L5, with a bend at the foot of the chest; mm at four places between them.
# Plausible choices, made without the table that training draws from.
_KNOTS = (0.0, 0.35, 0.68, 1.0)
_WIDTH, _DEPTH = (27.0, 29.0, 41.0, 50.0), (17.0, 26.0, 32.0, 35.0)
_HEIGHT, _DISC = (16.5, 19.0, 24.5, 27.0), (3.6, 4.2, 7.5, 11.0)

# Curves of the spine, degrees: tilt of the sacrum, of the lumbar and the thoracic arc, and to the side.
_SACRAL_SLOPE, _LORDOSIS, _KYPHOSIS = (38.0, 9.0), (50.0, 9.0), (42.0, 9.0)
_SCOLIOSIS = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A vertebra in the trunk, (k, j, i) in mm.

    Parameters
    ----------
    level
        `None` for a cervical or sacral one.
    place
        From 0 for the first thoracic to 1 for the last lumbar vertebra.
    centre
        Of the body.
    axes
        Unit vectors up, back and left of the body as rows.
    """

    level: VertebralLevel | None
    place: float
    centre: Float64
    axes: Float64
    width: float
    depth: float
    height: float
    disc: float

    def at(self, up: float, back: float, left: float) -> Float64:
        """A point given in the body's own coordinates."""
        point: Float64 = self.centre + np.array((up, back, left)) @ self.axes
        return point


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """Vertebrae from head to foot, two cervical ones first, and the first sacral body."""

    vertebrae: tuple[Placed, ...]
    sacrum: Placed
    scale: float

    @property
    def named(self) -> tuple[Placed, ...]:
        """The thoracic and lumbar vertebrae."""
        return tuple(placed for placed in self.vertebrae if placed.level is not None)

    @property
    def thoracic(self) -> tuple[Placed, ...]:
        """Those that carry ribs."""
        return tuple(placed for placed in self.vertebrae if placed.level is not None and placed.level.is_thoracic)

    def middle(self, heights: Float64) -> Float64:
        """Place (j, i) of the spine at heights along k, mm, shape (n, 2)."""
        centres = np.array([placed.centre for placed in (self.sacrum, *self.vertebrae[::-1])])
        return np.stack([np.interp(heights, centres[:, 0], centres[:, axis]) for axis in (1, 2)], axis=-1)


def draw_posture(rng: np.random.Generator, levels: tuple[VertebralLevel, ...]) -> Posture:
    """A person with these thoracic and lumbar vertebrae; the centre of S1 is the origin."""
    scale = float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.18))
    count = len(levels)
    places = np.concatenate(((-0.12, -0.06), np.linspace(0.0, 1.0, count)))
    names = (None, None, *levels)
    slope = float(rng.normal(*_SACRAL_SLOPE))
    forward = _forward_tilt(rng, places, slope)
    sideways = np.deg2rad(rng.normal(0.0, _SCOLIOSIS)) * np.sin(np.pi * (places * rng.uniform(0.8, 2.0) + rng.random()))
    thinning = rng.uniform(0.5, 1.15)
    sacrum = _sacral_body(slope, scale)
    below, placed = sacrum, []
    for index in range(len(places) - 1, -1, -1):
        below = _on_top(
            rng, below, names[index], place=float(places[index]), tilt=(forward[index], sideways[index]),
            scale=scale, thinning=thinning,
        )  # fmt: skip
        placed.append(below)
    return Posture(vertebrae=tuple(placed[::-1]), sacrum=sacrum, scale=scale)


def _forward_tilt(rng: np.random.Generator, places: Float64, slope: float) -> Float64:
    """Forward lean of every body, radians: from the sacrum, degrees, over the lumbar to the thoracic arc."""
    lordosis, kyphosis = (rng.normal(*each) for each in (_LORDOSIS, _KYPHOSIS))
    at_waist = slope - lordosis
    knots = (-0.12, 0.0, 0.25, 0.66, 0.8, 1.0)
    leans = (at_waist + 0.9 * kyphosis, at_waist + kyphosis, at_waist + 0.7 * kyphosis, at_waist, at_waist + 6.0,
             slope - 14.0)  # fmt: skip
    return np.deg2rad(np.interp(places, knots, leans) + rng.normal(0.0, 1.8, len(places)))


def _axes(forward: float, sideways: float) -> Float64:
    up = np.array((np.cos(forward) * np.cos(sideways), -np.sin(forward), np.sin(sideways)))
    up /= np.linalg.norm(up)
    back = np.array((0.0, 1.0, 0.0)) - up[1] * up
    back /= np.linalg.norm(back)
    left = np.array((0.0, 0.0, 1.0)) - up[2] * up - back[2] * back
    return np.stack((up, back, left / np.linalg.norm(left)))


def _sacral_body(slope: float, scale: float) -> Placed:
    return Placed(
        level=None,
        place=1.06,
        centre=np.zeros(3),
        axes=_axes(float(np.deg2rad(slope)), 0.0),
        width=52.0 * scale,
        depth=32.0 * scale,
        height=28.0 * scale,
        disc=1.0,
    )


def _on_top(
    rng: np.random.Generator,
    below: Placed,
    level: VertebralLevel | None,
    *,
    place: float,
    tilt: tuple[float, float],
    scale: float,
    thinning: float,
) -> Placed:
    width, depth, height = (
        float(np.interp(place, _KNOTS, table)) * scale * rng.normal(1.0, 0.045) for table in (_WIDTH, _DEPTH, _HEIGHT)
    )
    disc = max(1.5, float(np.interp(place, _KNOTS, _DISC)) * scale * thinning * rng.normal(1.0, 0.15))
    axes = _axes(*tilt)
    between = below.axes[0] + axes[0]
    between /= np.linalg.norm(between)
    centre = below.centre + 0.5 * below.height * below.axes[0] + disc * between + 0.5 * height * axes[0]
    return Placed(
        level=level, place=place, centre=centre, axes=axes, width=width, depth=depth, height=height, disc=disc
    )
