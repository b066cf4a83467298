"""Where the endplates of a vertebral body lie in the image: near the surface of its mask, which draws them too flat."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Self

import numpy as np
from scipy import ndimage
from scipy.special import ndtr

from models.crops import BodyCrop
from models.sagittal import STEP_MM, Bool, Float64, MaskProfile

# All numbers here are choices, made on synthetic chest CT with masks of the networks, fractured bodies among them.

#: How far an endplate may lie inside and outside the surface of the mask, mm. A mask that flattens a body that has
#: lost half of its middle is 7 mm off.
_INSIDE_MM, _OUTSIDE_MM = 9.0, 2.0

#: Candidates for its place have this distance, mm.
_FINE_MM = 0.25

#: What is looked at beyond the candidates, mm: marrow inside, disc outside.
_MARROW_MM, _DISC_MM = 2.0, 1.5

#: Farther outside the mask than this, mm, the next vertebra may begin: what lies there counts less and less.
_NEXT_MM = 2.0

#: Thickness of the bright shell between marrow and disc, mm. To choose among several per line made errors larger.
_SHELL_MM = 0.8

#: Blur in the plane, and that of a slice which is interpolated to the next, standard deviation, mm and share of slices.
_BLUR_MM, _BLUR_SHARE = 0.7, 0.5

#: Profiles are averaged over so much from front to back, standard deviation, mm.
_AVERAGED_MM = 0.7

#: How far model and image differ where the model is right, HU: texture, noise, what lies in the disc.
_MISFIT_HU = 60.0

#: How far the mask may be off before that speaks against a place, standard deviation, mm, inside and outside.
_OFF_INSIDE_MM, _OFF_OUTSIDE_MM = 3.0, 1.0

#: Cost of a step of 0.5 mm against the mask's surface from one line to the next.
_ROUGHNESS = 3.0

#: The outermost part of a mask bends where the endplate does not, mm.
_BENT_MM = 3.0

#: An endplate shows where it explains this much of the profile, root mean square, HU.
_SHOWN_HU = 20.0


class Side(IntEnum):
    """Which endplate, as the direction up or down the axis in which bone ends."""

    LOWER = -1
    UPPER = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endplate:
    """An endplate from front to back.

    Parameters
    ----------
    surface
        Its outer surface, mm up the axis, shape (back,); that of the mask where nothing shows.
    shown
        Whether the image shows it there, shape (back,).
    """

    surface: Float64
    shown: Bool


def find_endplate(crop: BodyCrop, mask: MaskProfile, side: Side) -> Endplate:
    """The endplate that explains the image best, near the mask and without leaps.

    Each line's profile is compared with marrow, a bright shell and a disc, blurred as the slices blur them; a path from
    front to back through the candidates of all lines is the most likely one (Viterbi).
    """
    drawn = mask.lower if side is Side.LOWER else mask.upper
    base = _flattened(drawn)
    profiles, within = _profiles(crop, mask, base, side)
    explained = _explained(profiles, _models(_blur_mm(crop, mask)))
    explained[:, ~within] = 0.0
    shift = _CANDIDATES[_path(_score(explained))]
    variance = np.take_along_axis(explained, np.searchsorted(_CANDIDATES, shift)[None], 0)[0] / _WEIGHTS.sum()
    shown = variance > _SHOWN_HU**2
    surface = np.where(shown, base.mean(1) + int(side) * shift, np.nanmean(drawn, axis=1))
    return Endplate(surface=surface, shown=shown)


def _steps(low: float, high: float) -> Float64:
    return low + _FINE_MM * np.arange(round((high - low) / _FINE_MM) + 1, dtype=np.float64)


_CANDIDATES = _steps(-_INSIDE_MM, _OUTSIDE_MM)
_OFFSETS = _steps(-_INSIDE_MM - _MARROW_MM, _OUTSIDE_MM + _DISC_MM)
_WEIGHTS = np.exp(-0.5 * np.maximum(_OFFSETS - _NEXT_MM, 0.0) ** 2)


def _flattened(surface: Float64) -> Float64:
    """The mask's surface without its bent ends and its steps from side to side, mm, shape (back, left)."""
    count, lines = surface.shape
    middle = np.nanmean(surface, axis=1)
    lefts = np.arange(lines) - 0.5 * (lines - 1)
    off = np.nan_to_num(surface - middle[:, None])
    tilt = float((off * lefts).sum() / (count * (lefts**2).sum()))
    bent = round(_BENT_MM / STEP_MM)
    straight = middle[np.clip(np.arange(count), bent, count - 1 - bent)]
    flat: Float64 = straight[:, None] + tilt * lefts
    return flat


def _profiles(crop: BodyCrop, mask: MaskProfile, base: Float64, side: Side) -> tuple[Float64, Bool]:
    """CT numbers across the surface, HU, shape (offset, back), mean of the slab; and which lie within the crop."""
    ups = base + int(side) * _OFFSETS[:, None, None]
    points = mask.frame.places(ups, mask.backs[:, None], mask.lefts)
    places = crop.affine.to_index(points.reshape(-1, 3)).T
    sampled = ndimage.map_coordinates(crop.hu.astype(np.float32), places, order=1, mode="nearest").reshape(ups.shape)
    ends = np.array(crop.hu.shape)[:, None] - 0.5
    beyond = np.logical_or(places < -0.5, places > ends).any(axis=0).reshape(ups.shape)
    within: Bool = ~np.any(beyond, axis=(0, 2))
    averaged = ndimage.gaussian_filter1d(sampled.mean(2).astype(np.float64), _AVERAGED_MM / STEP_MM, axis=1)
    return averaged, within


def _blur_mm(crop: BodyCrop, mask: MaskProfile) -> float:
    """Standard deviation of the blur along the axis, mm, in steps that few models serve."""
    steps = np.linalg.inv(crop.affine.matrix[:3, :3]) @ mask.frame.up
    thickness = crop.affine.spacing_mm[0]
    upright = min(abs(float(steps[0])) * thickness, 1.0)
    blur = np.hypot(_BLUR_SHARE * thickness * upright, _BLUR_MM * np.sqrt(1.0 - upright**2))
    return max(round(float(blur), 1), 0.3)


@dataclass(frozen=True, slots=True, eq=False)
class _Models:
    """A model for each candidate: its coefficients of weighted profiles, and an orthonormal basis of what it can be.

    Both have shape (candidate, column, offset).
    """

    inverse: Float64
    basis: Float64

    @classmethod
    def of(cls, columns: Float64) -> Self:
        """Of columns, weighted, shape (candidate, offset, column)."""
        inverse: Float64 = np.linalg.pinv(columns).astype(np.float64)
        return cls(inverse, np.linalg.qr(columns).Q.swapaxes(1, 2))


@cache
def _models(blur_mm: float) -> tuple[_Models, _Models]:
    """Marrow, shell and disc; and marrow and disc alone."""
    offsets, root = _OFFSETS - _CANDIDATES[:, None], np.sqrt(_WEIGHTS)[:, None]
    outside, below = ndtr(offsets / blur_mm), ndtr((offsets + _SHELL_MM) / blur_mm)
    with_shell = np.stack((1.0 - below, below - outside, outside), axis=2)
    return _Models.of(with_shell * root), _Models.of(np.stack((1.0 - outside, outside), axis=2) * root)


def _explained(profiles: Float64, models: tuple[_Models, _Models]) -> Float64:
    """How much of each profile's variance each candidate explains, weighted sum, HU2, shape (candidate, back).

    A shell that is no brighter than marrow and disc is none: then there is an edge, and bone is the brighter side.
    """
    weighted = profiles * np.sqrt(_WEIGHTS)[:, None]
    even = (profiles * _WEIGHTS[:, None]).sum(0) ** 2 / _WEIGHTS.sum()
    with_shell, edge = (((model.basis @ weighted) ** 2).sum(1) - even for model in models)
    marrow, shell, disc = (models[0].inverse @ weighted).swapaxes(0, 1)
    inner, outer = (models[1].inverse @ weighted).swapaxes(0, 1)
    explained: Float64 = np.where(shell > np.maximum(marrow, disc), with_shell, np.where(inner > outer, edge, 0.0))
    return explained


def _score(explained: Float64) -> Float64:
    """Log likelihood of each candidate on each line but for a constant, shape (candidate, back)."""
    off = _CANDIDATES / np.where(_CANDIDATES > 0.0, _OFF_OUTSIDE_MM, _OFF_INSIDE_MM)
    score: Float64 = explained * _FINE_MM / _MISFIT_HU**2 - off[:, None] ** 2
    return score


def _path(score: Float64) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The candidate on each line, by its index, of the path with the highest score."""
    leaps = -_ROUGHNESS * ((_CANDIDATES[:, None] - _CANDIDATES) / STEP_MM) ** 2
    best, before = score[:, 0], []
    for column in score.T[1:]:
        reached = best + leaps
        before.append(reached.argmax(1))
        best = reached.max(1) + column
    path = [int(best.argmax())]
    for sources in reversed(before):
        path.append(int(sources[path[-1]]))
    return np.array(path[::-1], dtype=np.intp)
