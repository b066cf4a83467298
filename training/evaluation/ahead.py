"""Cases are drawn or read by a process of their own while networks look at the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from training.ahead import drawn_ahead
from training.evaluation.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSource:
    """Where a case comes from.

    Parameters
    ----------
    key
        Tells it from the other cases of an evaluation.
    draw
        Gives the case; a process of its own must be able to take it over.
    """

    key: str
    draw: Callable[[], Case]


def cases_ahead(sources: Sequence[CaseSource]) -> Iterator[Case]:
    """The cases in the order of their sources."""
    return drawn_ahead(source.draw for source in sources)
