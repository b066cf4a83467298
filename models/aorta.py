"""The aorta in front of the spine: a round tube, followed from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.surroundings import Surroundings
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Float32

Float64 = NDArray[np.float64]

# Where its middle may lie, mm behind and to the left of the middle of a body. It runs in front of the body, on the left
# of the middle, and more to the side above the diaphragm; the vena cava lies to the right.
_BACK_MM, _LEFT_MM = (-52.0, -8.0), (-9.0, 36.0)

#: Radii that are tried, mm: adult aortas are 15 to 35 mm wide here.
_RADII_MM = np.arange(7.5, 18.1, 1.0)

#: It lies on the spine: its wall is this far from the middle of a body, mm.
_WALL_FROM_MIDDLE_MM = (9.0, 30.0)

#: Distance between voxels of the window in which it is looked for, and between places that are tried, mm.
_STEP_MM = 1.25
_PLACE_STEP = 2

#: Blood with any contrast agent, HU.
_BLOOD_HU = (10.0, 700.0)

# An edge is seen where what lies outside is darker than blood by this (fat is by 140, lung by 900), or brighter by this
# (bone, calcium), HU: plausible choices.
_DARKER_HU, _BRIGHTER_HU = 40.0, 90.0
_RIM_MM = 2.5
_ANGLES = 24

#: How much is taken from the share of the rim that is an edge where blood is uneven: so many times the standard
#: deviation inside, in parts of 100 HU, or of the blood's own brightness, because contrast agent arrives in clouds.
_UNEVEN, _UNEVEN_OF_HU = 1.5, 100.0

#: A slice shows the aorta where this much is left; muscle and veins that touch it have no edge.
_LEAST_SCORE = 0.45

#: What a move of 1 mm, and a radius that is 1 mm wider, costs from one slice to the next.
_MOVE_COST, _WIDEN_COST = 0.03, 0.02

#: It must be seen along this much in all, in pieces of at least that much, mm.
_LEAST_LENGTH_MM, _LEAST_RUN_MM = 25.0, 10.0

#: Left out inside its wall, mm: calcium and blur.
_WALL_MM = 3.0

#: The blood of one person is as bright in one slice as in the next, HU; with contrast agent it may differ by this
#: share, as it does where the wall is dissected.
_SLICES_AGREE_HU, _SLICES_AGREE_SHARE = 25.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tube:
    """The inside of the aorta, one disc a slice in which it was seen.

    Parameters
    ----------
    slices
        Indices of slices of the surroundings.
    centres_lps_mm
        Shape (slice, 3).
    radii_mm
        Of the wall.
    values_hu
        CT numbers inside, clear of the wall, one array a slice.
    """

    slices: NDArray[np.int64]
    centres_lps_mm: Float64
    radii_mm: Float64
    values_hu: tuple[Float32, ...]


def find_aorta(around: Surroundings) -> Tube | Reason:
    """The aorta, or why it was not found."""
    window = _window(around)
    score, radius = _scores(_steadied(window, around.spacing_mm[0]))
    path = _path(score, radius)
    slices = np.arange(len(path))
    places = np.array(np.unravel_index(path, score.shape[1:])).T
    best = score.reshape(len(path), -1)[slices, path]
    run = _long_runs(best >= _LEAST_SCORE, max(1, round(_LEAST_RUN_MM / around.spacing_mm[0])))
    if len(run) * around.spacing_mm[0] < _LEAST_LENGTH_MM:
        detail = f"No round tube of {_LEAST_LENGTH_MM:.0f} mm was seen in front of the spine."
        return Reason(code=ReasonCode.TISSUE_NOT_FOUND, detail=detail)
    radii = radius.reshape(len(path), -1)[slices, path].astype(np.float64)
    return _tube(around, window, run=run, places=places[run], radii=radii[run])


def _axis(limits: tuple[float, float], margin: float) -> Float64:
    return np.arange(limits[0] - margin, limits[1] + margin + 1e-6, _STEP_MM)


_MARGIN_MM = float(_RADII_MM[-1]) + _RIM_MM + _STEP_MM
_BACK, _LEFT = _axis(_BACK_MM, _MARGIN_MM), _axis(_LEFT_MM, _MARGIN_MM)


def _window(around: Surroundings) -> Float32:
    """Slices around the places that are tried, each moved with the spine, shape (k, back, left), HU."""
    x, y, _ = around.affine.matrix[:3, 3]
    window = np.empty((around.hu.shape[0], len(_BACK), len(_LEFT)), dtype=np.float32)
    for plane, target, (back, left) in zip(around.hu, window, around.middle_mm, strict=True):
        rows = (_BACK + back - y) / around.spacing_mm[1]
        columns = (_LEFT + left - x) / around.spacing_mm[2]
        ndimage.map_coordinates(
            plane, np.meshgrid(rows, columns, indexing="ij"), output=target, order=1, mode="nearest"
        )
    return window


def _steadied(window: Float32, slice_mm: float) -> Float32:
    """The window averaged along the spine, where the aorta runs: less noise."""
    smooth: Float32 = ndimage.uniform_filter1d(window, max(1, round(7.5 / slice_mm)), axis=0, mode="nearest")
    return smooth


def _scores(window: Float32) -> tuple[Float32, Float32]:
    """How much each place looks like the middle of the aorta, and the radius that fits best, shape (k, back, left)."""
    margin = round(_MARGIN_MM / _STEP_MM)
    shape = tuple(len(range(margin, size - margin, _PLACE_STEP)) for size in window.shape[1:])
    back, left = (axis[margin : len(axis) - margin : _PLACE_STEP] for axis in (_BACK, _LEFT))
    from_middle = np.hypot(back[:, None], left[None, :])
    best = np.full((len(window), *shape), -1.0, dtype=np.float32)
    radius = np.full_like(best, _RADII_MM[0])

    def sample(distance: float, angle: float) -> Float32:
        j, i = (round(distance * part / _STEP_MM) for part in (np.sin(angle), np.cos(angle)))
        return window[
            :,
            margin + j : window.shape[1] - margin + j : _PLACE_STEP,
            margin + i : window.shape[2] - margin + i : _PLACE_STEP,
        ]

    angles = 2.0 * np.pi * np.arange(_ANGLES) / _ANGLES
    for wide in _RADII_MM:
        inside = np.stack(
            [
                sample(distance, angle)
                for distance in np.unique((0.35 * wide, 0.7 * wide, wide - _RIM_MM))
                for angle in angles[::2]
            ]
        )
        mean, spread = inside.mean(axis=0), inside.std(axis=0)
        edges = np.zeros_like(mean)
        for angle in angles:
            step = mean - sample(wide + _RIM_MM, angle)
            edges += (step > _DARKER_HU) | (step < -_BRIGHTER_HU)
        score = edges / _ANGLES - _UNEVEN * spread / np.maximum(mean, _UNEVEN_OF_HU)
        wall = from_middle - wide
        impossible = (wall < _WALL_FROM_MIDDLE_MM[0]) | (wall > _WALL_FROM_MIDDLE_MM[1])
        score[(mean < _BLOOD_HU[0]) | (mean > _BLOOD_HU[1]) | impossible] = -1.0
        better = score > best
        best[better], radius[better] = score[better], wide
    return best, radius


def _path(score: Float32, radius: Float32) -> NDArray[np.int64]:
    """The place in every slice, flat index, that together score most for the least movement."""
    rows, columns = score.shape[1:]
    places = _STEP_MM * _PLACE_STEP * np.stack(np.unravel_index(np.arange(rows * columns), (rows, columns)), axis=1)
    moves = _MOVE_COST * np.linalg.norm(places[:, None] - places[None, :], axis=2).astype(np.float32)
    flat, wide = score.reshape(len(score), -1), radius.reshape(len(radius), -1)
    total = flat[0]
    came_from = np.zeros(flat.shape, dtype=np.int64)
    for k in range(1, len(flat)):
        reach = total[:, None] - moves - _WIDEN_COST * np.abs(wide[k - 1][:, None] - wide[k][None, :])
        came_from[k] = reach.argmax(axis=0)
        total = reach[came_from[k], np.arange(flat.shape[1])] + flat[k]
    path = np.zeros(len(flat), dtype=np.int64)
    path[-1] = int(total.argmax())
    for k in range(len(flat) - 1, 0, -1):
        path[k - 1] = came_from[k, path[k]]
    return path


def _long_runs(seen: NDArray[np.bool_], least: int) -> NDArray[np.int64]:
    """Indices that are true with so many neighbours."""
    return np.flatnonzero(ndimage.binary_opening(seen, np.ones(least))).astype(np.int64)


def _tube(
    around: Surroundings, window: Float32, *, run: NDArray[np.int64], places: NDArray[np.int64], radii: Float64
) -> Tube | Reason:
    margin = round(_MARGIN_MM / _STEP_MM)
    back = _BACK[margin + _PLACE_STEP * places[:, 0]]
    left = _LEFT[margin + _PLACE_STEP * places[:, 1]]
    values = []
    for plane, own_back, own_left, wide in zip(window[run], back, left, radii, strict=True):
        within = np.hypot(_BACK[:, None] - own_back, _LEFT[None, :] - own_left) <= wide - _WALL_MM
        values.append(plane[within])
    middles = np.array([np.median(each) for each in values])
    middle = float(np.median(middles))
    agree = np.abs(middles - middle) <= max(_SLICES_AGREE_HU, _SLICES_AGREE_SHARE * middle)
    if agree.sum() * around.spacing_mm[0] < _LEAST_LENGTH_MM:
        detail = "What looked like the aorta is not as bright in one slice as in the next."
        return Reason(code=ReasonCode.TISSUE_NOT_FOUND, detail=detail)
    z = around.affine.matrix[2, 3] + around.spacing_mm[0] * run
    centres = np.stack([left + around.middle_mm[run, 1], back + around.middle_mm[run, 0], z], axis=1)
    return Tube(
        slices=run[agree],
        centres_lps_mm=centres[agree],
        radii_mm=radii[agree],
        values_hu=tuple(each for each, fits in zip(values, agree, strict=True) if fits),
    )
