"""The level of each body, or why it has none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from models.anatomy import breaks
from models.evidence import Evidence
from models.sequences import Kind, Naming, has_no_rib, has_rib_pair, lies_on_sacrum, looks_sacral, namings
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode

#: A name must be this far ahead of the next best one; 1 - exp(-2), where 2 is the difference of log scores.
LEAST_SCORE = 0.86

#: From here on the sacrum counts as seen.
_SACRUM_SEEN = 0.6

#: So much of the body below the last pair of ribs must be in the scan, mm, before it counts as one without ribs: ribs
#: begin at the upper edge.
_SEEN_BELOW_RIBS_MM = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one body of a chain is.

    Parameters
    ----------
    level
        Its name, `None` where it has none.
    score
        How far the name is ahead of the next best one, 0 to 1; a score, not a calibrated probability.
    is_vertebra
        False for a body of the sacrum or the neck, which this node does not report.
    reasons
        Why it has no name.
    """

    level: VertebralLevel | None
    score: float
    is_vertebra: bool = True
    reasons: tuple[Reason, ...] = ()


def name_levels(chain: Sequence[Evidence]) -> tuple[Label, ...]:
    """The names of a chain of bodies from head to foot, at least one body.

    A name is given only where the sacrum or the last pair of ribs was seen, where no gap or jump lies between that and
    the body, and where no other naming of the body fits about as well.
    """
    gaps = breaks(chain)
    borders = [0, *sorted(gaps), len(chain)]
    parts = [(first, last) for first, last in pairwise(borders) if last > first]
    labels = [
        label for first, last in parts for label in _name_part(chain[first:last], gaps.get(first) or gaps.get(last))
    ]
    order = [_ORDER[label.level] for label in labels if label.level is not None]
    if order != sorted(set(order)):
        reason = Reason(
            code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail="What was seen above and below a gap does not fit together."
        )
        return tuple(replace(label, level=None, reasons=(reason,)) if label.is_vertebra else label for label in labels)
    return tuple(labels)


_ORDER = {level: number for number, level in enumerate(VertebralLevel)}


def _name_part(part: Sequence[Evidence], gap: Reason | None) -> list[Label]:
    """Names within a part of the chain that has no gap; `gap` is what separates it from the rest."""
    ranked = namings(part)
    if not ranked:
        endless = Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=f"A chain of {len(part)} bodies is no spine.")
        return [Label(level=None, score=0.0, reasons=(endless,)) for _ in part]
    best = ranked[0]
    doubt = _doubt(part, best)
    if doubt is not None and gap is not None:
        # One body between two breaks is itself what is odd; a longer part only cannot be counted across the break.
        doubt = gap if len(part) == 1 else _uncertain(f"{doubt.detail} Nor can it be counted from there: {gap.detail}")
    labels = []
    for index, place in enumerate(best.places):
        score = _score(ranked, index)
        if place.level is None and doubt is None:
            labels.append(Label(level=None, score=score, is_vertebra=False))
            continue
        reason = doubt or (_ambiguous(score) if score < LEAST_SCORE else None)
        labels.append(
            Label(level=None if reason else place.level, score=score, reasons=() if reason is None else (reason,))
        )
    return labels


def _score(ranked: Sequence[Naming], index: int) -> float:
    best = ranked[0]
    name = best.places[index].level
    second = max((naming.log_score for naming in ranked if naming.places[index].level is not name), default=-math.inf)
    return 1.0 - math.exp(second - best.log_score)


def _anchors(chain: Sequence[Evidence], best: Naming) -> tuple[int, ...]:
    """Indices of bodies whose name is fixed by something seen: the sacrum, or the last pair of ribs."""
    kinds = [place.kind for place in best.places]
    found = []
    for index, (evidence, kind) in enumerate(zip(chain, kinds, strict=True)):
        below = chain[index + 1] if index + 1 < len(chain) else None
        if kind is Kind.LAST_LUMBAR:
            sacrum = lies_on_sacrum(evidence) if below is None else looks_sacral(below)
            if sacrum >= _SACRUM_SEEN:
                found.append(index)
        if (
            kind is Kind.LAST_THORACIC
            and below is not None
            and has_rib_pair(evidence)
            and has_no_rib(below)
            and below.length_mm >= _SEEN_BELOW_RIBS_MM
        ):
            found.append(index)
    return tuple(found)


def _doubt(part: Sequence[Evidence], best: Naming) -> Reason | None:
    """Why no body of the part may be named, or `None`."""
    if not _anchors(part, best):
        return _uncertain("Neither the sacrum nor a last pair of ribs with a vertebra below it is in view.")
    if not best.is_usual:
        return _uncertain("The number of vertebrae between the ribs and the sacrum is not the usual one.")
    return None


def _ambiguous(score: float) -> Reason:
    return _uncertain(
        f"Another naming fits about as well (score {score:.2f}, at least {LEAST_SCORE} is asked for): "
        "ribs, sacrum and the shape of the bodies do not agree, or only one of them was seen."
    )


def _uncertain(detail: str) -> Reason:
    return Reason(code=ReasonCode.LEVEL_UNCERTAIN, detail=detail)
