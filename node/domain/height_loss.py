"""How much of its height a vertebral body has lost, and Genant's grade of that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

# Genant's grades by the loss of height, percent: normal below 20, mild to 25, moderate to 40, severe from there
# (Bioengineering 2025;12:64; the method is Genant et al., J Bone Miner Res 1993;8:1137-1148).
MILD_FROM_PERCENT = 20.0
MODERATE_FROM_PERCENT = 25.0
SEVERE_FROM_PERCENT = 40.0


class Deformity(StrEnum):
    """Where a body has lost most of its height: in front, in the middle, or everywhere."""

    WEDGE = "wedge"
    BICONCAVE = "biconcave"
    CRUSH = "crush"


class GenantGrade(IntEnum):
    """The grade of a loss of height; the words are those of the method."""

    NORMAL = 0
    MILD = 1
    MODERATE = 2
    SEVERE = 3

    @classmethod
    def of(cls, percent: float) -> GenantGrade:
        """The grade of a loss of height in percent, as precisely as it is told: a tenth."""
        percent = round(percent, 1)
        limits = (MILD_FROM_PERCENT, MODERATE_FROM_PERCENT, SEVERE_FROM_PERCENT)
        return cls(sum(percent >= limit for limit in limits))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightLoss:
    """The largest loss of height of a vertebral body against what its shape and its neighbours let expect.

    Parameters
    ----------
    deformity
        Which of the three losses it is.
    percent
        Of the expected height; below 0 where the body is higher than expected everywhere.
    standard_uncertainty
        Of the loss, in percent of the expected height: of the heights, and of what healthy bodies differ by.
    fractured_from
        From which loss on the body is taken for fractured, percent: where healthy bodies may read as a mild loss, more
        than that.
    """

    deformity: Deformity
    percent: float
    standard_uncertainty: float
    fractured_from: float = MILD_FROM_PERCENT

    def __post_init__(self) -> None:
        if self.fractured_from < MILD_FROM_PERCENT:
            raise ValueError(f"no body is fractured below {MILD_FROM_PERCENT} percent, got {self.fractured_from}")
        if not self.percent < 100.0 or not self.standard_uncertainty > 0.0:
            raise ValueError(f"a loss must be below 100 percent and uncertain, got {self}")

    @property
    def grade(self) -> GenantGrade:
        """The grade of the loss."""
        return GenantGrade.of(self.percent)

    @property
    def also_possible(self) -> tuple[GenantGrade, ...]:
        """Other grades within one standard uncertainty: graders differ by as much (weighted kappa 0.59, Burns 2017)."""
        ends = (self.percent - self.standard_uncertainty, self.percent + self.standard_uncertainty)
        lowest, highest = (GenantGrade.of(end) for end in ends)
        return tuple(grade for grade in GenantGrade if lowest <= grade <= highest and grade is not self.grade)

    @property
    def is_fracture(self) -> bool:
        """Whether the loss is one of a fractured body, as precisely as it is told."""
        return round(self.percent, 1) >= self.fractured_from

    @property
    def is_open(self) -> bool:
        """Whether the loss is a fracture's if it is right, and too uncertain to say so."""
        return self.grade is not GenantGrade.NORMAL and not self.is_fracture
