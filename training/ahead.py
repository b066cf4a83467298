"""Things are drawn or read by a process of their own while the one before is looked at."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")

#: Things that wait: more would only take memory.
_WAITING = 2


def drawn_ahead(draws: Iterable[Callable[[], Thing]]) -> Iterator[Thing]:
    """What each call gives, in their order; a process of its own must be able to take the calls over."""
    left = iter(draws)
    first = list(islice(left, _WAITING))
    if not first:
        return
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = deque(pool.submit(draw) for draw in first)
        while waiting:
            thing = waiting.popleft().result()
            waiting.extend(pool.submit(draw) for draw in islice(left, 1))
            yield thing
