"""Work on several threads at the same time.

Pays where the time goes to SciPy and NumPy, which let go of the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def for_each(function: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """What the function says of every item, in their order, on as many threads as inference may use."""
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return list(pool.map(function, items))


def side_by_side(first: Callable[[], Item], second: Callable[[], Answer]) -> tuple[Item, Answer]:
    """What two functions that know nothing of each other return; one after the other where inference has one thread."""
    if torch.get_num_threads() == 1:
        return first(), second()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(second)
        try:
            return first(), beside.result()
        finally:
            # a future that failed holds this frame by its traceback, and with it a whole scan until the next collection
            del beside
