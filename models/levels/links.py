"""Whether two bodies that follow each other in a chain are neighbours: none was missed, none is a half or a disc."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.levels.anatomy import usual
from models.levels.evidence import Evidence
from models.levels.shares import check_shares
from node.domain.errors import ConfigurationError

#: Distance of the two centres against the nearest other distances.
_STEP_EDGES = (0.6, 0.75, 0.9, 1.15, 1.3, 1.5)

#: Height of the higher and of the lower of the two against the nearest other heights.
_HIGH_EDGES = (1.15, 1.3, 1.5)
_LOW_EDGES = (0.5, 0.65, 0.8)

#: All that says which bin a link lies in.
LIMITS = (_STEP_EDGES, _HIGH_EDGES, _LOW_EDGES)


class LinkClue(StrEnum):
    """What two bodies show of it; the first and the last body of a chain may be cut, and have bins of their own."""

    STEP = "distance"
    HIGH = "height of the higher one"
    LOW = "height of the lower one"
    PART = "cervical, thoracic, lumbar or sacral by the network"


_PARTS = 4

#: How many bins each has: those of links inside the chain come first.
LINK_BINS: dict[LinkClue, int] = {
    LinkClue.STEP: 2 * (len(_STEP_EDGES) + 1),
    LinkClue.HIGH: 2 * (len(_HIGH_EDGES) + 1),
    LinkClue.LOW: 2 * (len(_LOW_EDGES) + 1),
    LinkClue.PART: 2 * _PARTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """How links look that are sound, and those that are not.

    Parameters
    ----------
    sound_share
        Share of sound links, between 0 and 1.
    sound, unsound
        How often each shows each bin of a clue; every row sums to 1.
    """

    sound_share: float
    sound: Mapping[LinkClue, tuple[float, ...]]
    unsound: Mapping[LinkClue, tuple[float, ...]]

    def __post_init__(self) -> None:
        if not 0.0 < self.sound_share < 1.0:
            raise ConfigurationError(f"the share of sound links must be between 0 and 1, got {self.sound_share}")
        for rows in (self.sound, self.unsound):
            if set(rows) != set(LinkClue):
                raise ConfigurationError(f"links must have shares of {', '.join(LinkClue)}")
            for clue, row in rows.items():
                check_shares(row, LINK_BINS[clue], f"{clue} of links")

    def probabilities(self, chain: Sequence[Evidence]) -> tuple[float, ...]:
        """How likely each link of a chain is sound, from the head, 0 to 1; one less than there are bodies."""
        return tuple(self._probability(bins) for bins in observe_links(chain))

    def _probability(self, bins: Mapping[LinkClue, int]) -> float:
        odds = self.sound_share / (1.0 - self.sound_share)
        odds *= math.prod(self.sound[clue][bin_] / self.unsound[clue][bin_] for clue, bin_ in bins.items())
        return odds / (1.0 + odds)


def observe_links(chain: Sequence[Evidence]) -> tuple[dict[LinkClue, int], ...]:
    """The bin of each clue for every link of a chain, from the head."""
    centres = np.array([body.centre_mm for body in chain])
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    heights = np.array([body.length_mm for body in chain])
    ratios = [float(height) / usual(heights, index) for index, height in enumerate(heights)]
    found = []
    for index, step in enumerate(steps):
        low, high = sorted(ratios[index : index + 2])
        bins = {
            LinkClue.STEP: bisect_right(_STEP_EDGES, float(step) / usual(steps, index)),
            LinkClue.HIGH: bisect_right(_HIGH_EDGES, high),
            LinkClue.LOW: bisect_right(_LOW_EDGES, low),
            LinkClue.PART: _part(chain[index]),
        }
        is_end = index in {0, len(steps) - 1}
        found.append({clue: bin_ + (LINK_BINS[clue] // 2 if is_end else 0) for clue, bin_ in bins.items()})
    return tuple(found)


def _part(body: Evidence) -> int:
    votes = (body.cervical, body.thoracic, body.lumbar, body.sacral)
    return max(range(_PARTS), key=votes.__getitem__)
