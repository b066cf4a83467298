"""Which vertebrae a statement rests on where L1 or L2 cannot be measured."""

from __future__ import annotations

from collections.abc import Sequence

from node.domain.finding import VertebraFinding
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.measurement import Quantity

#: The uncalibrated statement rests on this one alone: its limits in HU hold for no other.
SCREENED = VertebralLevel.L1

#: The highest two of these that have a density give a category: its limits hold for the mean of two lumbar vertebrae
#: (Chinese expert consensus, PMC7495321, table 2), which are L1 to L3 where QCT is done.
LUMBAR = (VertebralLevel.L1, VertebralLevel.L2, VertebralLevel.L3)
_CATEGORISED = 2


def levels_of_category(vertebrae: Sequence[VertebraFinding]) -> tuple[VertebralLevel, ...]:
    """The two levels that the category rests on; none where fewer have a density."""
    known = _with_density(vertebrae)
    return known[:_CATEGORISED] if len(known) >= _CATEGORISED else ()


def one_alone(vertebrae: Sequence[VertebraFinding]) -> str | None:
    """What a report says where a single lumbar vertebra has a density, and so no category."""
    known = _with_density(vertebrae)
    if len(known) != 1:
        return None
    return (
        f"{known[0]} alone of {LUMBAR[0]} to {LUMBAR[-1]} has a density: the limits of 80 and 120 mg/cm3 hold for the "
        "mean of two, so it gives no category."
    )


def offered_instead(vertebrae: Sequence[VertebraFinding]) -> VertebralLevel | None:
    """The nearest measured vertebra where L1 is not measured; of two as near the lower one, a lumbar one like L1."""
    measured = [found.level for found in vertebrae if found.value(Quantity.CORE_MEAN_HU) is not None and found.level]
    if SCREENED in measured or not measured:
        return None
    # a transitional vertebra takes a place only where there is one
    order = [level for level in VertebralLevel if level in USUAL_LEVELS or level in measured]
    place = order.index(SCREENED)
    return min(measured, key=lambda level: (abs(order.index(level) - place), -order.index(level)))


def _with_density(vertebrae: Sequence[VertebraFinding]) -> tuple[VertebralLevel, ...]:
    measured = {found.level for found in vertebrae if found.value(Quantity.BMD) is not None}
    return tuple(level for level in LUMBAR if level in measured)
