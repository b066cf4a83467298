"""What the classifier of bone density says of a scan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from node.domain.bone_category import BoneCategory
from node.domain.levels import VertebralLevel
from node.domain.provenance import ModelIdentity
from node.domain.reasons import Reason, ReasonCode

#: Probabilities of a case add up to 1 but for rounding.
_ROUNDING = 1e-3

#: A category is told where it is at least as probable as the others together (a choice).
DECIDED_FROM = 0.5


class ClassifierMethod(StrEnum):
    """Which of the two models answered."""

    L1_L2 = "classifier-l1-l2"  # features of L1 and L2 fused
    L1 = "classifier-l1"  # of L1 alone

    @property
    def levels(self) -> tuple[VertebralLevel, ...]:
        """The vertebrae that it looks at."""
        return (VertebralLevel.L1, VertebralLevel.L2) if self is ClassifierMethod.L1_L2 else (VertebralLevel.L1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierAnswer:
    """How probable each category is.

    Parameters
    ----------
    probabilities
        In the order of `BoneCategory`, 0 to 1; they add up to 1.
    method
        Which model answered, and with that the levels.
    model
        Whose weights.
    calibrated
        Whether the model's answers were compared with truth and brought in line with it. Otherwise they are scores,
        which order categories and say no more.
    learned_from
        What the model has learned from, as its card tells; empty where an older worker asked it.

    Raises
    ------
    ValueError
        Where the numbers are no probabilities of the three categories.
    """

    probabilities: tuple[float, float, float]
    method: ClassifierMethod
    model: ModelIdentity
    calibrated: bool
    learned_from: str = ""

    def __post_init__(self) -> None:
        if not all(0.0 <= value <= 1.0 for value in self.probabilities):
            raise ValueError(f"probabilities lie between 0 and 1, got {self.probabilities}")
        if len(self.probabilities) != len(BoneCategory) or abs(sum(self.probabilities) - 1.0) > _ROUNDING:
            raise ValueError(f"the probabilities of three categories must add up to 1, got {self.probabilities}")

    @property
    def levels(self) -> tuple[VertebralLevel, ...]:
        """The vertebrae that it rests on."""
        return self.method.levels

    @property
    def most_probable(self) -> BoneCategory:
        """The most probable category, however little that is."""
        return max(BoneCategory, key=self.probability)

    @property
    def category(self) -> BoneCategory | None:
        """The most probable one where it is as probable as the others together, else `None`."""
        return self.most_probable if self.probability(self.most_probable) >= DECIDED_FROM else None

    @property
    def undecided(self) -> Reason | None:
        """Why the answer gives no category; `None` where it gives one."""
        if self.category is not None:
            return None
        told = f"{self.most_probable} is the most probable one with a {self.word} of"
        detail = f"{told} {self.probability(self.most_probable):.2f}; {DECIDED_FROM:.2f} is asked for."
        return Reason(code=ReasonCode.CLASSIFIER_UNDECIDED, detail=detail.capitalize())

    @property
    def word(self) -> Literal["probability", "score"]:
        """What the numbers are called."""
        return "probability" if self.calibrated else "score"

    def probability(self, category: BoneCategory) -> float:
        """Of one category, 0 to 1."""
        return self.probabilities[list(BoneCategory).index(category)]
