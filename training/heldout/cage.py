"""Ribs, breastbone, sacrum and hips of the second family, as rods and ellipsoids in the trunk's coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from node.domain.geometry import Float64
from training.heldout.posture import Placed, Posture

# Half width and half depth of the chest at the ribs, from the first to the last, mm; plausible choices.
_AT = (0.0, 0.25, 0.6, 1.0)
_HALF_WIDTH, _HALF_DEPTH = (58.0, 96.0, 126.0, 116.0), (46.0, 76.0, 104.0, 92.0)

# Length of the last rib and of the one above it, mm: levels are miscounted by short ones.
_LAST_MM, _LAST_BUT_ONE_MM = (12.0, 140.0), (90.0, 200.0)

_STEPS = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Rod:
    """A piece of bone: a rod between two points, (k, j, i) in mm, with a radius at each end."""

    start: Float64
    end: Float64
    radii: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A piece of bone: an ellipsoid, (k, j, i) in mm."""

    centre: Float64
    radii: tuple[float, float, float]


def chest_size(share: float, scale: float) -> tuple[float, float]:
    """Half width and half depth of the rib cage, 0 at the first rib to 1 at the last, mm."""
    width, depth = (scale * float(np.interp(share, _AT, table)) for table in (_HALF_WIDTH, _HALF_DEPTH))
    return width, depth


def rib_rods(posture: Posture, rng: np.random.Generator) -> Iterator[Rod]:
    """All ribs, and the breastbone."""
    thoracic = posture.thoracic
    last, last_but_one = (float(rng.uniform(*each)) for each in (_LAST_MM, _LAST_BUT_ONE_MM))
    stout = rng.uniform(0.8, 1.2) * posture.scale
    sink = rng.uniform(0.7, 1.3)
    for number, placed in enumerate(thoracic, start=1):
        left_over = len(thoracic) - number
        for side in (-1.0, 1.0):
            length = (last, last_but_one)[left_over] * rng.uniform(0.8, 1.2) if left_over < 2 else np.inf
            radius = stout * (3.6 if left_over else 2.7) * rng.uniform(0.9, 1.1)
            path = _rib_path(posture, placed, (number - 1) / (len(thoracic) - 1), side=side, sink=sink)
            yield from _along(path, radius, length)
    yield from _breastbone(posture, thoracic)


def _rib_path(posture: Posture, placed: Placed, share: float, *, side: float, sink: float) -> Float64:
    half_width, half_depth = chest_size(share, posture.scale)
    rise = (0.48 if 0.08 < share < 0.75 else 0.2) * placed.height
    head = placed.at(rise, 0.3 * placed.depth, side * (0.5 * placed.width + 2.0))
    bump = placed.at(0.1 * placed.height, 0.5 * placed.depth + 12.0, side * (0.5 * placed.width + 17.0))
    end = np.deg2rad(np.interp(share, (0.0, 0.6, 0.85, 1.0), (150.0, 145.0, 115.0, 90.0)))
    angle = np.linspace(0.42, end, _STEPS)
    fall = sink * posture.scale * np.interp(share, (0.0, 0.3, 0.7, 1.0), (30.0, 75.0, 100.0, 60.0))
    height = bump[0] - fall * np.sin(0.5 * np.pi * (angle - angle[0]) / (np.pi - angle[0])) ** 1.2
    middle_back = placed.centre[1] + 22.0 * posture.scale - half_depth
    wall = np.stack(
        (
            height,
            middle_back + half_depth * np.cos(angle),
            placed.centre[2] + side * half_width * np.sin(angle) ** 0.9,
        ),
        axis=-1,
    )
    blend = np.clip(np.linspace(0.0, 6.0, _STEPS), 0.0, 1.0)[:, None]
    return np.concatenate((head[None], bump[None] * (1.0 - blend) + wall * blend))


def _along(path: Float64, radius: float, length: float) -> Iterator[Rod]:
    travelled = 0.0
    for start, end in pairwise(path):
        piece = float(np.linalg.norm(end - start))
        if travelled >= length or piece < 1e-3:
            continue
        share = min(1.0, (length - travelled) / piece)
        yield Rod(start=start, end=start + share * (end - start), radii=(radius, radius))
        travelled += piece


def _breastbone(posture: Posture, thoracic: tuple[Placed, ...]) -> Iterator[Rod]:
    top, bottom = thoracic[min(2, len(thoracic) - 1)], thoracic[min(8, len(thoracic) - 1)]
    ends = []
    for placed, share in ((top, 0.2), (bottom, 0.7)):
        _, half_depth = chest_size(share, posture.scale)
        ends.append(placed.centre + np.array((0.0, 22.0 * posture.scale - 2.0 * half_depth - 4.0, 0.0)))
    for aside in (-9.0, 0.0, 9.0):
        shift = np.array((0.0, 0.0, aside))
        yield Rod(start=ends[0] + shift, end=ends[1] + 0.6 * shift, radii=(7.0, 6.0))


def pelvis_parts(posture: Posture, rng: np.random.Generator) -> Iterator[Rod | Knob]:
    """Sacrum below its first body, hip bones and heads of the femora."""
    sacrum, scale = posture.sacrum, posture.scale * rng.normal(1.0, 0.04)
    for step in range(1, 10):
        # fused bodies, drawn two to each, that grow smaller and turn back
        down, size = 13.0 * scale * step, scale * (1.0 - 0.07 * step)
        place = sacrum.at(-down, 0.0035 * down**2 / scale, 0.0)
        yield Knob(centre=place, radii=(13.0 * size, 15.0 * size, 25.0 * size))
    for side in (-1.0, 1.0):
        for up, left, radius in ((-2.0, 34.0, 15.0), (-16.0, 38.0, 14.0), (-34.0, 30.0, 12.0)):
            knob = (radius * scale, 0.85 * radius * scale, radius * scale)
            yield Knob(centre=sacrum.at(up * scale, 8.0 * scale, side * left * scale), radii=knob)
        yield Rod(start=sacrum.at(4.0, 30.0, side * 12.0), end=sacrum.at(-70.0, 26.0, side * 8.0), radii=(4.0, 4.0))
        yield from _hip(posture, side, scale)


def _hip(posture: Posture, side: float, scale: float) -> Iterator[Rod | Knob]:
    """A wing as a fan of rods from above the socket to the crest, then socket and head."""
    origin = posture.sacrum.centre
    socket = origin + scale * np.array((-92.0, -26.0, side * 88.0))
    for share in np.linspace(0.0, 1.0, 28):
        crest = np.array((10.0 + 62.0 * np.sin(np.pi * min(share * 1.15, 1.0)), 44.0 - 108.0 * share, 0.0))
        crest[2] = side * (46.0 + 82.0 * np.sin(0.5 * np.pi * share))
        foot = np.array((-62.0 - 12.0 * share, 16.0 - 36.0 * share, side * (52.0 + 32.0 * share)))
        yield Rod(start=origin + scale * foot, end=origin + scale * crest, radii=(6.0 * scale, 4.6 * scale))
    yield Knob(centre=socket, radii=(27.0 * scale,) * 3)
    yield Rod(start=socket, end=origin + scale * np.array((-114.0, -62.0, side * 8.0)), radii=(12.0, 8.0))
    yield Rod(start=socket, end=origin + scale * np.array((-142.0, 14.0, side * 66.0)), radii=(15.0, 12.0))
    yield Rod(
        start=socket + scale * np.array((0.0, 0.0, side * 10.0)),
        end=socket + scale * np.array((-24.0, 18.0, side * 52.0)),
        radii=(17.0, 16.0),
    )
