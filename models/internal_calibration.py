"""From CT numbers to bone mineral density by the patient's own tissues, without any phantom."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.beam import ENERGY_SD_KEV, effective_energy_kev
from models.photons import ADIPOSE, HYDROXYAPATITE, LIPID, MUSCLE
from node.domain.calibration import Calibration, CalibrationMethod
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ReferenceTissue, TissueReferences

Float64 = NDArray[np.float64]

NAME = "by the patient's own tissues"

#: Root of the mean square error of internal calibration without precalibration, mg/cm3: 12.6 with a standard deviation
#: of 13.2 (JBMR 2023). No density is told to be surer, whatever the readings say.
LEAST_ERROR_MG_CM3 = math.hypot(12.6, 13.2)

# What a CT number may be off by before the readings are seen: a gain of 1 and an offset of 0 HU, each with a standard
# deviation; scanners are held to 0 +- 4 HU in water.
_GAIN_SD, _OFFSET_SD_HU = 0.01, 4.0

# What tissues have at any tube voltage, HU, with the standard deviation between people (plausible choices): air, which
# table and clothes scatter into; muscle between its fat; blood without contrast agent.
_KNOWN_HU: dict[ReferenceTissue, tuple[float, float]] = {
    ReferenceTissue.AIR: (-1000.0, 8.0),
    ReferenceTissue.MUSCLE: (50.0, 10.0),
    ReferenceTissue.BLOOD: (42.0, 8.0),
}

#: A reading this many standard deviations away from the line is none of its tissue, or the image is none of HU.
_FAR_SD = 3.5

# Fat under the skin is lipid and some water; living fat varies by several HU, and muscle as above, so that the
# difference of both tells little of the energy.
_LIPID_SHARE = 0.7
_FAT_AND_MUSCLE_SD_HU = 12.0

_STEP_KEV = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scale:
    """A CT number is `gain` times the stored one plus `offset_hu`; `covariance` is theirs, shape (2, 2)."""

    gain: float
    offset_hu: float
    covariance: Float64

    def value(self, hu: float) -> float:
        return self.gain * hu + self.offset_hu

    def uncertainty(self, hu: float) -> float:
        at = np.array((hu, 1.0))
        return float(np.sqrt(at @ self.covariance @ at))


def calibrate_internally(references: TissueReferences, kvp: float, *, near_hu: float) -> Calibration | Reason:
    """The equation by air, fat, muscle and, where it was found, blood, or why there is none.

    Air, muscle and blood give the scale of CT numbers; the tube voltage, and a little the difference of fat and muscle,
    the energy that the beam acts like; that energy what a mg/cm3 of mineral is worth.

    Parameters
    ----------
    references
        Of a scan without contrast agent.
    near_hu
        The CT number that it is wanted for: the standard error is told there.

    References
    ----------
    Bone mineral density by internal calibration, JBMR 2023: 12.6 with a standard deviation of 13.2 mg/cm3 from the
    truth where it was not calibrated for its scanner before.
    """
    missing = [
        tissue
        for tissue in (ReferenceTissue.AIR, ReferenceTissue.FAT, ReferenceTissue.MUSCLE)
        if references.reading(tissue) is None
    ]
    if missing:
        detail = f"No {', '.join(missing)} was found to calibrate by."
        return Reason(code=ReasonCode.NOT_CALIBRATED, detail=detail)
    scale = _scale(references)
    if isinstance(scale, Reason):
        return scale
    energy, energy_sd = _energy(references, scale, kvp)
    slope = HYDROXYAPATITE.hu_per_mg_cm3(energy)
    density = scale.value(near_hu) / slope
    steeper = HYDROXYAPATITE.hu_per_mg_cm3(energy - _STEP_KEV) / slope - 1.0
    by_energy = density * steeper / _STEP_KEV * energy_sd
    error = math.hypot(scale.uncertainty(near_hu) / slope, by_energy)
    return Calibration(
        name=NAME,
        method=CalibrationMethod.INTERNAL,
        slope_mg_cm3_per_hu=scale.gain / slope,
        intercept_mg_cm3=scale.offset_hu / slope,
        standard_error_mg_cm3=max(error, LEAST_ERROR_MG_CM3),
    )


def _scale(references: TissueReferences) -> _Scale | Reason:
    """The line through the readings that is likeliest, or which of them does not lie on it."""
    seen = [
        (tissue, reading.mean_hu, *known)
        for tissue, known in _KNOWN_HU.items()
        if (reading := references.reading(tissue)) is not None
    ]
    design = np.array([(hu, 1.0) for _, hu, _, _ in seen])
    true, sd = (np.array([each[column] for each in seen]) for column in (2, 3))
    weight = 1.0 / sd**2
    prior = np.diag((1.0 / _GAIN_SD**2, 1.0 / _OFFSET_SD_HU**2))
    covariance = np.linalg.inv(prior + design.T @ (weight[:, None] * design))
    line = covariance @ (prior @ np.array((1.0, 0.0)) + design.T @ (weight * true))
    off = np.abs(design @ line - true) / sd
    worst = int(off.argmax())
    if max(off[worst], abs(line[0] - 1.0) / _GAIN_SD, abs(line[1]) / _OFFSET_SD_HU) > _FAR_SD:
        tissue, hu, _, _ = seen[worst]
        detail = f"With {hu:.0f} HU {tissue} does not fit to the other tissues."
        return Reason(code=ReasonCode.NOT_CALIBRATED, detail=detail)
    return _Scale(gain=float(line[0]), offset_hu=float(line[1]), covariance=covariance)


def _energy(references: TissueReferences, scale: _Scale, kvp: float) -> tuple[float, float]:
    """Effective energy and its standard deviation, keV: that of the tube voltage, moved by fat against muscle."""
    fat, muscle = references.reading(ReferenceTissue.FAT), references.reading(ReferenceTissue.MUSCLE)
    usual = effective_energy_kev(kvp)
    if fat is None or muscle is None:
        return usual, ENERGY_SD_KEV
    rise = (_fat_below_muscle(usual + _STEP_KEV) - _fat_below_muscle(usual - _STEP_KEV)) / (2.0 * _STEP_KEV)
    surprise = scale.gain * (fat.mean_hu - muscle.mean_hu) - _fat_below_muscle(usual)
    weight = ENERGY_SD_KEV**2 * rise / ((ENERGY_SD_KEV * rise) ** 2 + _FAT_AND_MUSCLE_SD_HU**2)
    return usual + weight * surprise, ENERGY_SD_KEV * math.sqrt(1.0 - weight * rise)


def _fat_below_muscle(energy_kev: float) -> float:
    """CT number of fat less that of muscle, HU."""
    fat = _LIPID_SHARE * LIPID.hounsfield(energy_kev) + (1.0 - _LIPID_SHARE) * ADIPOSE.hounsfield(energy_kev)
    return fat - MUSCLE.hounsfield(energy_kev)
