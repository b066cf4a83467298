"""What a classifier says of the morphology of vertebral bodies: one answer a body, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from node.domain.levels import VertebralLevel
from node.domain.morphology import MorphologyClass
from node.domain.provenance import ModelIdentity
from node.domain.reasons import Reason

#: The shares of a body add up to 1 but for rounding.
_ROUNDING = 1e-3

#: So many effects explain an answer: the strongest ones.
MOST_EFFECTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureEffect:
    """What one feature of a body adds to the probability that is told (SHAP; Lundberg and Lee, NeurIPS 2017).

    Parameters
    ----------
    feature
        Its name as the extractor knows it.
    words
        What it is, for a reader.
    value
        Of the feature, in its own unit.
    effect
        What it adds to the probability of the class that is told, against typical bodies, -1 to 1.
    """

    feature: str
    words: str
    value: float
    effect: float

    def __post_init__(self) -> None:
        if not self.feature or not self.words:
            raise ValueError("an effect must name its feature, and say what that is")
        if not math.isfinite(self.value) or not -1.0 <= self.effect <= 1.0:
            raise ValueError(f"an effect is a finite share of a probability, got {self.effect} of {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MorphologyAnswer:
    """How probable each class of a body is, and which is told.

    Parameters
    ----------
    morphology
        The class that is told: a fracture where it reaches the threshold of the model's card, `NONE` otherwise.
    probabilities
        In the order of `MorphologyClass`, 0 to 1; they add up to 1.
    calibrated
        Whether answers were compared with truth and brought in line with it; otherwise they are scores.
    effects
        Of the class that is told, strongest first, at most `MOST_EFFECTS`; none where no fracture is told.
    """

    morphology: MorphologyClass
    probabilities: tuple[float, float, float]
    calibrated: bool
    effects: tuple[FeatureEffect, ...] = ()

    def __post_init__(self) -> None:
        if not all(0.0 <= value <= 1.0 for value in self.probabilities):
            raise ValueError(f"probabilities lie between 0 and 1, got {self.probabilities}")
        if len(self.probabilities) != len(MorphologyClass) or abs(sum(self.probabilities) - 1.0) > _ROUNDING:
            raise ValueError(f"the probabilities of three classes must add up to 1, got {self.probabilities}")
        strengths = [abs(each.effect) for each in self.effects]
        if len(strengths) > MOST_EFFECTS or strengths != sorted(strengths, reverse=True):
            raise ValueError(f"at most {MOST_EFFECTS} effects, the strongest first, got {strengths}")
        if self.effects and self.morphology is MorphologyClass.NONE:
            raise ValueError("only a fracture is explained")

    @property
    def is_fracture(self) -> bool:
        """Whether a fracture is told."""
        return self.morphology is not MorphologyClass.NONE

    @property
    def word(self) -> Literal["probability", "score"]:
        """What the numbers are called."""
        return "probability" if self.calibrated else "score"

    def probability(self, morphology: MorphologyClass) -> float:
        """Of one class, 0 to 1."""
        return self.probabilities[list(MorphologyClass).index(morphology)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedVertebra:
    """A body that the classifier was shown, or could not be shown.

    Parameters
    ----------
    ordinal
        As in `VertebraFinding`: counts the vertebrae found from the head, from 1.
    level
        `None` where it is uncertain; such a body is not evaluable.
    answer
        The answer, or the reason why there is none.
    """

    ordinal: int
    level: VertebralLevel | None
    answer: MorphologyAnswer | Reason

    def __post_init__(self) -> None:
        if self.ordinal < 1:
            raise ValueError(f"vertebrae are counted from 1, got {self.ordinal}")
        if self.level is None and isinstance(self.answer, MorphologyAnswer):
            raise ValueError("a vertebra without a level has no class")

    @property
    def morphology(self) -> MorphologyAnswer | None:
        """The answer; `None` where there is none."""
        return self.answer if isinstance(self.answer, MorphologyAnswer) else None

    @property
    def reason(self) -> Reason | None:
        """Why there is no answer; `None` where there is one."""
        return self.answer if isinstance(self.answer, Reason) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FractureFindings:
    """What the classifier says of all bodies of a scan, from head to foot.

    Parameters
    ----------
    model
        Whose weights.
    learned_from
        What the model has learned from, as its card tells.
    """

    vertebrae: tuple[ClassifiedVertebra, ...]
    model: ModelIdentity
    learned_from: str

    def __post_init__(self) -> None:
        ordinals = [each.ordinal for each in self.vertebrae]
        if ordinals != sorted(set(ordinals)):
            raise ValueError(f"every vertebra is there once, from head to foot, got {ordinals}")
        levels = [each.level for each in self.vertebrae if each.level is not None]
        if len(levels) != len(set(levels)):
            raise ValueError(f"every level may be there once, got {levels}")

    @property
    def fractures(self) -> tuple[ClassifiedVertebra, ...]:
        """The bodies of which a fracture is told."""
        return tuple(each for each in self.vertebrae if each.morphology is not None and each.morphology.is_fracture)
