"""Height loss of vertebral bodies against what their shape and their neighbours let expect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from models.heights import BodyHeights
from node.domain.height_loss import MILD_FROM_PERCENT, Deformity, HeightLoss
from node.domain.levels import VertebralLevel

#: Height in front over height behind of a healthy body: thoracic ones are a little wedged, lower lumbar ones the other
#: way round (plausible choice).
_NATURAL_WEDGE: Mapping[VertebralLevel, float] = {
    **{level: 0.96 for level in VertebralLevel if level.is_thoracic},
    VertebralLevel.L1: 0.98,
    VertebralLevel.L2: 1.01,
    VertebralLevel.L3: 1.03,
    VertebralLevel.L4: 1.06,
    VertebralLevel.L5: 1.12,
    VertebralLevel.L6: 1.12,
}

#: Height in the middle over height behind of a healthy body, whose endplates are hollow (plausible choice).
_NATURAL_HOLLOW = 0.9

#: Neighbours that tell what to expect: so many above and below.
_REACH = 5

#: Bodies of natural shape that are added to the neighbours, so that a few odd ones do not make odd the norm.
_ADDED = 2

#: A height is expected from no fewer neighbours; posterior heights grow from one to the next by up to so much, mm.
_LEAST_NEIGHBOURS = 3
_MOST_GROWTH_MM = 1.5

#: Spread of healthy bodies about what is expected, share of it: by the ratios and by the heights of neighbours. On
#: synthetic chest CT at slices of 1 mm, where hardly any of it is the measurement, 0.035, 0.044 and 0.07.
_SPREAD: Mapping[Deformity, float] = {Deformity.WEDGE: 0.035, Deformity.BICONCAVE: 0.045, Deformity.CRUSH: 0.07}

#: In thick slices a body is fractured from this loss on, percent: of 417 whole bodies there 2 seemed to have lost as
#: much, and 28 of 37 that had lost 40 % or more. A loss of 20 % that is sure (95 %) was seen in 12 of those 37.
THICK_FROM_PERCENT = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredBody:
    """A body of the chain: its name, if it has one, its place in the chain, from the head, and its heights."""

    level: VertebralLevel | None
    place: int
    heights: BodyHeights

    @property
    def wedge(self) -> float | None:
        """Height in front over height behind, over what is natural at its level; `None` without a level."""
        if self.level is None:
            return None
        return self.heights.anterior / self.heights.posterior / _NATURAL_WEDGE[self.level]

    @property
    def hollow(self) -> float:
        """Height in the middle over height behind, over what is natural."""
        return self.heights.middle / self.heights.posterior / _NATURAL_HOLLOW

    @property
    def mean(self) -> float:
        """Mean of the heights in front, as it were without its natural wedge, and behind, mm."""
        natural = _NATURAL_WEDGE[self.level or VertebralLevel.L1]
        return 0.5 * (self.heights.anterior / natural + self.heights.posterior)


def height_loss(body: MeasuredBody, chain: Sequence[MeasuredBody]) -> HeightLoss | None:
    """The largest of a body's losses in front, in the middle and everywhere; `None` where it has no level.

    What is expected follows the patient's own neighbours by medians, so that several of them may be fractured: their
    ratios to the posterior height, and a line through their heights (Theil-Sen). A body is crushed where its back is
    too low, and its front as well.

    Parameters
    ----------
    body
        Whose loss it is.
    chain
        All bodies with heights; the body itself does not count.
    """
    if body.wedge is None:
        return None
    others = [other for other in chain if 0 < abs(other.place - body.place) <= _REACH]
    losses = {
        Deformity.WEDGE: 1.0 - body.wedge / _usual([other.wedge for other in others if other.wedge is not None]),
        Deformity.BICONCAVE: 1.0 - body.hollow / _usual([other.hollow for other in others]),
    }
    if len(others) >= _LEAST_NEIGHBOURS:
        places = [other.place - body.place for other in others]
        behind = body.heights.posterior / _interpolated(places, [other.heights.posterior for other in others])
        both = body.mean / _interpolated(places, [other.mean for other in others])
        losses[Deformity.CRUSH] = 1.0 - max(behind, both)
    worst = max(losses, key=lambda deformity: losses[deformity])
    return HeightLoss(
        deformity=worst,
        percent=100.0 * losses[worst],
        standard_uncertainty=100.0 * math.hypot(_SPREAD[worst], _measured_share(body.heights, worst)),
        fractured_from=THICK_FROM_PERCENT if body.heights.thick else MILD_FROM_PERCENT,
    )


def _usual(ratios: Sequence[float]) -> float:
    return median((*ratios, *(1.0 for _ in range(_ADDED))))


def _interpolated(places: Sequence[int], heights: Sequence[float]) -> float:
    """The height at place 0 of a line through the heights at other places, mm; half of them may be wrong."""
    slope = median(
        (heights[second] - heights[first]) / (places[second] - places[first])
        for first, second in combinations(range(len(places)), 2)
    )
    slope = min(max(slope, 0.0), _MOST_GROWTH_MM)
    return median(height - slope * place for place, height in zip(places, heights, strict=True))


def _measured_share(heights: BodyHeights, deformity: Deformity) -> float:
    """What the uncertainty of the heights adds to that of a loss, share of the expected height."""
    front, middle, rear = heights.uncertainty
    behind = rear / heights.posterior
    match deformity:
        case Deformity.WEDGE:
            return math.hypot(front / heights.anterior, behind) * heights.anterior / heights.posterior
        case Deformity.BICONCAVE:
            return math.hypot(middle / heights.middle, behind) * heights.middle / heights.posterior
        case Deformity.CRUSH:
            return behind
