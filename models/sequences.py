"""Every order of vertebrae that a chain of bodies could be, and how well the evidence fits each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.evidence import Evidence
from models.ribs import STUB_MM
from node.domain.levels import VertebralLevel

# The numbers of this file are plausible choices, set by reason on how a network errs and not fitted to any scan:
# ribs are missed or short at T12, transverse processes are taken for ribs, and S1 may be weak.

#: Thoracic and lumbar vertebrae, and the logarithm of how common that is against the usual twelve and five: some people
#: in a hundred have another count.
_VARIANTS: tuple[tuple[int, int, float], ...] = (
    (12, 5, 0.0),
    (12, 6, math.log(0.04)),
    (12, 4, math.log(0.03)),
    (13, 5, math.log(0.02)),
    (11, 5, math.log(0.02)),
    (13, 4, math.log(0.015)),
    (11, 6, math.log(0.015)),
)

_CERVICAL = 3  # bodies above T1 that a chain may begin with
_SACRAL = 2  # S1, and a second one that was cut off the sacrum

#: Twelfth ribs seldom reach as far as this, measured straight, and eleventh ones mostly do, mm.
_LONG_RIB_FROM_MM = 120.0
#: Below this a rib is short, as only twelfth ones and those of a lumbar vertebra are, mm.
_MIDDLE_RIB_FROM_MM = 60.0

#: Sides of one vertebra err together; two of them count as this many.
_RIB_WEIGHT = 0.7
#: Votes rest on the same picture as ribs do.
_VOTE_WEIGHT = 0.7
_LEAST_VOTE = 0.05
_LEAST_SACRUM = 0.03

#: Sacrum contact at which S1 is as likely as not, and over which range that turns.
_CONTACT_TURN = 0.06
_CONTACT_WIDTH = 0.02
#: Share of sacrum below a body at which it is as likely L5 as not.
_BELOW_TURN = 0.25
_BELOW_WIDTH = 0.06


class Kind(StrEnum):
    """What a vertebra is expected to show."""

    CERVICAL = "cervical"
    THORACIC = "thoracic"
    LAST_THORACIC = "last thoracic"
    FIRST_LUMBAR = "first lumbar"
    LUMBAR = "lumbar"
    LAST_LUMBAR = "last lumbar"
    SACRAL = "sacral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One vertebra of a spine: its kind, and its name where it is thoracic or lumbar."""

    kind: Kind
    level: VertebralLevel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """One way to name a chain of bodies, from head to foot.

    `log_score` compares it with others; `is_usual` tells a spine of twelve thoracic and five lumbar vertebrae.
    """

    places: tuple[Place, ...]
    log_score: float
    is_usual: bool


def namings(chain: Sequence[Evidence]) -> tuple[Naming, ...]:
    """All namings of a chain of bodies, the best first."""
    found = []
    for thoracic, lumbar, prior in _VARIANTS:
        spine = _spine(thoracic, lumbar)
        for first in range(len(spine) - len(chain) + 1):
            places = spine[first : first + len(chain)]
            fit = sum(_fit(evidence, place.kind) for evidence, place in zip(chain, places, strict=True))
            fit += _end_fit(chain[-1], places[-1].kind)
            found.append(Naming(places=places, log_score=prior + fit, is_usual=(thoracic, lumbar) == (12, 5)))
    return tuple(sorted(found, key=lambda naming: -naming.log_score))


def looks_sacral(evidence: Evidence) -> float:
    """How much a body looks like S1, 0 to 1."""
    contact = _logistic((evidence.sacrum_contact - _CONTACT_TURN) / _CONTACT_WIDTH)
    return 0.5 * contact + 0.5 * evidence.sacral


def lies_on_sacrum(evidence: Evidence) -> float:
    """How much a body looks as if the sacrum began below it, 0 to 1; 0 where the scan ends there."""
    if evidence.sacrum_below is None:
        return 0.0
    return _logistic((evidence.sacrum_below - _BELOW_TURN) / _BELOW_WIDTH)


def has_rib_pair(evidence: Evidence) -> bool:
    """Whether something long enough for a rib begins on both sides."""
    return min(evidence.rib_mm) >= STUB_MM


def has_no_rib(evidence: Evidence) -> bool:
    """Whether nothing long enough for a rib begins on either side."""
    return max(evidence.rib_mm) < STUB_MM


#: How often a side of a vertebra shows no rib, a short, a middle or a long one; each row sums to 1.
_RIB_SHARE: dict[Kind, tuple[float, float, float, float]] = {
    Kind.CERVICAL: (0.90, 0.05, 0.04, 0.01),
    Kind.THORACIC: (0.03, 0.05, 0.22, 0.70),
    Kind.LAST_THORACIC: (0.20, 0.28, 0.38, 0.14),
    Kind.FIRST_LUMBAR: (0.94, 0.04, 0.015, 0.005),
    Kind.LUMBAR: (0.98, 0.012, 0.005, 0.003),
    Kind.LAST_LUMBAR: (0.97, 0.015, 0.01, 0.005),
    Kind.SACRAL: (0.97, 0.015, 0.01, 0.005),
}


def _spine(thoracic: int, lumbar: int) -> tuple[Place, ...]:
    places = [Place(kind=Kind.CERVICAL, level=None)] * _CERVICAL
    for number in range(1, thoracic + 1):
        kind = Kind.LAST_THORACIC if number == thoracic else Kind.THORACIC
        places.append(Place(kind=kind, level=VertebralLevel(f"T{number}")))
    for number in range(1, lumbar + 1):
        kind = {1: Kind.FIRST_LUMBAR, lumbar: Kind.LAST_LUMBAR}.get(number, Kind.LUMBAR)
        places.append(Place(kind=kind, level=VertebralLevel(f"L{number}")))
    return (*places, *[Place(kind=Kind.SACRAL, level=None)] * _SACRAL)


def _fit(evidence: Evidence, kind: Kind) -> float:
    """Log score of one body under a kind."""
    sides = zip(evidence.rib_mm, evidence.rib_cut, strict=True)
    ribs = _RIB_WEIGHT * sum(math.log(_rib_share(kind, reach, cut=cut)) for reach, cut in sides)
    sacral = min(max(looks_sacral(evidence), _LEAST_SACRUM), 1.0 - _LEAST_SACRUM)
    if kind is Kind.SACRAL:
        return ribs + math.log(sacral)
    vote = min(max(_vote(evidence, kind), _LEAST_VOTE), 1.0 - _LEAST_VOTE)
    return ribs + math.log(1.0 - sacral) + _VOTE_WEIGHT * math.log(vote)


def _vote(evidence: Evidence, kind: Kind) -> float:
    """Share of the votes for a part of the spine above the sacrum that are for the part of this kind, 0 to 1."""
    votes = evidence.cervical + evidence.thoracic + evidence.lumbar
    if kind is Kind.CERVICAL:
        own = evidence.cervical
    elif kind in (Kind.THORACIC, Kind.LAST_THORACIC):
        own = evidence.thoracic
    else:
        own = evidence.lumbar
    return own / max(votes, 1e-6)


def _end_fit(last: Evidence, kind: Kind) -> float:
    """Log score of what lies below the chain: the sacrum lies below L5 or S1 and below nothing else."""
    if kind is Kind.SACRAL or last.sacrum_below is None:
        return 0.0
    on_sacrum = min(max(lies_on_sacrum(last), _LEAST_SACRUM), 1.0 - _LEAST_SACRUM)
    return math.log(on_sacrum if kind is Kind.LAST_LUMBAR else 1.0 - on_sacrum)


def _rib_share(kind: Kind, reach_mm: float, *, cut: bool) -> float:
    """How often a side of this kind shows a rib as long; of one that is cut, as long or longer."""
    seen = sum(reach_mm >= limit for limit in (STUB_MM, _MIDDLE_RIB_FROM_MM, _LONG_RIB_FROM_MM))
    shares = _RIB_SHARE[kind]
    return sum(shares[seen:]) if cut and seen else shares[seen]


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))
