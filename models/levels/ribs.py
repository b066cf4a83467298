"""Ribs: at which body each begins, and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.components import TOUCHING, components
from models.instances import Instances
from node.domain.volume import Float32

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

#: Probabilities above which a voxel is surely a rib, and may be one.
_SURE = 0.5
_FAINT = 0.3

#: A structure that reaches less far is none, or the stub of a rib whose course was lost, mm.
STUB_MM = 28.0

#: A pair of ribs that reaches so far, mm, is no lumbar one: readers call a last rib below 38 mm short [1], and lumbar
#: ribs are short.
#:
#: References
#: ----------
#: [1] Wigh RE. The thoracolumbar and lumbosacral transitional junctions. Spine 1980;5:215-222.
LONG_MM = 40.0

#: From this volume on, mean of both sides, a close look shows a pair of ribs, mm3; below it there is none.
PAIR_MM3 = 240.0

#: A rib's seen part must begin within this distance of the centreline, mm; its first centimetres may be missed.
_SEEN_WITHIN_MM = 60.0

#: Nothing farther in front of the centreline is a rib's beginning, mm.
_IN_FRONT_MM = 12.0

#: A rib's head lies at this distance from the centreline, mm.
_HEAD_RADIUS_MM = 25.0

#: The course of a rib is drawn back to its head from this length of it, mm.
_DRAWN_FROM_MM = 30.0

#: Largest fall of a rib along the spine for each mm that it goes outwards: the lowest ones fall like this.
_STEEPEST = 1.0

#: Rib heads lie at the upper edge of their own body, or at the disc above it; this far below, mm, is surely own.
_HEAD_ABOVE_OWN_MM = 6.0

#: Smaller pieces, mm3, are specks.
_SPECK_MM3 = 150.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ribs:
    """The ribs of every body, from head to foot.

    Parameters
    ----------
    reach_mm
        How far they reach from their head, straight, at the right and left side; shape (bodies, 2), 0 for none.
    cut
        Whether they leave the scan, so that they are longer than that; same shape.
    """

    reach_mm: Float64
    cut: Bool


def find_ribs(rib: Float32, instances: Instances) -> Ribs:
    """What begins beside each body and was taken for a rib; whether it is one is for its length to say.

    Parameters
    ----------
    rib
        Probability of a rib, shape (k, j, i), on the grid of the instances.
    """
    sure, faint = _ribs_in(rib > _SURE, instances), _ribs_in(rib > _FAINT, instances)
    # A low threshold finds thin ribs but lets neighbours touch: it fills in where the high one found none.
    missed = sure.reach_mm < STUB_MM
    return Ribs(
        reach_mm=np.where(missed, np.maximum(faint.reach_mm, sure.reach_mm), sure.reach_mm),
        cut=np.where(missed, faint.cut, sure.cut),
    )


def _ribs_in(rib: Bool, instances: Instances) -> Ribs:
    bodies = len(instances.spans_mm)
    ribs = Ribs(reach_mm=np.zeros((bodies, 2)), cut=np.zeros((bodies, 2), dtype=np.bool_))
    voxels = np.argwhere(rib)
    if not len(voxels):
        return ribs
    course = _Course(voxels, instances)
    near = np.zeros_like(rib)
    near[tuple(voxels[(course.radius < _SEEN_WITHIN_MM) & (course.behind > -_IN_FRONT_MM)].T)] = True
    piece = components(near, TOUCHING)[0][tuple(voxels.T)]
    whole = components(rib, TOUCHING)[0][tuple(voxels.T)]
    last = (np.array(rib.shape) - 1) * np.array(instances.spacing_mm)
    for number in range(1, int(piece.max(initial=0)) + 1):
        inside = np.flatnonzero(piece == number)
        if len(inside) * np.prod(instances.spacing_mm) < _SPECK_MM3:
            continue
        start = int(inside[np.argmin(course.radius[inside])])
        same = np.flatnonzero(whole == whole[start])
        owner = _owner(course.head_arc(start, same), instances)
        if owner is None:
            continue
        side = int(course.left[start] > 0.0)
        points = course.points[same]
        reach = float(np.linalg.norm(points - course.points[start], axis=1).max())
        missed = max(0.0, float(course.radius[start]) - _HEAD_RADIUS_MM)
        # What was missed counts where more was seen; what is short and lies apart, as a calcification does, is no rib.
        reach += missed if reach > missed else 0.0
        ribs.reach_mm[owner, side] = max(ribs.reach_mm[owner, side], reach)
        ribs.cut[owner, side] |= _leaves(points, last, np.array(instances.spacing_mm))
    return ribs


class _Course:
    """Where the voxels of ribs lie against the spine; all mm, shape (n,), points of shape (n, 3)."""

    def __init__(self, voxels: NDArray[np.int64], instances: Instances) -> None:
        curve = instances.centreline
        self.points: Float64 = voxels * np.array(instances.spacing_mm)
        self.arc, self.radius = curve.project(self.points)
        middle = [np.interp(self.arc, curve.arc_mm, curve.points_mm[:, axis]) for axis in (1, 2)]
        self.behind = self.points[:, 1] - middle[0]
        self.left = self.points[:, 2] - middle[1]

    def head_arc(self, start: int, same: NDArray[np.int64]) -> float:
        """Length along the spine at which a rib begins, from its first seen voxel and all that are connected to it.

        A rib falls on its way outwards. Where its beginning was missed, its course is drawn back to where heads lie.
        """
        missed = float(self.radius[start]) - _HEAD_RADIUS_MM
        near = np.abs(self.arc[same] - self.arc[start]) < _DRAWN_FROM_MM
        first = same[near & (self.radius[same] < self.radius[start] + _DRAWN_FROM_MM)]
        if missed <= 0.0 or float(np.ptp(self.radius[first])) < _DRAWN_FROM_MM / 3.0:
            return float(self.arc[start])
        slope = float(np.polyfit(self.radius[first], self.arc[first], 1)[0])
        return float(self.arc[start]) - float(np.clip(slope, -_STEEPEST, 0.0)) * missed


def _leaves(points: Float64, last: Float64, spacing: Float64) -> bool:
    return bool((points <= spacing / 2.0).any() or (points >= last - spacing / 2.0).any())


def _owner(arc_mm: float, instances: Instances) -> int | None:
    """Index from the head of the body whose rib begins at a length along the curve."""
    own = arc_mm - _HEAD_ABOVE_OWN_MM
    top, bottom = instances.spans_mm[0][1], instances.spans_mm[-1][0]
    if own > top or own < bottom:
        return None
    return int(sum(own < cut for cut in instances.cuts_mm))
