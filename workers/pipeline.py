"""A stage as an ordered tuple of steps: a frozen context goes in, a new one comes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from node.domain.reasons import Reason


class Context(Protocol):
    """What steps hand on."""

    @property
    def reason(self) -> Reason | None:
        """Why nothing can be assessed; the steps that follow are left out then."""
        ...


ContextT = TypeVar("ContextT", bound=Context)


@dataclass(frozen=True, slots=True)
class Step(Generic[ContextT]):
    """One step. `phase` is what its time is reported under; several steps may share one. `part` is what of the phase is
    reported once more by itself.
    """

    phase: str
    apply: Callable[[ContextT], ContextT]
    part: str | None = None


def run_steps(
    steps: tuple[Step[ContextT], ...], context: ContextT, *, monotonic: Callable[[], float] = time.monotonic
) -> tuple[ContextT, dict[str, float]]:
    """The context after the last step that was needed, and seconds by phase.

    Nothing of an earlier context is kept here, so that a step can let go of a large array.
    """
    timings: dict[str, float] = {}
    for step in steps:
        if context.reason is not None:
            break
        started = monotonic()
        context = step.apply(context)
        seconds = monotonic() - started
        for name in (step.phase, step.part):
            if name is not None:
                timings[name] = timings.get(name, 0.0) + seconds
    return context, timings
