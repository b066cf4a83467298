"""Every place in a spine that a chain of bodies could have."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from node.domain.levels import VertebralLevel

#: Thoracic and lumbar vertebrae, and how common that is. Plausible choices near what was seen in whole spines: 3.3 %
#: had one movable vertebra less than 24, 4.3 % one more, and 3.3 % a transitional one [1]; 4.1 % had eleven thoracic
#: and five lumbar ones, 1.7 % eleven and six, 3.8 % twelve and six [2].
#:
#: References
#: ----------
#: [1] Tins BJ, Balain B. Insights Imaging 2016;7:199-203 (420 persons, magnetic resonance imaging).
#: [2] Rate of presence of 11 thoracic vertebrae and 6 lumbar vertebrae. J Orthop Surg Res 2018;13:124 (293 persons).
VARIANTS: tuple[tuple[int, int, float], ...] = (
    (12, 5, 0.883),
    (11, 5, 0.03),
    (13, 5, 0.015),
    (12, 4, 0.02),
    (12, 6, 0.03),
    (11, 6, 0.015),
    (13, 4, 0.007),
)

USUAL_THORACIC, USUAL_LUMBAR = 12, 5

_CERVICAL = 6  # bodies above T1 that a chain may begin with: C2 to C7
_SACRAL = 2  # S1, and a second one that was cut off the sacrum

#: All that says which placements there are.
LIMITS = (VARIANTS, _CERVICAL, _SACRAL)

#: Places of the usual spine, for sizes: T1 is 0, T12 is 11, L1 is 12, L5 is 16.
FIRST_PLACE, LAST_THORACIC_PLACE, LAST_PLACE = 0.0, 11.0, 16.0


class Kind(StrEnum):
    """What a vertebra is expected to show."""

    CERVICAL = "cervical"
    FIRST_THORACIC = "first thoracic"
    THORACIC = "thoracic"
    LAST_BUT_ONE_THORACIC = "last but one thoracic"
    LAST_THORACIC = "last thoracic"
    FIRST_LUMBAR = "first lumbar"
    LUMBAR = "lumbar"
    LAST_LUMBAR = "last lumbar"
    SACRAL = "sacral"


#: The kinds that bear no long ribs: all below the last thoracic one.
BELOW_RIBS = frozenset({Kind.FIRST_LUMBAR, Kind.LUMBAR, Kind.LAST_LUMBAR, Kind.SACRAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One vertebra of a spine.

    Parameters
    ----------
    kind
        What it is expected to show.
    level
        Its name; `None` above T1 and below the last lumbar one.
    size_place
        Which vertebra of the usual spine it is as large as: 0 for T1 to 16 for L5, -1 above and 17 below.
    """

    kind: Kind
    level: VertebralLevel | None
    size_place: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One way in which a chain of bodies, from head to foot, lies in a spine.

    Parameters
    ----------
    thoracic, lumbar
        How many vertebrae of the kind that spine has.
    log_prior
        Logarithm of how common such spines are.
    """

    places: tuple[Place, ...]
    thoracic: int
    lumbar: int
    log_prior: float

    @property
    def levels(self) -> tuple[VertebralLevel | None, ...]:
        """The names of the bodies."""
        return tuple(place.level for place in self.places)

    @property
    def counts_from_first_thoracic(self) -> bool:
        """Whether T1 alone says that there are not twelve thoracic vertebrae: the lumbar ones are the usual five."""
        return self.thoracic != USUAL_THORACIC and self.lumbar == USUAL_LUMBAR

    @property
    def shows_first_thoracic(self) -> bool:
        """Whether the chain reaches up to T1, from where thoracic vertebrae can be counted."""
        return any(place.kind is Kind.FIRST_THORACIC for place in self.places)


def placements(count: int) -> tuple[Placement, ...]:
    """All placements of a chain of so many bodies; none where it is longer than any spine.

    Spines with eleven or thirteen thoracic vertebrae are among them only where the chain reaches T1, or down to a last
    lumbar vertebra that is not the fifth: elsewhere they look like the usual one, and thoracic vertebrae are counted
    from the last as the twelfth.
    """
    found = []
    for thoracic, lumbar, share in VARIANTS:
        spine = spine_of(thoracic, lumbar)
        for first in range(len(spine) - count + 1):
            placement = Placement(
                places=spine[first : first + count], thoracic=thoracic, lumbar=lumbar, log_prior=math.log(share)
            )
            if thoracic == USUAL_THORACIC or tells_thoracic(placement.places, lumbar):
                found.append(placement)
    return tuple(found)


def tells_thoracic(places: Iterable[Place | None], lumbar: int) -> bool:
    """Whether places of a spine with so many lumbar vertebrae can tell how many thoracic ones it has."""
    kinds = {place.kind for place in places if place is not None}
    return Kind.FIRST_THORACIC in kinds or (Kind.LAST_LUMBAR in kinds and lumbar != USUAL_LUMBAR)


def spine_of(thoracic: int, lumbar: int) -> tuple[Place, ...]:
    """A spine with so many thoracic and lumbar vertebrae, from head to foot, some cervical and sacral ones with it."""
    places = [Place(kind=Kind.CERVICAL, level=None, size_place=FIRST_PLACE - 1.0)] * _CERVICAL
    kinds = {
        1: Kind.FIRST_THORACIC,
        thoracic - 1: Kind.LAST_BUT_ONE_THORACIC,
        thoracic: Kind.LAST_THORACIC,
    }
    for number in range(1, thoracic + 1):
        share = (number - 1) / (thoracic - 1)
        places.append(
            Place(
                kind=kinds.get(number, Kind.THORACIC),
                level=VertebralLevel(f"T{number}"),
                size_place=FIRST_PLACE + share * (LAST_THORACIC_PLACE - FIRST_PLACE),
            )
        )
    first_lumbar = LAST_THORACIC_PLACE + 1.0
    for number in range(1, lumbar + 1):
        share = (number - 1) / (lumbar - 1)
        places.append(
            Place(
                kind={1: Kind.FIRST_LUMBAR, lumbar: Kind.LAST_LUMBAR}.get(number, Kind.LUMBAR),
                level=VertebralLevel(f"L{number}"),
                size_place=first_lumbar + share * (LAST_PLACE - first_lumbar),
            )
        )
    return (*places, *[Place(kind=Kind.SACRAL, level=None, size_place=LAST_PLACE + 1.0)] * _SACRAL)
