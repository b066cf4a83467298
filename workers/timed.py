"""A function whose calls are timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
ReturnT = TypeVar("ReturnT")


class Timed(Generic[P, ReturnT]):
    """Does what `call` does, and adds up for how long, in `seconds`; `None` before the first call."""

    def __init__(self, call: Callable[P, ReturnT], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._call = call
        self._monotonic = monotonic
        self.seconds: float | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> ReturnT:
        """The call, timed also where it raises."""
        started = self._monotonic()
        try:
            return self._call(*args, **kwargs)
        finally:
            self.seconds = (self.seconds or 0.0) + self._monotonic() - started
