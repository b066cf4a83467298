"""Numbers that say what they are, where they were taken, in what unit and how sure they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from node.domain.calibration import CalibrationMethod
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason


class Quantity(StrEnum):
    """What was measured."""

    CORE_MEAN_HU = "mean CT number of the trabecular core"
    CORE_SD_HU = "standard deviation of the CT number in the trabecular core"
    BODY_MEAN_HU = "mean CT number of the vertebral body"
    BODY_VOLUME = "volume of the vertebral body"
    CORE_VOLUME = "volume of the trabecular core"
    BMD = "bone mineral density of the trabecular core"
    ANTERIOR_HEIGHT = "anterior height of the vertebral body"
    MIDDLE_HEIGHT = "middle height of the vertebral body"
    POSTERIOR_HEIGHT = "posterior height of the vertebral body"


class Unit(StrEnum):
    """UCUM units."""

    HOUNSFIELD = "[hnsf'U]"
    MM = "mm"
    MM3 = "mm3"
    MG_CM3 = "mg/cm3"
    PERCENT = "%"
    ONE = "1"


UNIT_OF: dict[Quantity, Unit] = {
    Quantity.CORE_MEAN_HU: Unit.HOUNSFIELD,
    Quantity.CORE_SD_HU: Unit.HOUNSFIELD,
    Quantity.BODY_MEAN_HU: Unit.HOUNSFIELD,
    Quantity.BODY_VOLUME: Unit.MM3,
    Quantity.CORE_VOLUME: Unit.MM3,
    Quantity.BMD: Unit.MG_CM3,
    Quantity.ANTERIOR_HEIGHT: Unit.MM,
    Quantity.MIDDLE_HEIGHT: Unit.MM,
    Quantity.POSTERIOR_HEIGHT: Unit.MM,
}


#: Standard deviations of a normal distribution that hold 95 % of it, either way.
NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One measured value.

    `standard_uncertainty` is in the unit of the value, one standard deviation, `None` where it is not known. `method`
    names the procedure and its version; `calibration` how CT numbers became a density, of a density alone, and
    `calibration_name` what the site calls that; `None` where an older worker kept none.
    """

    quantity: Quantity
    value: float
    unit: Unit
    site: VertebralLevel
    method: str
    standard_uncertainty: float | None = None
    calibration: CalibrationMethod | None = None
    calibration_name: str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a measurement must be finite, got {self.value} for {self.quantity}")
        uncertainty = self.standard_uncertainty
        if uncertainty is not None and not (math.isfinite(uncertainty) and uncertainty >= 0.0):
            raise ValueError(f"an uncertainty must be finite and not below 0, got {uncertainty} for {self.quantity}")
        if self.unit is not UNIT_OF[self.quantity]:
            raise ValueError(f"{self.quantity} is measured in {UNIT_OF[self.quantity]}, got {self.unit}")
        if (self.quantity is Quantity.BMD) != (self.calibration is not None):
            raise ValueError(
                f"a density and nothing else has a calibration, got {self.calibration} for {self.quantity}"
            )
        if self.quantity is Quantity.BMD and self.standard_uncertainty is None:
            raise ValueError("a density must say how uncertain it is")

    @property
    def interval_95(self) -> tuple[float, float] | None:
        """Where 95 % of values lie that are as uncertain, in the unit of the value; `None` where that is not known."""
        if self.standard_uncertainty is None:
            return None
        reach = NORMAL_95 * self.standard_uncertainty
        return self.value - reach, self.value + reach


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeasurable:
    """A value that could not be measured, and why."""

    quantity: Quantity
    site: VertebralLevel
    reason: Reason
