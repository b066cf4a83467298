"""Bone mineral density from CT numbers that are calibrated, and what may be said of those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node.domain.acquisition import Acquisition
from node.domain.bone_category import PLAUSIBLE_MG_CM3
from node.domain.calibration import CalibratedScanner, calibration_for
from node.domain.finding import HuBand
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.reasons import Reason, ReasonCode

# The limits of `HuBand` were found at 120 kV; bone is brighter by a twentieth at 100 kV and darker at 140 (AAPM 2026,
# n = 16,747).
_BAND_KVP = (110.0, 130.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityRule:
    """How a series was scanned, and the calibrations that a site has.

    Where it has none, densities are not asked for, and their absence needs no reason.
    """

    acquisition: Acquisition
    scanners: Sequence[CalibratedScanner] = ()

    def density(self, core: Measurement | NotMeasurable) -> Measurement | NotMeasurable | None:
        """The density of a trabecular core, mg/cm3, or why there is none; `None` where it is not asked for.

        Parameters
        ----------
        core
            Mean CT number with its standard uncertainty, or why it was not measured.
        """
        if not self.scanners:
            return None
        if isinstance(core, NotMeasurable):
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=core.reason)
        if core.standard_uncertainty is None:
            raise ValueError("a core without its uncertainty gives no density")
        refused = self._unusual or self._contrast
        if refused is not None:
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=refused)
        calibration = calibration_for(self.acquisition, self.scanners)
        if calibration is None:
            reason = Reason(code=ReasonCode.NOT_CALIBRATED, detail=self._told)
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=reason)
        value = calibration.density(core.value)
        if not PLAUSIBLE_MG_CM3[0] <= value <= PLAUSIBLE_MG_CM3[1]:
            detail = f"{core.value:.0f} HU would be {value:.0f} mg/cm3 by calibration {calibration.name}."
            reason = Reason(code=ReasonCode.IMPLAUSIBLE_DENSITY, detail=detail)
            return NotMeasurable(quantity=Quantity.BMD, site=core.site, reason=reason)
        return Measurement(
            quantity=Quantity.BMD,
            value=value,
            unit=Unit.MG_CM3,
            site=core.site,
            method=f"{core.method}, calibration {calibration.name}",
            standard_uncertainty=calibration.uncertainty(core.standard_uncertainty),
            calibration=calibration.method,
        )

    def band(self, hu: float) -> HuBand | Reason:
        """The uncalibrated statement about L1, or why its limits do not hold.

        Contrast agent only raises CT numbers, so what is low with it is low without.
        """
        if self._unusual is not None:
            return self._unusual
        kvp = self.acquisition.kvp
        if kvp is None or not _BAND_KVP[0] <= kvp <= _BAND_KVP[1]:
            told = "The headers do not say one." if kvp is None else f"These images have {kvp:g} kV."
            return Reason(code=ReasonCode.TUBE_VOLTAGE, detail=told)
        band = HuBand.of(hu)
        return band if band is HuBand.LOW else self._contrast or band

    @property
    def _unusual(self) -> Reason | None:
        return Reason(code=ReasonCode.SPECTRAL) if self.acquisition.is_spectral else None

    @property
    def _contrast(self) -> Reason | None:
        """Why bone may be brighter than it is; only a header that says that no agent was given clears a scan of it."""
        if self.acquisition.contrast_agent is False:
            return None
        told = (
            "say that some was given, and no phase is known"
            if self.acquisition.contrast_agent
            else "leave open whether some was given"
        )
        return Reason(code=ReasonCode.CONTRAST_AGENT, detail=f"The headers {told}.")

    @property
    def _told(self) -> str:
        acquisition = self.acquisition
        kvp = "an unknown tube voltage" if acquisition.kvp is None else f"{acquisition.kvp:g} kV"
        scanner = " ".join(filter(None, (acquisition.manufacturer, acquisition.model))) or "an unknown scanner"
        return f"They were made by {scanner} at {kvp}, kernel {acquisition.kernel or 'unknown'}."
