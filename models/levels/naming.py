"""The level of each body, or why it has none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from models.levels.anatomy import breaks, steps_between
from models.levels.evidence import Evidence
from models.levels.landmarks import Landmark, landmarks
from models.levels.model import LevelModel
from models.levels.placements import USUAL_LUMBAR, Kind, Place, Placement, placements
from models.levels.rule import LevelRule
from node.domain.confidence import LevelConfidence
from node.domain.geometry import Float64
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode

#: A body that is believed to lie in the sacrum or the neck so much is not reported, whatever its neighbours are called.
_NO_VERTEBRA = 0.95

#: How much of the belief must say that T1 is in view, and that it does not fit, before a count from there is held
#: against names below.
_SURELY = 0.9

#: Raised whenever the same bodies come to be believed otherwise: what was calibrated before is worth nothing then.
FORM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one body of a chain is.

    Parameters
    ----------
    level
        Its name, `None` where it has none.
    confidence
        Of the likeliest name, also where it was not given; `None` where nothing is in view that it could be counted
        from.
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
class Part:
    """Bodies of a chain between two breaks, and what separates them from the rest."""

    bodies: slice
    gap: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The best placement of a part.

    Parameters
    ----------
    beliefs
        For each body, how much each of its names is believed, 0 to 1: the sum over all placements that give it, less
        where bodies on the way that it was counted may have been missed or seen twice.
    seen
        The landmarks in view.
    anchors
        The bodies that names are counted from; without one no name is given.
    first_thoracic
        The indices of the bodies that may be T1, and how much each is believed to be, 0 to 1.
    counted_from_first
        Which thoracic vertebra the last one is by the distances from a T1 beyond a break, where that surely is another
        one than by the placement: several numbers where it is not clear which body is T1.
    """

    placement: Placement
    beliefs: tuple[dict[VertebralLevel | None, float], ...]
    seen: frozenset[Landmark]
    anchors: frozenset[int]
    first_thoracic: Mapping[int, float] = field(default_factory=dict)
    counted_from_first: tuple[int, ...] = ()

    def doubts(self, level: VertebralLevel | None) -> bool:
        """Whether a name rests on a count from T1 that few people have, or such a count speaks against it.

        It is likelier that T1 was mistaken for a neighbour, or T12 for L1, where its ribs were not seen and no sacrum
        tells how many lumbar vertebrae there are.
        """
        counted = self.placement.counts_from_first_thoracic or bool(self.counted_from_first)
        return level is not None and counted and (level.is_thoracic or Landmark.SACRUM not in self.seen)


def parts_of(chain: Sequence[Evidence]) -> tuple[Part, ...]:
    """The parts of a chain that gaps, jumps, merged and halved bodies leave."""
    gaps = breaks(chain)
    borders = [0, *sorted(gaps), len(chain)]
    return tuple(
        Part(bodies=slice(first, last), gap=gaps.get(first) or gaps.get(last))
        for first, last in pairwise(borders)
        if last > first
    )


def guess(bodies: Sequence[Evidence], model: LevelModel) -> Guess | None:
    """What the bodies of a part most likely are; `None` where there are more than a spine has."""
    candidates = placements(len(bodies))
    if not candidates:
        return None
    shares = model.beliefs(bodies, candidates)
    beliefs: tuple[dict[VertebralLevel | None, float], ...] = tuple({} for _ in bodies)
    for placement, share in zip(candidates, shares, strict=True):
        for names, level in zip(beliefs, placement.levels, strict=True):
            names[level] = names.get(level, 0.0) + float(share)
    best = candidates[int(shares.argmax())]
    seen = landmarks(bodies, best)
    anchors = _counted_from(seen, best)
    counted = _counted(model.sound_links(bodies), anchors, best)
    return Guess(
        placement=best,
        beliefs=tuple(
            {name: belief if name is None else belief * share for name, belief in names.items()}
            for names, share in zip(beliefs, counted, strict=True)
        ),
        seen=frozenset(seen),
        anchors=anchors,
        first_thoracic=_first_thoracic(candidates, shares),
    )


def _first_thoracic(candidates: Sequence[Placement], shares: Float64) -> dict[int, float]:
    """How much of the belief lies on placements in which the body of each index is T1."""
    believed: dict[int, float] = {}
    for placement, share in zip(candidates, shares, strict=True):
        kinds = [place.kind for place in placement.places]
        if Kind.FIRST_THORACIC in kinds:
            index = kinds.index(Kind.FIRST_THORACIC)
            believed[index] = believed.get(index, 0.0) + float(share)
    return believed


def guess_parts(chain: Sequence[Evidence], model: LevelModel) -> tuple[tuple[Part, Guess | None], ...]:
    """The parts of a chain, from the head, and what each of them is; held to a T1 that lies beyond a break above it."""
    parts = parts_of(chain)
    guesses = [guess(chain[part.bodies], model) for part in parts]
    return tuple(
        (part, None if guessed is None else _held_to_first(chain, parts, guesses, index=index))
        for index, (part, guessed) in enumerate(zip(parts, guesses, strict=True))
    )


def _counted_from(seen: Mapping[Landmark, int], placement: Placement) -> frozenset[int]:
    """The bodies that names are counted from: only of the usual five lumbar vertebrae has the last one a number."""
    if placement.lumbar == USUAL_LUMBAR or not seen:
        return frozenset(seen.values())
    return frozenset(index for index, place in enumerate(placement.places) if place.kind is Kind.LAST_THORACIC)


def _counted(links: Sequence[float], anchors: frozenset[int], placement: Placement) -> tuple[float, ...]:
    """How likely it is that each body was counted without a mistake, 0 to 1, by how likely each link is sound."""
    counted = [
        max((math.prod(links[min(anchor, index) : max(anchor, index)]) for anchor in anchors), default=0.0)
        for index in range(len(placement.places))
    ]
    kinds = [place.kind for place in placement.places]
    if placement.lumbar != USUAL_LUMBAR and anchors and Kind.FIRST_THORACIC in kinds:
        # Which number the last thoracic vertebra has was counted from T1 as well.
        first, last = kinds.index(Kind.FIRST_THORACIC), kinds.index(Kind.LAST_THORACIC)
        counted[first : last + 1] = [math.prod(links[first:last])] * (last + 1 - first)
    return tuple(counted)


def name_levels(chain: Sequence[Evidence], rule: LevelRule) -> LevelNames:
    """The names of a chain of bodies from head to foot, at least one body.

    A name is given only where the sacrum or the last pair of ribs was seen, where no gap or jump lies between that and
    the body, and where it is as sure as the rule asks for. What was counted on the two sides of a gap must fit to it.
    """
    parts, guesses = zip(*guess_parts(chain, rule.model), strict=True)
    named = [_name_part(part, guessed, rule=rule) for part, guessed in zip(parts, guesses, strict=True)]
    labels = [label for names in named for label in names.labels]
    if not _fit_together(chain, parts, guesses=guesses, named=named, least=rule.least):
        reason = Reason(
            code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail="What was counted above and below a gap does not fit to it."
        )
        return LevelNames(
            labels=tuple(
                replace(label, level=None, reasons=(reason,)) if label.is_vertebra else label for label in labels
            )
        )
    return LevelNames(
        labels=tuple(labels), premises=tuple(dict.fromkeys(premise for names in named for premise in names.premises))
    )


def _fit_together(
    chain: Sequence[Evidence],
    parts: Sequence[Part],
    *,
    guesses: Sequence[Guess | None],
    named: Sequence[LevelNames],
    least: float,
) -> bool:
    """Whether parts with sure names lie as far apart as those say, in one and the same spine, and share no vertebra.

    Also where names are withheld for another reason: what is sure and does not fit speaks against the other part.
    """
    sure = [
        (part, guessed.placement)
        for part, guessed, names in zip(parts, guesses, named, strict=True)
        if guessed is not None and any(_is_sure(label, least) for label in names.labels)
    ]
    for (above, first), (below, second) in pairwise(sure):
        if (first.thoracic, first.lumbar) != (second.thoracic, second.lumbar):
            return False
        steps = _vertebrae_between(chain, parts, above=above.bodies.stop - 1, below=below.bodies.start)
        apart = _number(second.places[0], second) - _number(first.places[-1], first)
        if apart != steps or apart < 1:
            return False
    return True


def _held_to_first(
    chain: Sequence[Evidence], parts: Sequence[Part], guesses: Sequence[Guess | None], *, index: int
) -> Guess | None:
    """The guess of a part, with the count from the nearest T1 above it where that speaks against it.

    Which body is T1 need not be known for that: it is enough that those that fit are hardly believed.
    """
    guessed = guesses[index]
    kinds = [] if guessed is None else [place.kind for place in guessed.placement.places]
    if guessed is None or Kind.LAST_THORACIC not in kinds or sum(guessed.first_thoracic.values()) >= _SURELY:
        return guessed
    last = parts[index].bodies.start + kinds.index(Kind.LAST_THORACIC)
    for part, above in reversed(list(zip(parts[:index], guesses[:index], strict=True))):
        if above is None or sum(above.first_thoracic.values()) < _SURELY:
            continue
        against: dict[int, float] = {}
        for first, belief in above.first_thoracic.items():
            number = 1 + _vertebrae_between(chain, parts, above=part.bodies.start + first, below=last)
            if number != guessed.placement.thoracic:
                against[number] = against.get(number, 0.0) + belief
        if sum(against.values()) < _SURELY:
            return guessed
        told = tuple(sorted(number for number, belief in against.items() if belief > 1.0 - _SURELY))
        return replace(guessed, counted_from_first=told)
    return guessed


def _vertebrae_between(chain: Sequence[Evidence], parts: Sequence[Part], *, above: int, below: int) -> int:
    """How many vertebrae a body lies below another: counted within parts, by distance where they follow a break."""
    borders = {part.bodies.start for part in parts}
    count, at = 0, above
    while at < below:
        end = at + 1
        if end in borders:
            while end < below and end + 1 in borders:
                end += 1  # one body between two breaks counts for nothing by itself
            count += steps_between(chain, at, end)
        else:
            count += 1
        at = end
    return count


def _is_sure(label: Label, least: float) -> bool:
    return label.likeliest is not None and label.confidence is not None and label.confidence.value >= least


def _number(place: Place, placement: Placement) -> int:
    """Which vertebra of its spine it is: 1 for T1, 0 above and one more than the last lumbar one below."""
    if place.level is None:
        return 0 if place.kind is Kind.CERVICAL else placement.thoracic + placement.lumbar + 1
    return int(place.level[1:]) + (0 if place.level.is_thoracic else placement.thoracic)


def _name_part(part: Part, guessed: Guess | None, *, rule: LevelRule) -> LevelNames:
    """Names within a part."""
    bodies = part.bodies.stop - part.bodies.start
    if guessed is None:
        endless = Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=f"A chain of {bodies} bodies is no spine.")
        return LevelNames(labels=(Label(level=None, confidence=None, reasons=(endless,)),) * bodies)
    if part.gap is not None and bodies == 1:
        # One body between two breaks is itself what is odd.
        return LevelNames(labels=(Label(level=None, confidence=None, reasons=(part.gap,)),))
    labels = tuple(
        _unlikely_count(level, rule.confidence(names[level]), guessed)
        if guessed.anchors and guessed.doubts(level)
        else _label(level, names[level], guessed=guessed, gap=part.gap, rule=rule)
        for level, names in zip(guessed.placement.levels, guessed.beliefs, strict=True)
    )
    return LevelNames(labels=labels, premises=_premises(guessed, [label.level for label in labels]))


def _premises(guessed: Guess, levels: Sequence[VertebralLevel | None]) -> tuple[str, ...]:
    """What the names that were given rest on, and nothing in view can show."""
    named = [level for level in levels if level is not None]
    if guessed.placement.shows_first_thoracic or not named:
        return ()
    alone = (LAST_RIBS_ALONE,) if guessed.seen == {Landmark.LAST_RIBS} else ()
    upwards = any(level.is_thoracic for level in named)
    return (*alone, *((counted_upwards(guessed.placement.thoracic),) if upwards else ()))


def _unlikely_count(level: VertebralLevel | None, confidence: LevelConfidence, guessed: Guess) -> Label:
    thoracic, numbers = guessed.placement.thoracic, guessed.counted_from_first
    if not numbers:
        detail = (
            f"Counted from T1 there are {thoracic} thoracic vertebrae, as some people in a hundred have, or the first "
            "or last one was mistaken for its neighbour."
        )
    else:
        told = " or ".join(map(str, numbers))
        detail = (
            f"T1 is in view beyond a break: by the distances from there the body that looks like T{thoracic} is "
            f"thoracic vertebra {told}. A vertebra may have been missed, the last ribs may not be seen, or there are "
            "not twelve, as in some people in a hundred."
        )
    reason = Reason(
        code=ReasonCode.LEVEL_UNCERTAIN,
        detail=f"{detail} A reader who looks at the first and the last ribs would settle it.",
    )
    return Label(level=None, confidence=confidence, likeliest=level, reasons=(reason,))


#: What all names of a part rest on that shows neither the sacrum nor T1.
LAST_RIBS_ALONE = (
    "All levels were counted from the last pair of ribs: where those of T12 are missing, or L1 has ribs, as in some "
    "people in a hundred, they are wrong by one."
)


def counted_upwards(thoracic: int) -> str:
    """What thoracic names rest on where the first of so many is not in view."""
    return (
        f"Thoracic vertebrae were counted upwards with the last one as T{thoracic}, and not downwards from the first: "
        "some people in a hundred have one more or one less."
    )


def _label(
    level: VertebralLevel | None, belief: float, *, guessed: Guess, gap: Reason | None, rule: LevelRule
) -> Label:
    confidence = rule.confidence(belief) if guessed.anchors else None
    if not guessed.seen:
        doubt = (
            "Neither the sacrum nor a last pair of ribs with a whole vertebra below it is in view; either would settle "
            "it."
        )
    elif confidence is None:
        doubt = f"There seem to be {guessed.placement.lumbar} lumbar vertebrae: {_wanted(guessed)}"
    elif confidence.value < rule.least:
        doubt = f"The likeliest level has {confidence}, {rule.least:g} is asked for: {_wanted(guessed)}"
    else:
        return Label(level=level, confidence=confidence, likeliest=level, is_vertebra=level is not None)
    across = "" if gap is None else f" It cannot be counted across the break beside it: {gap.detail}"
    reason = Reason(code=ReasonCode.LEVEL_UNCERTAIN, detail=doubt + across)
    return Label(
        level=None,
        confidence=confidence,
        likeliest=level,
        is_vertebra=level is not None or belief < _NO_VERTEBRA,
        reasons=(reason,),
    )


def _wanted(guessed: Guess) -> str:
    """What would settle a level, by what was seen."""
    if guessed.seen == {Landmark.SACRUM}:
        return (
            "the last pair of ribs is not in view or not clear, and some people in a hundred have four or six lumbar "
            "vertebrae. A scan that shows the last ribs would settle it."
        )
    if guessed.seen == {Landmark.LAST_RIBS}:
        or_up = "" if guessed.placement.shows_first_thoracic else ", or up to the first rib,"
        return (
            f"the last ribs and the bodies beside them are not clear. A scan down to the sacrum{or_up} would settle it."
        )
    return (
        "ribs, sacrum and bodies do not agree. The whole spine in one scan, or a reader who looks at the last ribs, "
        "would settle it."
    )
