"""What fixes a name: the sacrum, or the last pair of ribs with a vertebra below it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import fmean

import numpy as np
from scipy import special

from models.levels.anatomy import usual
from models.levels.clues import LEAST_VOTES
from models.levels.evidence import Evidence
from models.levels.placements import Kind, Placement
from models.levels.ribs import LONG_MM, PAIR_MM3, STUB_MM

# Plausible limits.

#: From here on the sacrum counts as seen.
_SACRUM_SEEN = 0.6

#: Sacrum contact at which S1 is as likely as not, and over which range that turns.
_CONTACT_TURN, _CONTACT_WIDTH = 0.06, 0.02

#: Share of sacrum below a body at which it is as likely L5 as not.
_BELOW_TURN, _BELOW_WIDTH = 0.25, 0.06

#: Where the scan ends at the body below the last pair of ribs, it must be as high as this share of its neighbours: ribs
#: fall on their way outwards, and those of a body that is cut lie outside.
_LEAST_HEIGHT = 0.85

#: The last ribs may be short, mm: one that reaches so far is a landmark where what begins at the body below, as a
#: transverse process that was taken for a rib, is a stub, reaches less than this share of it, and has no fellow that
#: could be a last rib as well.
_SHORTEST_LAST_RIB_MM = 12.0
_MOST_BELOW = 0.5

#: Ribs on a body of which so many votes for lumbar or thoracic are lumbar fix nothing: votes, or ribs, are wrong.
_MOST_LUMBAR = 0.95

#: Where both bodies were looked at closely, that decides, whatever the votes are; and what is taken for ribs of the
#: body below must be less than this share of the last pair.
_MOST_BESIDE_PAIR = 0.6

#: Long processes may be taken for ribs of more volume than a small pair has. They are none where the coarse grid shows
#: nothing of ribs there, at least this share of the votes for lumbar or thoracic are lumbar, and what is taken for ribs
#: is less than this share of the last pair.
_LEAST_LUMBAR, _MOST_PROCESSES = 0.8, 0.25

#: All of them: a calibration is worth nothing where names rest on other landmarks.
LIMITS = (
    (_SACRUM_SEEN, _CONTACT_TURN, _CONTACT_WIDTH, _BELOW_TURN, _BELOW_WIDTH),
    (STUB_MM, _LEAST_HEIGHT, _SHORTEST_LAST_RIB_MM, _MOST_BELOW, _MOST_LUMBAR),
    (PAIR_MM3, _MOST_BESIDE_PAIR, _LEAST_LUMBAR, _MOST_PROCESSES),
)


class Landmark(StrEnum):
    """A place of the spine that is known when it is seen."""

    SACRUM = "the sacrum"
    LAST_RIBS = "the last pair of ribs"


def landmarks(chain: Sequence[Evidence], placement: Placement) -> dict[Landmark, int]:
    """What of a chain shows where the placement says that it is, and the index of the body that it belongs to."""
    found = {}
    for index, (evidence, place) in enumerate(zip(chain, placement.places, strict=True)):
        below = chain[index + 1] if index + 1 < len(chain) else None
        if place.kind is Kind.LAST_LUMBAR:
            sacrum = lies_on_sacrum(evidence) if below is None else looks_sacral(below)
            if sacrum >= _SACRUM_SEEN:
                found[Landmark.SACRUM] = index
        is_last = place.kind is Kind.LAST_THORACIC and below is not None and _are_last_ribs(evidence, below=below)
        if is_last and _is_whole(chain, index + 1):
            found[Landmark.LAST_RIBS] = index
    return found


def _are_last_ribs(evidence: Evidence, *, below: Evidence) -> bool:
    if evidence.own_ribs is not None and below.own_ribs is not None:
        pair, under = (fmean(ribs.volume_mm3) for ribs in (evidence.own_ribs, below.own_ribs))
        is_small = under < min(PAIR_MM3, _MOST_BESIDE_PAIR * pair)
        is_none = is_small or (_has_none_at_all(below) and under < _MOST_PROCESSES * pair)
        # a pair that is long on the coarse grid and not there at close look is a contradiction, and nothing to rest on
        return pair >= PAIR_MM3 and is_none and not any(below.own_ribs.cut) and min(below.rib_mm) < LONG_MM
    return (
        # one of them is enough: the other may be a stub, or too faint to be followed
        max(evidence.rib_mm) >= _SHORTEST_LAST_RIB_MM
        and max(below.rib_mm) < min(STUB_MM, _MOST_BELOW * max(evidence.rib_mm))
        # a pair of stubs may be that of T12, and the ribs above it those of T11
        and min(below.rib_mm) < _SHORTEST_LAST_RIB_MM
        and not any(below.rib_cut)
        and evidence.lumbar <= _MOST_LUMBAR * (evidence.lumbar + evidence.thoracic)
    )


def _has_none_at_all(evidence: Evidence) -> bool:
    """Whether a body looks lumbar on the coarse grid, and nothing there begins as a rib."""
    votes = evidence.lumbar + evidence.thoracic
    return not any(evidence.rib_mm) and votes >= LEAST_VOTES and evidence.lumbar >= _LEAST_LUMBAR * votes


def _is_whole(chain: Sequence[Evidence], index: int) -> bool:
    """Whether the scan goes on below a body, or that is about as high as bodies are there."""
    if index + 1 < len(chain) or chain[index].sacrum_below is not None:
        return True
    heights = np.array([body.length_mm for body in chain])
    return bool(heights[index] >= _LEAST_HEIGHT * usual(heights, index))


def looks_sacral(evidence: Evidence) -> float:
    """How much a body looks like S1, 0 to 1."""
    contact = float(special.expit((evidence.sacrum_contact - _CONTACT_TURN) / _CONTACT_WIDTH))
    return 0.5 * contact + 0.5 * evidence.sacral


def lies_on_sacrum(evidence: Evidence) -> float:
    """How much a body looks as if the sacrum began below it, 0 to 1; 0 where the scan ends there."""
    if evidence.sacrum_below is None:
        return 0.0
    return float(special.expit((evidence.sacrum_below - _BELOW_TURN) / _BELOW_WIDTH))
