"""Whether the values of a volume are CT numbers in HU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Float32, Volume

#: Said where a scan shows no air, so that its scale could only be checked by its soft tissue.
NO_AIR = "No air is in the picture, so that the scale of CT numbers could be checked by soft tissue alone."

# Plausible limits, HU. Air is -1000 by definition; scanners write -1024 to -960, and pad beyond the circle with less.
_PADDING_BELOW = -1500.0
_AIR = (-1120.0, -880.0)
_LUNG = (-880.0, -600.0)
# Fat and muscle, also with contrast agent; one of them is the highest peak of what is neither air nor lung.
_SOFT_TISSUE = (-160.0, 160.0)
# In HU nothing but cortex, metal and contrast lies here; soft tissue does where 1024 was added or never taken away.
_SHIFTED_TISSUE = (750.0, 1250.0)
# Of bone, more lies here than beyond; of a trunk with 1024 too much, only what is neither lung nor tissue does.
_BONE = (350.0, 750.0)

_BIN = 20.0
_RANGE = (-1500.0, 5000.0)
#: A peak of the histogram holds at least this share of all voxels.
_LEAST_PEAK = 0.01
_LEAST_SOFT_TISSUE = 0.02
_LARGEST_SHIFTED = 0.08
#: Where air is missing it may be what lies at soft tissue's place, and the patient is small in a wide picture.
_LARGEST_SHIFTED_WITHOUT_AIR = 0.02
_SAMPLES_PER_AXIS = 96


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
    shifted = _share(values, _SHIFTED_TISSUE)
    is_shifted = shifted > max(_LARGEST_SHIFTED_WITHOUT_AIR, _share(values, _BONE))
    if (_LUNG[0] <= lowest <= _LUNG[1] or _SOFT_TISSUE[0] <= lowest <= _SOFT_TISSUE[1]) and not is_shifted:
        return HounsfieldCheck(limitation=NO_AIR)
    return HounsfieldCheck(reason=_not_hu(lowest, "the lowest peak of the values"))


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
