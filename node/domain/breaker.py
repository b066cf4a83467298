"""When a destination that does not answer is left alone for a while: a circuit breaker as a pure state machine."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """How patient a breaker is.

    Parameters
    ----------
    failures
        So many failures in a row open it.
    pause_s, longest_pause_s
        How long it stays open; doubled every time a probe fails, up to the longest.
    probe_s
        A probe that has not answered after this long counts as lost, and another is let through.
    """

    failures: int = 3
    pause_s: float = 30.0
    longest_pause_s: float = 600.0
    probe_s: float = 120.0

    def __post_init__(self) -> None:
        if self.failures < 1:
            raise ValueError(f"a breaker must stand at least one failure, got {self.failures}")
        if not 0 < self.pause_s <= self.longest_pause_s or self.probe_s <= 0:
            raise ValueError("the pauses of a breaker must be positive and ascend, and its probe must have time")


class BreakerState(StrEnum):
    """Whether a destination is asked."""

    CLOSED = "closed"  # all goes through
    OPEN = "open"  # nothing goes through before the pause is over
    PROBING = "probing"  # one is under way to see whether the destination answers again


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is known about one destination.

    `failures` counts those in a row. `retry_at` is when the next probe may go, `None` where the breaker is closed.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    retry_at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        if (self.state is BreakerState.CLOSED) != (self.retry_at is None):
            raise ValueError(f"a breaker, unless it is closed, must know when to try again, got {self!r}")


def refuses_until(breaker: Breaker, *, now: datetime.datetime) -> datetime.datetime | None:
    """When to ask again, or `None` where a delivery may be tried now."""
    if breaker.retry_at is None or now >= breaker.retry_at:
        return None
    return breaker.retry_at


def admitted(breaker: Breaker, policy: BreakerPolicy, *, now: datetime.datetime) -> Breaker:
    """The breaker after a delivery was let through; where it was not closed, that one is the probe."""
    if breaker.state is BreakerState.CLOSED:
        return breaker
    return Breaker(
        state=BreakerState.PROBING,
        failures=breaker.failures,
        retry_at=now + datetime.timedelta(seconds=policy.probe_s),
    )


def after_success() -> Breaker:
    """The breaker after the destination answered, whatever it was before."""
    return Breaker()


def after_failure(breaker: Breaker, policy: BreakerPolicy, *, now: datetime.datetime) -> Breaker:
    """The breaker after the destination could not be reached.

    Deliveries that were under way when it opened fail one after the other: they say nothing new.
    """
    if breaker.state is BreakerState.OPEN:
        return breaker
    failures = breaker.failures + 1
    if failures < policy.failures:
        return Breaker(failures=failures)
    doublings = min(failures - policy.failures, 60)
    pause = min(policy.pause_s * 2.0**doublings, policy.longest_pause_s)
    return Breaker(state=BreakerState.OPEN, failures=failures, retry_at=now + datetime.timedelta(seconds=pause))
