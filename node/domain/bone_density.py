"""What was measured of bone density: the uncalibrated band of L1, and the mean of calibrated densities."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from node.domain.bone_category import BoneCategory
from node.domain.calibration import CalibrationMethod
from node.domain.measurement import NORMAL_95

# L1 trabecular attenuation at 120 kV. Pickhardt et al., Ann Intern Med 2013;158:588-595: at most 160 HU is 90 %
# sensitive, at most 110 HU more than 90 % specific for osteoporosis by DXA.
HU_BAND_LOW_BELOW = 110.0
HU_BAND_HIGH_ABOVE = 160.0


class HuBand(StrEnum):
    """The uncalibrated statement about bone density: where the L1 core's mean HU lies."""

    LOW = "low"
    INDETERMINATE = "indeterminate"
    HIGH = "high"

    @classmethod
    def of(cls, hu: float) -> HuBand:
        """The band of a mean CT number of the L1 trabecular core, HU, as precisely as it is told: a tenth."""
        hu = round(hu, 1)
        if hu < HU_BAND_LOW_BELOW:
            return cls.LOW
        return cls.HIGH if hu > HU_BAND_HIGH_ABOVE else cls.INDETERMINATE


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanDensity:
    """Mean of the calibrated densities of two vertebrae.

    Parameters
    ----------
    value, standard_uncertainty
        mg/cm3. Both vertebrae share the error of the equation, so it does not shrink by averaging.
    calibration_name
        What the site calls the calibration; `None` where an older worker kept none.
    """

    value: float
    standard_uncertainty: float
    calibration: CalibrationMethod
    calibration_name: str | None = None

    @property
    def interval_95(self) -> tuple[float, float]:
        """Where 95 % of values lie that are as uncertain, mg/cm3."""
        reach = NORMAL_95 * self.standard_uncertainty
        return self.value - reach, self.value + reach

    @property
    def category(self) -> BoneCategory:
        """The category of the value."""
        return BoneCategory.of(self.value)

    @property
    def also_possible(self) -> tuple[BoneCategory, ...]:
        """Other categories that the interval reaches."""
        low, high = (BoneCategory.of(end) for end in self.interval_95)
        order = list(BoneCategory)
        reached = order[order.index(high) : order.index(low) + 1]
        return tuple(category for category in reached if category is not self.category)

    @property
    def is_decisive(self) -> bool:
        """Whether there is a category that the interval does not reach."""
        return len(self.also_possible) < len(BoneCategory) - 1
