"""Cases are drawn or read by a process of their own while networks look at the one before."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice

from training.evaluation.case import Case

#: Cases that wait: more would only take memory.
_WAITING = 2


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
    if not sources:
        return
    left = iter(sources)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = deque(pool.submit(source.draw) for source in islice(left, _WAITING))
        while waiting:
            case = waiting.popleft().result()
            waiting.extend(pool.submit(source.draw) for source in islice(left, 1))
            yield case
