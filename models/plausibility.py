"""Whether the values of a volume are CT numbers in HU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Float32, Volume

#: Said where a scan shows no air, so that its scale could only be checked by its soft tissue.
NO_AIR = "No air is in the picture, so that the scale of CT numbers could be checked by soft tissue alone."

# Plausible limits, HU. Air is -1000 by definition; scanners write -1024 to -960, and pad beyond the circle with less.
# An offset that leaves air within the limits is caught where air is read beside the spine.
_PADDING_BELOW = -1500.0
_AIR = (-1120.0, -935.0)
_LUNG = (-880.0, -600.0)
# Fat and muscle, also with contrast agent; one of them is the highest peak of what is neither air nor lung.
_SOFT_TISSUE = (-160.0, 160.0)
# In HU nothing but cortex, metal and contrast lies here; soft tissue does where 1024 was added or never taken away.
_SHIFTED_TISSUE = (750.0, 1250.0)
# Of bone, more lies here than beyond; of a trunk with 1024 too much, only what is neither lung nor tissue does.
_BONE = (350.0, 750.0)
# Where the two peaks lie in an adult trunk at any tube voltage: fat near -100, muscle and organs near 40.
_FAT = (-130.0, -70.0)
_MUSCLE = (0.0, 80.0)

_BIN = 20.0
_RANGE = (-1500.0, 5000.0)
#: A peak of the histogram holds at least this share of all voxels.
_LEAST_PEAK = 0.01
_LEAST_SOFT_TISSUE = 0.02
_LARGEST_SHIFTED = 0.08
#: Where air is missing it may be what lies at soft tissue's place, and the patient is small in a wide picture.
_LARGEST_SHIFTED_WITHOUT_AIR = 0.02
#: Fat and muscle may seem to lie so far off, HU: noise, contrast agent and children do that.
_OFFSET_ALLOWED = 60.0
#: They lie elsewhere where so many times as many voxels fit there.
_FITS_BETTER = 1.25
_OFFSETS = np.arange(-400.0, 401.0, 10.0)
#: A window for display cuts values off: so large a share has the lowest one, and that is above air. So it is where
#: values that a scanner cut off at -1024 were shifted.
_LEAST_CUT_OFF = 0.02
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
        doubt: str | None = f"Air was expected near -1000 HU; no value is above {_PADDING_BELOW:.0f}."
    else:
        doubt = _doubt_by_tissue(values) or _doubt_by_air(values)
    if doubt is not None:
        return HounsfieldCheck(reason=Reason(code=ReasonCode.NOT_HU, detail=doubt))
    return HounsfieldCheck(limitation=None if _is_within(_lowest_peak(values), _AIR) else NO_AIR)


def _doubt_by_tissue(values: Float32) -> str | None:
    """What is wrong with the soft tissue, in a sentence."""
    tissue = values[values > _LUNG[1]]
    share = tissue.size / values.size
    if share < _LEAST_SOFT_TISSUE:
        return f"Of the values {share:.1%} are above {_LUNG[1]:.0f} HU, too few for soft tissue."
    floor = float(values.min())
    if floor > _AIR[1] and (values == floor).mean() > _LEAST_CUT_OFF:
        return f"Many share the lowest one, {floor:.0f}: they are shifted, or cut off by a window for display."
    middle = _highest_peak(tissue)
    if not _is_within(middle, _SOFT_TISSUE):
        return f"Soft tissue was expected near 0 HU; the most frequent value came at {middle:.0f}."
    shifted = _share(values, _SHIFTED_TISSUE)
    if shifted > _LARGEST_SHIFTED:
        return f"Of the values {shifted:.0%} are near 1000, as soft tissue is where 1024 was added."
    offset = _offset_of_fat_and_muscle(tissue)
    if abs(offset) > _OFFSET_ALLOWED:
        return f"Fat was expected near -100 HU and muscle near 40; they seem to lie {offset:+.0f} HU off."
    return None


def _doubt_by_air(values: Float32) -> str | None:
    """What is wrong with the air, in a sentence; nothing where there is none."""
    lowest = _lowest_peak(values)
    if _is_within(lowest, _AIR):
        return None
    shifted = _share(values, _SHIFTED_TISSUE)
    is_shifted = shifted > max(_LARGEST_SHIFTED_WITHOUT_AIR, _share(values, _BONE))
    if (_is_within(lowest, _LUNG) or _is_within(lowest, _SOFT_TISSUE)) and not is_shifted:
        return None
    return f"Air was expected near -1000 HU; the lowest peak of the values came at {lowest:.0f}."


def _offset_of_fat_and_muscle(tissue: Float32) -> float:
    """By how much the values seem too high, HU: where the two peaks of soft tissue hold the most voxels.

    A trunk shows both, 140 HU apart, and little between or beside them: that tells a wrong offset of 100 HU from
    contrast agent, which moves no fat.
    """
    ordered = np.sort(tissue)

    def within(limits: tuple[float, float]) -> NDArray[np.intp]:
        low, high = (np.searchsorted(ordered, limit + _OFFSETS) for limit in limits)
        return high - low

    fitting = within(_FAT) + within(_MUSCLE)
    allowed = np.abs(_OFFSETS) <= _OFFSET_ALLOWED
    best = int(np.argmax(fitting))
    if fitting[best] <= _FITS_BETTER * fitting[allowed].max():
        best = int(np.argmax(np.where(allowed, fitting, -1)))
    return float(_OFFSETS[best])


def _lowest_peak(values: Float32) -> float:
    """The middle of the lowest stretch of the histogram that is a peak of some weight."""
    counts, edges = np.histogram(np.clip(values, *_RANGE), np.arange(_RANGE[0], _RANGE[1] + 2.0 * _BIN, _BIN))
    weight = np.convolve(counts, np.ones(5), mode="same") / values.size
    heavy = np.flatnonzero(weight >= _LEAST_PEAK)
    if not len(heavy):
        return float(np.median(values))
    first = int(heavy[0])
    # Uphill from there: a peak's foot is not its middle. Finely, because inflated lungs lie 100 HU above air.
    fine = np.convolve(counts, np.ones(3), mode="same")
    while first + 1 < len(fine) and fine[first + 1] > fine[first]:
        first += 1
    return float(edges[first] + _BIN / 2.0)


def _highest_peak(values: Float32) -> float:
    counts, edges = np.histogram(np.clip(values, *_RANGE), np.arange(_RANGE[0], _RANGE[1] + 2.0 * _BIN, _BIN))
    return float(edges[int(np.argmax(np.convolve(counts, np.ones(5), mode="same")))] + _BIN / 2.0)


def _share(values: Float32, limits: tuple[float, float]) -> float:
    return float(((values >= limits[0]) & (values <= limits[1])).mean())


def _is_within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
