"""What a scan of the frozen screening set is to be like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from node.domain.errors import ConfigurationError

#: Densities that the set covers evenly, mg/cm3.
BMD_MG_CM3 = (20.0, 200.0)


class Phase(StrEnum):
    """What contrast agent has reached when the scan is made."""

    NATIVE = "native"
    VENOUS = "venous"
    ARTERIAL = "arterial"


class Sharpness(StrEnum):
    """How much of fine detail, and of noise, a kernel lets through."""

    SOFT = "soft"
    MEDIUM = "medium"
    SHARP = "sharp"


class Reach(StrEnum):
    """Which part of the trunk is in view."""

    CHEST = "chest"  # T1 to below L3
    UPPER_ABDOMEN = "upper abdomen"  # from the middle of the chest to below L3
    ABDOMEN = "abdomen"  # from the lower chest to below the hips' crests
    ABOVE_L1 = "above L1"  # a chest that ends above L1


class Fault(StrEnum):
    """Why nothing may be said of L1 and L2, or `NONE`."""

    NONE = "none"
    LOW_TUBE_VOLTAGE = "80 kVp"
    ARTERIAL_PHASE = "arterial phase"
    TOO_THICK = "too thick"
    NO_L1 = "no L1"
    METAL = "metal"
    MIRRORED = "mirrored"
    HU_OFFSET = "HU offset"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningSpec:
    """A scan to be drawn; the same specification gives the same voxels.

    Parameters
    ----------
    number
        In the set, from 0; anatomy, scanner and noise follow from it.
    bmd_mg_cm3
        Mean trabecular density of L1 and L2, mg/cm3 of hydroxyapatite.
    kvp
        Tube voltage, kV.
    phase
        The header tells whether there was contrast agent.
    calibrated
        Whether the site has calibrated the scanner, at 120 kV.

    Raises
    ------
    ConfigurationError
        Where a value is none of the set, or contradicts the fault.
    """

    number: int
    fault: Fault
    bmd_mg_cm3: float
    reach: Reach
    kvp: float
    phase: Phase
    sharpness: Sharpness
    slice_mm: float
    calibrated: bool

    def __post_init__(self) -> None:
        low, high = BMD_MG_CM3
        if not low <= self.bmd_mg_cm3 <= high:
            raise ConfigurationError(f"scan {self.number}: a density must be {low:g} to {high:g} mg/cm3")
        if (self.phase is Phase.ARTERIAL) != (self.fault is Fault.ARTERIAL_PHASE):
            raise ConfigurationError(f"scan {self.number}: the arterial phase is a fault, got {self.fault}")
        if (self.reach is Reach.ABOVE_L1) != (self.fault is Fault.NO_L1):
            raise ConfigurationError(f"scan {self.number}: a scan without L1 is a fault, got {self.fault}")

    @property
    def in_scope(self) -> bool:
        """Whether it is to be evaluated."""
        return self.fault is Fault.NONE

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.number:03d}"
