"""How sure a name is, and what kind of number says so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelConfidence:
    """How sure the level of a vertebra is.

    Parameters
    ----------
    value
        0 to 1.
    calibrated
        Whether names with this value were compared with truth and so often right. Otherwise it is a score, which
        orders names and says no more.
    """

    value: float
    calibrated: bool

    def __post_init__(self) -> None:
        if not 0.0 <= self.value <= 1.0:
            raise ValueError(f"a confidence must be from 0 to 1, got {self.value}")

    @property
    def word(self) -> Literal["probability", "score"]:
        """What the number is called."""
        return "probability" if self.calibrated else "score"

    @property
    def told(self) -> float:
        """The value for people, three digits: cut and not rounded, so that nothing is more sure than it is."""
        return math.floor(1000.0 * self.value) / 1000.0

    def __str__(self) -> str:
        return f"{self.word} {self.told:.3f}"
