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
    """One step. `phase` is what its time is reported under; several steps may share one."""

    phase: str
    apply: Callable[[ContextT], ContextT]


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
        timings[step.phase] = timings.get(step.phase, 0.0) + monotonic() - started
    return context, timings
