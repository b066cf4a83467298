"""Whether a volume is what it says: CT numbers in HU, and a patient who is not mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from models.instances import Instances
from models.tissues import Tissue
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Float32, Volume

#: Said where a scan shows no air, so that its scale could only be checked by its soft tissue.
NO_AIR = "No air is in the picture, so that the scale of CT numbers could be checked by soft tissue alone."

#: Said always: what coordinates cannot show.
LEFT_AND_RIGHT = "Whether left and right are exchanged cannot be seen in the spine."

# Plausible limits, HU. Air is -1000 by definition; scanners write -1024 to -960, and pad beyond the circle with less.
_PADDING_BELOW = -1500.0
_AIR = (-1120.0, -880.0)
_LUNG = (-880.0, -600.0)
# Fat and muscle, also with contrast agent; one of them is the highest peak of what is neither air nor lung.
_SOFT_TISSUE = (-160.0, 160.0)
# In HU nothing but cortex, metal and contrast lies here; soft tissue does where 1024 was added or never taken away.
_SHIFTED_TISSUE = (750.0, 1250.0)

_BIN = 20.0
_RANGE = (-1500.0, 5000.0)
#: A peak of the histogram holds at least this share of all voxels.
_LEAST_PEAK = 0.01
_LEAST_SOFT_TISSUE = 0.02
_LARGEST_SHIFTED = 0.08
_SAMPLES_PER_AXIS = 96

#: How far behind their bodies arches and spinous processes lie in the median, mm; below it they are no spine's.
_LEAST_BEHIND_MM = 5.0
#: A body looks like S1 where that class has this share of it.
_SACRAL_SHARE = 0.7

#: Fewer voxels of arches than this say nothing about where they lie.
_LEAST_VOXELS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HounsfieldCheck:
    """What the values look like: `reason` where they are no HU, `limitation` where it could not be seen."""

    reason: Reason | None = None
    limitation: str | None = None


def check_hounsfield(volume: Volume) -> HounsfieldCheck:
    """Whether the values are CT numbers in HU, judged by where air and soft tissue lie.

    A scan without air (a crop inside the body) is allowed where its soft tissue is where it should be.
    """
    k, j, i = (max(1, size // _SAMPLES_PER_AXIS) for size in volume.shape)
    values = volume.hu[::k, ::j, ::i].ravel()
    values = values[values > _PADDING_BELOW]
    if not values.size:
        return HounsfieldCheck(reason=_not_hu(float(volume.hu.max()), "all values"))
    lowest = _lowest_peak(values)
    tissue = values[values > _LUNG[1]]
    if tissue.size < _LEAST_SOFT_TISSUE * values.size or _share(values, _SHIFTED_TISSUE) > _LARGEST_SHIFTED:
        return HounsfieldCheck(reason=_not_hu(lowest, "the lowest peak of the values"))
    middle = _highest_peak(tissue)
    if not _SOFT_TISSUE[0] <= middle <= _SOFT_TISSUE[1]:
        return HounsfieldCheck(reason=_not_hu(lowest, f"soft tissue came at {middle:.0f}, the lowest peak"))
    if _AIR[0] <= lowest <= _AIR[1]:
        return HounsfieldCheck()
    if _LUNG[0] <= lowest <= _LUNG[1] or _SOFT_TISSUE[0] <= lowest <= _SOFT_TISSUE[1]:
        return HounsfieldCheck(limitation=NO_AIR)
    return HounsfieldCheck(reason=_not_hu(lowest, "the lowest peak of the values"))


def check_orientation(probabilities: Float32, instances: Instances) -> Reason | None:
    """Why the image must be mirrored, or `None`: arches lie behind bodies and the sacrum below them.

    An image that is mirrored from left to right alone shows nothing of it here.

    Parameters
    ----------
    probabilities
        Of all classes, shape (class, k, j, i); k to the head, j to the back, i to the left.
    """
    behind = _arches_behind_mm(probabilities, instances)
    if behind is not None and behind < _LEAST_BEHIND_MM:
        detail = (
            f"Arches lie {behind:.0f} mm behind their bodies; about 30 mm were expected (front and back exchanged)."
        )
        return Reason(code=ReasonCode.MIRRORED, detail=detail)
    above = _sacrum_above_mm(probabilities, instances)
    if above is not None and above > 0.0:
        detail = f"The sacrum lies {above:.0f} mm above the middle of the spine (head and foot exchanged)."
        return Reason(code=ReasonCode.MIRRORED, detail=detail)
    return None


def _lowest_peak(values: Float32) -> float:
    """The middle of the lowest stretch of the histogram that is a peak of some weight."""
    counts, edges = np.histogram(np.clip(values, *_RANGE), np.arange(_RANGE[0], _RANGE[1] + 2.0 * _BIN, _BIN))
    weight = np.convolve(counts, np.ones(5), mode="same") / values.size
    heavy = np.flatnonzero(weight >= _LEAST_PEAK)
    if not len(heavy):
        return float(np.median(values))
    first = int(heavy[0])
    # Uphill from there: a peak's foot is not its middle.
    while first + 1 < len(weight) and weight[first + 1] > weight[first]:
        first += 1
    return float(edges[first] + _BIN / 2.0)


def _highest_peak(values: Float32) -> float:
    counts, edges = np.histogram(np.clip(values, *_RANGE), np.arange(_RANGE[0], _RANGE[1] + 2.0 * _BIN, _BIN))
    return float(edges[int(np.argmax(np.convolve(counts, np.ones(5), mode="same")))] + _BIN / 2.0)


def _share(values: Float32, limits: tuple[float, float]) -> float:
    return float(((values >= limits[0]) & (values <= limits[1])).mean())


def _not_hu(value: float, what: str) -> Reason:
    return Reason(code=ReasonCode.NOT_HU, detail=f"Air was expected near -1000 HU; {what} came at {value:.0f}.")


def _arches_behind_mm(probabilities: Float32, instances: Instances) -> float | None:
    """How far arches lie behind the centreline, median, mm; `None` where too few are seen."""
    arch = probabilities[int(Tissue.POSTERIOR_ELEMENTS)] > 0.5
    points = np.argwhere(arch) * np.array(instances.spacing_mm)
    if len(points) < _LEAST_VOXELS:
        return None
    curve = instances.centreline.points_mm
    return float(np.median(points[:, 1] - np.interp(points[:, 0], curve[:, 0], curve[:, 1])))


def _sacrum_above_mm(probabilities: Float32, instances: Instances) -> float | None:
    """How far the bodies that look like S1 lie above the middle of the others, mm; `None` where none does."""
    count = len(instances.spans_mm)
    numbers = np.arange(1, count + 1)
    share = ndimage.mean(probabilities[int(Tissue.S1_BODY)], instances.labels, numbers)
    sacral = np.flatnonzero(share > _SACRAL_SHARE)
    if not len(sacral) or len(sacral) == count:
        return None
    middles = np.array([(low + high) / 2.0 for low, high in instances.spans_mm])
    return float(middles[sacral].mean() - np.delete(middles, sacral).mean())
