"""Bone mineral density from CT numbers that are calibrated, and what may be said of those that are not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.beam import KVP_RANGE
from models.contrast import Contrast, judge_contrast
from models.correction import NOTHING, Correction, as_at_120_kv
from models.density_words import told_of_contrast, told_of_scale, told_of_voltage
from models.internal_calibration import calibrate_internally
from models.sharpness import why_too_sharp
from node.domain.acquisition import Acquisition
from node.domain.bone_category import PLAUSIBLE_MG_CM3
from node.domain.bone_density import HuBand
from node.domain.calibration import CalibratedScanner, Calibration, calibration_for
from node.domain.contrast import ContrastPhase
from node.domain.measurement import NORMAL_95, Measurement, NotMeasurable, Quantity, Unit
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise, ReferenceTissue, TissueReading, TissueReferences

# The limits of `HuBand` were found at 120 kV, and are taken as they are for these.
_BAND_KVP = (110.0, 130.0)

#: A calibration at this voltage may serve for others, with a correction.
_USUAL_KVP = 120.0

#: The smallest core that is measured, mm3: the noise of a mean is told for it, so that it is at most this.
_SMALLEST_CORE_MM3 = 500.0

#: Air outside of the patient may read so far from -1000 HU (plausible choice): noise of 60 HU that is cut off at -1024
#: raises it by 14, and the scans that were looked at, four of them real, lay within 8. Bone is off by as much.
_AIR_HU, _MOST_OFF_HU = -1000.0, 25.0

#: Standard deviation of an offset that nobody could see because there was no air, HU (plausible choice): fat and muscle
#: tell one of 60 alone.
_UNSEEN_OFFSET_SD_HU = 15.0

_NO_VOLTAGE = "The headers do not say one."


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityRule:
    """How a series was scanned, what tissues around the spine read in it, and how the site calibrates.

    Where it does not, densities are not asked for, and their absence needs no reason.

    Parameters
    ----------
    scanners
        What the site has measured; the first that holds is taken.
    internal_calibration
        Whether the patient's own tissues may calibrate a scan for which none holds.
    """

    acquisition: Acquisition
    scanners: Sequence[CalibratedScanner] = ()
    references: TissueReferences | None = None
    internal_calibration: bool = False

    @property
    def off_scale(self) -> Reason | None:
        """Why the numbers are no HU, by the air outside of the patient; `None` where it is right or was not found."""
        air = self._air
        if air is None or abs(air.mean_hu - _AIR_HU) <= _MOST_OFF_HU:
            return None
        detail = f"Air outside of the patient has {air.mean_hu:.0f} HU, and {_AIR_HU:.0f} was expected."
        return Reason(code=ReasonCode.NOT_HU, detail=detail)

    @property
    def contrast(self) -> Contrast:
        """What is known about contrast agent in the scan."""
        # blood on another scale tells of no contrast agent
        return judge_contrast(self.acquisition, self.references, blood_is_right=self.off_scale is None)

    def density(self, core: Measurement | NotMeasurable) -> Measurement | NotMeasurable | None:
        """The density of a trabecular core, mg/cm3, or why there is none; `None` where it is not asked for.

        Its standard uncertainty covers where the core lies, noise, an offset of the scale that could not be seen,
        corrections for contrast agent and tube voltage, and the calibration.

        Parameters
        ----------
        core
            Mean CT number with its standard uncertainty, or why it was not measured.
        """
        if not self.scanners and not self.internal_calibration:
            return None
        if isinstance(core, NotMeasurable):
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=core.reason)
        if core.standard_uncertainty is None:
            raise ValueError("a core without its uncertainty gives no density")
        refused = self._unusual or self._tube_voltage or self._contrast
        if refused is not None:
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=refused)
        found = self._calibration(core.value)
        if isinstance(found, Reason):
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=found)
        calibration, voltage = found
        correction = self.contrast.correction.then(voltage)
        hu = correction.value(core.value)
        value = calibration.density(hu)
        if not PLAUSIBLE_MG_CM3[0] <= value <= PLAUSIBLE_MG_CM3[1]:
            detail = f"{core.value:.0f} HU would be {value:.0f} mg/cm3 by calibration {calibration.name}."
            reason = Reason(code=ReasonCode.IMPLAUSIBLE_DENSITY, detail=detail)
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=reason)
        measured = math.hypot(core.standard_uncertainty, self._noise_of_mean, self._unseen_offset)
        return Measurement(
            quantity=Quantity.BMD,
            value=value,
            unit=Unit.MG_CM3,
            site=core.site,
            method=f"{core.method}, calibration {calibration.name}",
            standard_uncertainty=calibration.uncertainty(correction.uncertainty(core.value, measured)),
            calibration=calibration.method,
            calibration_name=calibration.name,
        )

    def band(self, hu: float) -> HuBand | Reason:
        """The uncalibrated statement about L1, or why its limits do not hold.

        Where a CT number is corrected, low and high are told only where its 95 % interval reaches nothing else.
        Contrast agent only raises CT numbers, so what is low with it is low without.
        """
        if self.acquisition.kvp is None:
            return Reason(code=ReasonCode.TUBE_VOLTAGE, detail=_NO_VOLTAGE)
        refused = self._unusual or self._tube_voltage or self._arterial or self._too_sharp
        if refused is not None:
            return refused
        seen = _band(hu, self._voltage)
        if seen is HuBand.LOW:
            return seen
        return self._contrast or _band(hu, self.contrast.correction.then(self._voltage))

    @property
    def against_any_density(self) -> tuple[Reason, ...]:
        """Why nothing is said of bone density in the whole scan, whatever its vertebrae are called; mostly empty.

        A kernel that the site has calibrated by its name has densities, however sharp it is. Of contrast agent that
        nobody could see, nothing is said here: a low band holds with it.
        """
        kvp = self.acquisition.kvp
        unknown = None if kvp is not None else Reason(code=ReasonCode.TUBE_VOLTAGE, detail=_NO_VOLTAGE)
        sharp = None if self._by_site is not None else self._too_sharp
        refused = (self._spectral, self.off_scale, unknown, self._tube_voltage, self._arterial, sharp)
        return tuple(reason for reason in refused if reason is not None)

    @property
    def against_learning(self) -> Reason | None:
        """Why the classifier is to learn nothing from images like these; `None` where nothing is known against it.

        It sees venous contrast agent and the tube voltages that a density is given for.
        """
        return self._unusual or self._tube_voltage or self._arterial or self._too_sharp

    @property
    def against_classifying(self) -> Reason | None:
        """Why images like these are none that the classifier has learned from; `None` where nothing speaks against it.

        What was not known of scans that it has learned from must be known here.
        """
        if self.acquisition.kvp is None:
            return Reason(code=ReasonCode.TUBE_VOLTAGE, detail=_NO_VOLTAGE)
        return self.against_learning or self._contrast

    @property
    def limitations(self) -> tuple[str, ...]:
        """What was corrected, and what blood says against the headers, in sentences for the report."""
        if self._unusual is not None:
            return ()
        by_site = self._by_site
        band = self._voltage is not NOTHING
        density = by_site is not None and by_site[1] is not NOTHING
        told = (
            told_of_contrast(
                self.contrast, self.acquisition, density=by_site is not None, looked=self.references is not None
            ),
            told_of_voltage(self.acquisition.kvp, density=density, band=band),
            told_of_scale(self._unseen_offset),
        )
        return tuple(sentence for sentence in told if sentence is not None)

    def _calibration(self, hu: float) -> tuple[Calibration, Correction] | Reason:
        """The equation for a CT number, and what that needs before it."""
        by_site = self._by_site
        if by_site is not None:
            return by_site
        too_sharp = self._too_sharp
        if too_sharp is not None:
            return too_sharp
        kvp = self.acquisition.kvp
        if not self.internal_calibration or self.references is None or kvp is None:
            return Reason(code=ReasonCode.NOT_CALIBRATED, detail=self._told)
        if self.contrast.phase is not ContrastPhase.NATIVE:
            detail = "With contrast agent tissues are none that calibrate a scan."
            return Reason(code=ReasonCode.NOT_CALIBRATED, detail=detail)
        internal = calibrate_internally(self.references, kvp, near_hu=hu)
        return internal if isinstance(internal, Reason) else (internal, NOTHING)

    @property
    def _by_site(self) -> tuple[Calibration, Correction] | None:
        """What the site has measured; where a kernel is too sharp, by name or noise, only if it is named."""
        sharp, kvp = self._too_sharp is not None, self.acquisition.kvp
        own = calibration_for(self.acquisition, [each for each in self.scanners if each.names_kernel or not sharp])
        if own is not None:
            return own, NOTHING
        if sharp or kvp is None or self._tube_voltage is not None:
            return None
        usual = calibration_for(replace(self.acquisition, kvp=_USUAL_KVP), self.scanners)
        return None if usual is None else (usual, as_at_120_kv(kvp))

    @property
    def _noise_of_mean(self) -> float:
        """Standard deviation of a core's mean by noise, HU, at most: noise is alike within half a period of it."""
        noise = None if self.references is None else self.references.noise
        if not isinstance(noise, ImageNoise):
            return 0.0
        grain_mm3 = (0.5 / noise.frequency_per_mm) ** 3
        return noise.sd_hu * math.sqrt(grain_mm3 / _SMALLEST_CORE_MM3)

    @property
    def _air(self) -> TissueReading | None:
        return None if self.references is None else self.references.reading(ReferenceTissue.AIR)

    @property
    def _unseen_offset(self) -> float:
        """Standard deviation of what the scale may be off by, HU, where air was looked for and not found."""
        return 0.0 if self.references is None or self._air is not None else _UNSEEN_OFFSET_SD_HU

    @property
    def _voltage(self) -> Correction:
        """What the limits in HU need: nothing at the voltages for which they hold."""
        kvp = self.acquisition.kvp
        if kvp is None or self._tube_voltage is not None or _BAND_KVP[0] <= kvp <= _BAND_KVP[1]:
            return NOTHING
        return as_at_120_kv(kvp)

    @property
    def _unusual(self) -> Reason | None:
        return self._spectral or self.off_scale

    @property
    def _spectral(self) -> Reason | None:
        return Reason(code=ReasonCode.SPECTRAL) if self.acquisition.is_spectral else None

    @property
    def _tube_voltage(self) -> Reason | None:
        kvp = self.acquisition.kvp
        if kvp is None or KVP_RANGE[0] <= kvp <= KVP_RANGE[1]:
            return None
        return Reason(code=ReasonCode.TUBE_VOLTAGE, detail=f"These images have {kvp:g} kV.")

    @property
    def _too_sharp(self) -> Reason | None:
        return why_too_sharp(self.acquisition, self.references)

    @property
    def _arterial(self) -> Reason | None:
        contrast = self.contrast
        if contrast.phase is not ContrastPhase.ARTERIAL:
            return None
        return Reason(code=ReasonCode.ARTERIAL_PHASE, detail=f"Blood in the aorta has {contrast.blood_hu:.0f} HU.")

    @property
    def _contrast(self) -> Reason | None:
        """Why bone may be brighter than it is, by an amount that nobody knows."""
        if self.contrast.phase is ContrastPhase.UNKNOWN:
            detail = f"{self.contrast.told} No blood in the aorta was found to tell."
            return Reason(code=ReasonCode.CONTRAST_AGENT, detail=detail)
        return self._arterial

    @property
    def _told(self) -> str:
        acquisition = self.acquisition
        kvp = "an unknown tube voltage" if acquisition.kvp is None else f"{acquisition.kvp:g} kV"
        scanner = " ".join(filter(None, (acquisition.manufacturer, acquisition.model))) or "an unknown scanner"
        return f"They were made by {scanner} at {kvp}, kernel {acquisition.kernel or 'unknown'}."


def _band(hu: float, correction: Correction) -> HuBand:
    """Low or high where the whole 95 % interval is, else indeterminate."""
    reach = NORMAL_95 * correction.uncertainty(hu)
    low, high = (HuBand.of(correction.value(hu) + part * reach) for part in (-1.0, 1.0))
    return low if low is high else HuBand.INDETERMINATE
