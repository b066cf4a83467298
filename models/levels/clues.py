"""What a body shows of its level, sorted into few bins whose frequencies can be counted."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from models.levels.evidence import Evidence
from models.levels.ribs import PAIR_MM3, STUB_MM

#: Reach of a rib, mm: none, a speck, a stub, very short, short, middle, long, and as the upper ribs. The first of these
#: tell most: the last ribs may be short, and a transverse process looks like the stub of one.
_RIB_EDGES = (4.0, 16.0, STUB_MM, 40.0, 60.0, 110.0, 160.0)

#: Volume of an own rib, mm3, mean of both sides: a process is taken for a rib at one of them mostly. None, hardly any,
#: doubtful, faint, a pair of ribs. How large it is beyond that tells little, and differs among families of shapes.
_OWN_RIB_EDGES = (60.0, 140.0, PAIR_MM3, 360.0)

#: Share of cervical votes, and that of lumbar ones among lumbar and thoracic, which tells most where it is nearly none
#: or nearly all.
_CERVICAL_EDGES = (0.05, 0.3, 0.7, 0.95)
_LUMBAR_EDGES = (0.02, 0.05, 0.15, 0.3, 0.7, 0.9, 0.95, 0.98)
#: A body with fewer votes for either says nothing of which it is.
LEAST_VOTES = 0.02
_SACRAL_EDGES = (0.1, 0.5, 0.9)
_CONTACT_EDGES = (0.02, 0.06, 0.12)
_BELOW_EDGES = (0.1, 0.25, 0.5)


class Clue(StrEnum):
    """A kind of evidence."""

    RIB = "rib of one side"
    OWN_RIBS = "ribs of both sides, looked at closely"
    CERVICAL_VOTE = "cervical by the network"
    LUMBAR_VOTE = "lumbar and not thoracic by the network"
    SACRAL_VOTE = "sacral by the network"
    SACRUM_BESIDE = "sacrum beside the body"
    SACRUM_BELOW = "sacrum below the body"


#: How many bins each has.
BINS: dict[Clue, int] = {
    Clue.RIB: len(_RIB_EDGES) + 1,
    Clue.OWN_RIBS: len(_OWN_RIB_EDGES) + 1,
    Clue.CERVICAL_VOTE: len(_CERVICAL_EDGES) + 1,
    Clue.LUMBAR_VOTE: len(_LUMBAR_EDGES) + 1,
    Clue.SACRAL_VOTE: len(_SACRAL_EDGES) + 1,
    Clue.SACRUM_BESIDE: len(_CONTACT_EDGES) + 1,
    Clue.SACRUM_BELOW: len(_BELOW_EDGES) + 1,
}

#: All that says which bin a body lies in.
LIMITS = (
    _RIB_EDGES,
    _OWN_RIB_EDGES,
    _CERVICAL_EDGES,
    _LUMBAR_EDGES,
    LEAST_VOTES,
    _SACRAL_EDGES,
    _CONTACT_EDGES,
    _BELOW_EDGES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One clue of a body, and the bins that it may lie in: several where the scan cuts what would tell."""

    clue: Clue
    bins: range


def observe(evidence: Evidence) -> tuple[Observation, ...]:
    """The clues of a body; one that the scan does not show is missing."""
    ribs = zip(evidence.rib_mm, evidence.rib_cut, strict=True)
    found = [_from(Clue.RIB, bisect_right(_RIB_EDGES, reach), cut=cut) for reach, cut in ribs]
    own = evidence.own_ribs
    if own is not None:
        bin_ = bisect_right(_OWN_RIB_EDGES, fmean(own.volume_mm3))
        found.append(_from(Clue.OWN_RIBS, bin_, cut=any(own.cut)))
    found.append(_one(Clue.CERVICAL_VOTE, bisect_right(_CERVICAL_EDGES, evidence.cervical)))
    either = evidence.lumbar + evidence.thoracic
    if either >= LEAST_VOTES:
        found.append(_one(Clue.LUMBAR_VOTE, bisect_right(_LUMBAR_EDGES, evidence.lumbar / either)))
    found.append(_one(Clue.SACRAL_VOTE, bisect_right(_SACRAL_EDGES, evidence.sacral)))
    found.append(_one(Clue.SACRUM_BESIDE, bisect_right(_CONTACT_EDGES, evidence.sacrum_contact)))
    if evidence.sacrum_below is not None:
        found.append(_one(Clue.SACRUM_BELOW, bisect_right(_BELOW_EDGES, evidence.sacrum_below)))
    return tuple(found)


def _from(clue: Clue, seen: int, *, cut: bool) -> Observation:
    """A rib that leaves the scan is as large as was seen, or larger."""
    return Observation(clue=clue, bins=range(seen, BINS[clue])) if cut else _one(clue, seen)


def _one(clue: Clue, bin_: int) -> Observation:
    return Observation(clue=clue, bins=range(bin_, bin_ + 1))
