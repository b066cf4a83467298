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
