"""Whether a patient lies mirrored in the coordinates of the image, judged by the anatomy that was found.

Front and back, and head and foot, show in the spine: arches lie behind bodies, ribs fall on their way outwards, and the
sacrum lies at the lower end. Left and right do not show: the spine is nearly symmetric, and which side the liver lies
on is not looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.components import TOUCHING, components
from models.instances import Instances
from models.tissues import Tissue
from node.domain.geometry import Float64
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Float32

#: Said always: what coordinates cannot show.
LEFT_AND_RIGHT = "Whether left and right are exchanged cannot be seen in the spine."

# Plausible limits.

#: Arches lie this far behind the centreline, mm, and no farther aside.
_BEHIND_MM = (10.0, 50.0)
_ASIDE_MM = 35.0

#: What lies there of arches is at least this share of the bodies: in the scans that were looked at 0.5 to 0.8 of them,
#: and less than 0.15 where front and back were exchanged, though bodies and scattered arches were seen there, too.
_LEAST_ARCHES = 0.3

#: Bodies are no farther apart than this, mm: two that were missed, with their discs, leave as much. In 54 scans that
#: were looked at none were farther apart than 20. A breastbone and a heart that are taken for a spine are.
_WIDEST_GAP_MM = 60.0

#: The sacrum goes on where the spine ends: it lies this far behind the line of that, mm, and no farther aside. Shoulder
#: blades and breastbone, which a network may take for it, do not.
_SACRUM_MM, _SACRUM_ASIDE_MM = (-40.0, 80.0), 60.0

#: So much of it must be seen, mm3: in two abdomens with head and foot exchanged there were 35,000 and 63,000 at their
#: upper end, in chests none.
_LEAST_SACRUM_MM3 = 20_000.0

#: A rib counts where it spans this far sideways, mm, and its volume is above this, mm3.
_RIB_SPAN_MM = 40.0
_LEAST_RIB_MM3 = 1600.0

#: So many ribs that rise on their way outwards, in the median by this slope, are in nobody who lies the right way up.
_LEAST_RIBS = 6
_RISING = 0.1

#: Those of a spine that leans far back rise a little: a sacrum at the lower end is believed unless they rise by more.
_RISING_CLEARLY = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """How the spine lies that was found.

    Parameters
    ----------
    why_mirrored
        Why the image must be mirrored, or `None` where nothing says so.
    upright
        Whether the arches lie behind the bodies, as far as they should, and the bodies beside each other.
    """

    why_mirrored: Reason | None
    upright: bool

    @property
    def is_right(self) -> bool:
        """Whether it lies as a patient does, and nothing speaks against it."""
        return self.upright and self.why_mirrored is None


def judge_orientation(probabilities: Float32, instances: Instances | None) -> Orientation:
    """How the spine lies; what was not found is neither mirrored nor upright.

    Parameters
    ----------
    probabilities
        Of all classes, shape (class, k, j, i); k to the head, j to the back, i to the left.
    """
    if instances is None:
        return Orientation(why_mirrored=None, upright=False)
    arches = _arches_behind(probabilities, instances) >= _LEAST_ARCHES
    return Orientation(
        why_mirrored=_why_mirrored(probabilities, instances, arches=arches),
        upright=arches and _widest_gap_mm(instances) <= _WIDEST_GAP_MM,
    )


def _why_mirrored(probabilities: Float32, instances: Instances, *, arches: bool) -> Reason | None:
    above = _sacrum_above_mm(probabilities, instances)
    if above is not None and above > 0.0:
        detail = f"The sacrum lies {above:.0f} mm above the middle of the spine (head and foot exchanged)."
        return Reason(code=ReasonCode.MIRRORED, detail=detail)
    # Ribs are believed beside a spine only: their side of it is where they begin.
    slope = _rib_slope(probabilities, instances) if arches else None
    if slope is not None and slope > (_RISING if above is None else _RISING_CLEARLY):
        detail = f"Ribs rise by {slope:.1f} mm for each mm outwards, where they should fall (head and foot exchanged)."
        return Reason(code=ReasonCode.MIRRORED, detail=detail)
    return None


def _arches_behind(probabilities: Float32, instances: Instances) -> float:
    """Volume of the arches that lie where they should, as a share of that of the bodies."""
    points = np.argwhere(probabilities[int(Tissue.POSTERIOR_ELEMENTS)] > 0.5) * np.array(instances.spacing_mm)
    curve = instances.centreline.points_mm
    beside = (points[:, 0] >= curve[:, 0].min()) & (points[:, 0] <= curve[:, 0].max())
    behind, aside = _from_curve(points[beside], instances)
    right = (behind >= _BEHIND_MM[0]) & (behind <= _BEHIND_MM[1]) & (aside <= _ASIDE_MM)
    return float(np.count_nonzero(right) / np.count_nonzero(instances.labels))


def _widest_gap_mm(instances: Instances) -> float:
    """The widest gap between neighbours along the centreline, mm."""
    return max((upper[0] - lower[1] for upper, lower in pairwise(instances.spans_mm)), default=0.0)


def _sacrum_above_mm(probabilities: Float32, instances: Instances) -> float | None:
    """How far the sacrum lies above the middle of the bodies, mm; `None` where too little of it is seen."""
    sacrum = probabilities[int(Tissue.SACRUM_OR_HIP)] + probabilities[int(Tissue.S1_BODY)] > 0.5
    points = np.argwhere(sacrum) * np.array(instances.spacing_mm)
    behind, aside = _from_curve(points, instances)
    near = (behind >= _SACRUM_MM[0]) & (behind <= _SACRUM_MM[1]) & (aside <= _SACRUM_ASIDE_MM)
    if np.count_nonzero(near) * float(np.prod(instances.spacing_mm)) < _LEAST_SACRUM_MM3:
        return None
    bodies = np.flatnonzero(instances.labels.any(axis=(1, 2))) * instances.spacing_mm[0]
    return float(np.median(points[near, 0]) - (bodies[0] + bodies[-1]) / 2.0)


def _from_curve(points: Float64, instances: Instances) -> tuple[Float64, Float64]:
    """How far points lie behind the centreline at their height, or its nearer end, and aside of it, mm."""
    curve = instances.centreline.points_mm
    height, back, left = points.T
    behind = back - np.interp(height, curve[:, 0], curve[:, 1])
    aside = np.abs(left - np.interp(height, curve[:, 0], curve[:, 2]))
    return behind, aside


def _rib_slope(probabilities: Float32, instances: Instances) -> float | None:
    """How much ribs rise for each mm outwards, median; `None` where too few are seen."""
    labels, count = components(probabilities[int(Tissue.RIB)] > 0.5, TOUCHING)
    voxels = np.argwhere(labels)
    owner = labels[tuple(voxels.T)]
    points = voxels * np.array(instances.spacing_mm)
    curve = instances.centreline.points_mm
    outwards = np.abs(points[:, 2] - np.interp(points[:, 0], curve[:, 0], curve[:, 2]))
    sizes = np.bincount(owner, minlength=count + 1) * float(np.prod(instances.spacing_mm))
    slopes = []
    for number in np.flatnonzero(sizes > _LEAST_RIB_MM3):
        inside = owner == number
        if np.ptp(outwards[inside]) > _RIB_SPAN_MM:
            slopes.append(float(np.polyfit(outwards[inside], points[inside, 0], 1)[0]))
    return float(np.median(slopes)) if len(slopes) >= _LEAST_RIBS else None
