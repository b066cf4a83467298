"""A figure with its interval, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Share of intervals that hold the truth, everywhere in the reports.
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval of `CONFIDENCE`; `method` says by which paper's rule."""

    low: float
    high: float
    method: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"an interval must go from a lower to an upper number, got {self.low} to {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and its confidence interval, in the unit of the figure; `cases` is how many it rests on."""

    value: float
    interval: Interval
    cases: int

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"an estimate must be finite, got {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """What a test of no difference says.

    Parameters
    ----------
    difference
        First less second.
    statistic
        Standard normal where there is no difference.
    p_value
        Of both sides, 0 to 1.
    """

    difference: Estimate
    statistic: float
    p_value: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.p_value <= 1.0:
            raise ValueError(f"a P value lies between 0 and 1, got {self.p_value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEstimable:
    """Why there is no figure: what is needed and what came, in a sentence for the report."""

    because: str


#: What stands in a report in the place of a number.
Figure = Estimate | NotEstimable


def too_few(what: str, came: int, needed: int) -> NotEstimable:
    """The reason that most reports need."""
    return NotEstimable(because=f"too few {what}: {came}, at least {needed} are needed")
