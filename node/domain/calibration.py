"""From CT numbers to bone mineral density, by what a site has measured on its scanners."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.domain.acquisition import Acquisition
from node.domain.errors import ConfigurationError
from node.domain.kernels import kernel_is_too_sharp
from node.domain.truth import Truth

# Tube voltage and scanner change densities (3.8 with a standard deviation of 28 %, Skornitzke 2022, Sci Rep); at 80 kV
# none is given at all.
_LEAST_KVP, _MOST_KVP = 100.0, 140.0

#: A header may say a tube voltage with decimals, kV.
_SAME_KVP = 1.0

#: Published slopes lie between 0.7 and 1.0 mg/cm3 a HU; twice that either way is a slip of the pen.
_LEAST_SLOPE, _MOST_SLOPE = 0.35, 2.0

#: A line through water and bone passes near 0; what is farther off, and errors as small or large, are slips as well
#: (plausible choices).
_MOST_INTERCEPT = 50.0
_LEAST_ERROR, _MOST_ERROR = 0.5, 30.0


class CalibrationMethod(StrEnum):
    """Where the equation comes from."""

    PHANTOM = "phantom"  # scanned together with the patient
    ASYNCHRONOUS = "asynchronous"  # a phantom, scanned on the same scanner on another day
    INTERNAL = "internal"  # the patient's own tissues


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The equation of one scanner at one tube voltage.

    Parameters
    ----------
    name
        How the configuration calls it; it stands in every report that rests on it.
    slope_mg_cm3_per_hu, intercept_mg_cm3
        Density in mg/cm3 is the slope times the CT number in HU, plus the intercept.
    standard_error_mg_cm3
        Standard deviation of densities that the equation gives around the true ones.

    Raises
    ------
    ConfigurationError
        Where a number is none that a phantom gives.
    """

    name: str
    method: CalibrationMethod
    slope_mg_cm3_per_hu: float
    intercept_mg_cm3: float
    standard_error_mg_cm3: float

    def __post_init__(self) -> None:
        if not _LEAST_SLOPE <= self.slope_mg_cm3_per_hu <= _MOST_SLOPE:
            raise ConfigurationError(
                f"calibration {self.name!r}: slope_mg_cm3_per_hu must be {_LEAST_SLOPE} to {_MOST_SLOPE}, "
                f"got {self.slope_mg_cm3_per_hu}"
            )
        if not abs(self.intercept_mg_cm3) <= _MOST_INTERCEPT:
            raise ConfigurationError(
                f"calibration {self.name!r}: intercept_mg_cm3 must be {-_MOST_INTERCEPT:g} to {_MOST_INTERCEPT:g}, "
                f"got {self.intercept_mg_cm3}"
            )
        if not _LEAST_ERROR <= self.standard_error_mg_cm3 <= _MOST_ERROR:
            raise ConfigurationError(
                f"calibration {self.name!r}: standard_error_mg_cm3 must be {_LEAST_ERROR:g} to {_MOST_ERROR:g}, "
                f"got {self.standard_error_mg_cm3}"
            )

    def density(self, hu: float) -> float:
        """Trabecular bone mineral density, mg/cm3, of a mean CT number, HU."""
        return self.slope_mg_cm3_per_hu * hu + self.intercept_mg_cm3

    def uncertainty(self, hu_uncertainty: float) -> float:
        """Standard uncertainty of a density, mg/cm3, of a CT number with a standard uncertainty in HU."""
        return math.hypot(self.slope_mg_cm3_per_hu * hu_uncertainty, self.standard_error_mg_cm3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedScanner:
    """Which series a calibration holds for.

    Parameters
    ----------
    manufacturer, model, kernel
        Patterns with `*` for anything, compared without regard to capitals. `*` alone stands for no kernel that is made
        for edges: one of those has to be named.
    kvp
        Tube voltage, kV.

    Raises
    ------
    ConfigurationError
        Where the scanner is not named, or the tube voltage is one at which no density is given.
    """

    manufacturer: str
    model: str
    kvp: float
    calibration: Calibration
    kernel: str = "*"

    def __post_init__(self) -> None:
        if not (self.manufacturer.strip() and self.model.strip()):
            raise ConfigurationError(
                f"calibration {self.calibration.name!r}: manufacturer and model must not be empty; * stands for any"
            )
        if not _LEAST_KVP <= self.kvp <= _MOST_KVP:
            raise ConfigurationError(
                f"calibration {self.calibration.name!r}: kvp must be {_LEAST_KVP:g} to {_MOST_KVP:g}, got {self.kvp:g}"
            )

    @property
    def names_kernel(self) -> bool:
        """Whether the site has measured certain kernels, and not whatever kernel comes."""
        return self.kernel.strip() != "*"

    def holds_for(self, acquisition: Acquisition) -> bool:
        """Whether the series was scanned so; what its headers do not say, they do not say so."""
        return (
            acquisition.kvp is not None
            and not acquisition.is_spectral
            and abs(acquisition.kvp - self.kvp) < _SAME_KVP
            and _fits(self.manufacturer, acquisition.manufacturer)
            and _fits(self.model, acquisition.model)
            and self._holds_for_kernel(acquisition.kernel)
        )

    def _holds_for_kernel(self, kernel: str | None) -> bool:
        if self.names_kernel:
            return _fits(self.kernel, kernel)
        return kernel_is_too_sharp(kernel) is not Truth.TRUE


def calibration_for(acquisition: Acquisition, scanners: Sequence[CalibratedScanner]) -> Calibration | None:
    """The calibration of the first entry that holds for a series, or `None` where there is none."""
    return next((each.calibration for each in scanners if each.holds_for(acquisition)), None)


def _fits(pattern: str, told: str | None) -> bool:
    if told is None:
        return False
    expression = ".*".join(re.escape(part) for part in pattern.strip().split("*"))
    return re.fullmatch(expression, told.strip(), re.IGNORECASE | re.DOTALL) is not None
