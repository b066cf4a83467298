"""The level of each body, or why it has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from models.levels.anatomy import breaks
from models.levels.evidence import Evidence
from models.levels.landmarks import Landmark, landmarks
from models.levels.model import LevelModel
from models.levels.placements import Placement, placements
from node.domain.confidence import LevelConfidence
from node.domain.errors import ConfigurationError
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode

#: A name must have this score where no calibration says what a score is worth.
LEAST_SCORE = 0.95

#: A site may ask for probabilities from here on: below, a name is as likely wrong as right.
LEAST_ASKED = 0.5

#: Said where thoracic vertebrae have names and the first one is not in view.
COUNTED_UPWARDS = (
    "Thoracic vertebrae were counted upwards from the last pair of ribs as the twelfth; the first is not in view, and "
    "some people in a hundred have eleven or thirteen."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """When a name is given.

    Parameters
    ----------
    model
        Says how sure a name is.
    asked
        How probable a name must be, from `LEAST_ASKED` to below 1; of no effect where the model is not calibrated.
    """

    model: LevelModel
    asked: float

    def __post_init__(self) -> None:
        if not LEAST_ASKED <= self.asked < 1.0:
            raise ConfigurationError(f"levels must be asked for with {LEAST_ASKED} to below 1, got {self.asked}")

    @property
    def least(self) -> float:
        """The least confidence of a name that is given."""
        return LEAST_SCORE if self.model.calibration is None else self.asked

    def confidence(self, posterior: float) -> LevelConfidence:
        """How sure a name is that has this posterior."""
        calibration = self.model.calibration
        if calibration is None:
            return LevelConfidence(value=min(max(posterior, 0.0), 1.0), calibrated=False)
        return LevelConfidence(value=calibration.probability(posterior), calibrated=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one body of a chain is.

    Parameters
    ----------
    level
        Its name, `None` where it has none.
    confidence
        Of the likeliest name, also where it was not given; `None` where no landmark was seen.
    likeliest
        That name; not given where it is not sure.
    is_vertebra
        False for a body of the sacrum or the neck, which this node does not report.
    reasons
        Why it has no name.
    """

    level: VertebralLevel | None
    confidence: LevelConfidence | None
    likeliest: VertebralLevel | None = None
    is_vertebra: bool = True
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelNames:
    """What the bodies of a chain are, from head to foot, and what that rests on, in sentences for the report."""

    labels: tuple[Label, ...]
    premises: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The best placement of a part of a chain that has no gap.

    Parameters
    ----------
    beliefs
        Sum over all placements that give a body the same name, 0 to 1.
    seen
        The landmarks that it rests on; without one no name is given.
    """

    placement: Placement
    beliefs: tuple[float, ...]
    seen: frozenset[Landmark]


def parts_of(chain: Sequence[Evidence]) -> tuple[tuple[slice, Reason | None], ...]:
    """The parts of a chain that gaps, jumps and merged bodies leave, each with what separates it from the rest."""
    gaps = breaks(chain)
    borders = [0, *sorted(gaps), len(chain)]
    return tuple(
        (slice(first, last), gaps.get(first) or gaps.get(last)) for first, last in pairwise(borders) if last > first
    )


def guess(part: Sequence[Evidence], model: LevelModel) -> Guess | None:
    """What the bodies of a part most likely are; `None` where it is longer than a spine."""
    candidates = placements(len(part))
    if not candidates:
        return None
    posterior = model.posterior(part, candidates)
    best = candidates[int(posterior.argmax())]
    beliefs = tuple(
        sum(
            float(share)
            for placement, share in zip(candidates, posterior, strict=True)
            if placement.places[index].level is place.level
        )
        for index, place in enumerate(best.places)
    )
    return Guess(placement=best, beliefs=beliefs, seen=landmarks(part, best))


def name_levels(chain: Sequence[Evidence], rule: LevelRule) -> LevelNames:
    """The names of a chain of bodies from head to foot, at least one body.

    A name is given only where the sacrum or the last pair of ribs was seen, where no gap or jump lies between that and
    the body, and where it is as sure as the rule asks for.
    """
    parts = [_name_part(chain[part], gap, rule) for part, gap in parts_of(chain)]
    labels = [label for part in parts for label in part.labels]
    order = [_ORDER[label.level] for label in labels if label.level is not None]
    if order != sorted(set(order)):
        reason = Reason(
            code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail="What was seen above and below a gap does not fit together."
        )
        return LevelNames(
            labels=tuple(
                replace(label, level=None, reasons=(reason,)) if label.is_vertebra else label for label in labels
            )
        )
    premises = tuple(dict.fromkeys(premise for part in parts for premise in part.premises))
    return LevelNames(labels=tuple(labels), premises=premises)


_ORDER = {level: number for number, level in enumerate(VertebralLevel)}


def _name_part(part: Sequence[Evidence], gap: Reason | None, rule: LevelRule) -> LevelNames:
    """Names within a part of the chain that has no gap; `gap` is what separates it from the rest."""
    guessed = guess(part, rule.model)
    if guessed is None:
        endless = Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=f"A chain of {len(part)} bodies is no spine.")
        return LevelNames(labels=tuple(Label(level=None, confidence=None, reasons=(endless,)) for _ in part))
    labels = tuple(
        _label(level, rule.confidence(belief), guessed.seen, gap, rule, len(part))
        for level, belief in zip(guessed.placement.levels, guessed.beliefs, strict=True)
    )
    counted = any(label.level is not None and label.level.is_thoracic for label in labels)
    told = counted and not guessed.placement.shows_first_thoracic
    return LevelNames(labels=labels, premises=(COUNTED_UPWARDS,) if told else ())


def _label(
    level: VertebralLevel | None,
    confidence: LevelConfidence,
    seen: frozenset[Landmark],
    gap: Reason | None,
    rule: LevelRule,
    bodies: int,
) -> Label:
    told = confidence if seen else None
    if not seen:
        doubt = _uncertain("Neither the sacrum nor a last pair of ribs with a vertebra below it is in view.")
    elif confidence.value < rule.least:
        doubt = _uncertain(f"{_WANTED[seen]} ({confidence}, at least {rule.least:g} is asked for)")
    elif level is None:
        return Label(level=None, confidence=told, is_vertebra=False)
    else:
        return Label(level=level, confidence=told, likeliest=level)
    if gap is not None:
        # One body between two breaks is itself what is odd; a longer part only cannot be counted across the break.
        doubt = gap if bodies == 1 else _uncertain(f"{doubt.detail} Nor can it be counted from there: {gap.detail}")
    return Label(level=None, confidence=told, likeliest=level, reasons=(doubt,))


#: What would settle a level, by what was seen.
_WANTED: dict[frozenset[Landmark], str] = {
    frozenset({Landmark.SACRUM}): (
        "Another naming is possible: the last pair of ribs is not in view or not clear, and some people in a hundred "
        "have four or six lumbar vertebrae."
    ),
    frozenset({Landmark.LAST_RIBS}): (
        "Another naming is possible: ribs and bodies do not agree, and neither the sacrum nor the whole chest up to "
        "the first rib settles it."
    ),
    frozenset(Landmark): "Another naming is possible: ribs, sacrum and the bodies themselves do not agree.",
}


def _uncertain(detail: str) -> Reason:
    return Reason(code=ReasonCode.LEVEL_UNCERTAIN, detail=detail)
