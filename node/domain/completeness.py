"""When a study that is still arriving counts as complete."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.domain.reasons import Reason, ReasonCode
from node.domain.stack import stack_slices
from node.domain.study import Series

SECOND = datetime.timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletenessPolicy:
    """How long the node waits for more images; all times in seconds.

    Parameters
    ----------
    study_quiet_s
        Nothing arrived for the study for this long.
    series_quiet_s
        A series in which slices are missing is waited for until nothing arrived for it for this long. Some are made
        with gaps, and shall not hold the study for the longest wait.
    longest_wait_s
        A revision is closed this long after its first image whatever is missing.
    """

    study_quiet_s: float = 60.0
    series_quiet_s: float = 300.0
    longest_wait_s: float = 1800.0

    def __post_init__(self) -> None:
        if min(self.study_quiet_s, self.series_quiet_s) < 0 or self.longest_wait_s < self.study_quiet_s:
            raise ValueError("waiting times must not be negative, and the longest wait not below the quiet period")


class CompletionCause(StrEnum):
    """Why a revision was closed."""

    QUIET = "quiet"
    LONGEST_WAIT = "longest-wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """The revision can be closed now."""

    cause: CompletionCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The revision waits, at the latest until `until`, and says for what."""

    until: datetime.datetime
    waits_for: str


def misses_slices(series: Series) -> bool:
    """Whether the series' slices lie at uneven steps, as they do while some are still under way.

    A localizer, a tilted stack or a series without positions has no gap that one could see.
    """
    placed = [
        (instance.facts.position, instance.facts.orientation)
        for instance in series.instances
        if instance.facts.position is not None and instance.facts.orientation is not None
    ]
    if len(placed) < len(series.instances):
        return False
    stack = stack_slices([position for position, _ in placed], [orientation for _, orientation in placed])
    return isinstance(stack, Reason) and stack.code is ReasonCode.MISSING_SLICES


def by_time(
    policy: CompletenessPolicy,
    *,
    opened_at: datetime.datetime,
    last_at: datetime.datetime,
    now: datetime.datetime,
) -> Complete | Waiting | None:
    """What the clock alone says of a revision; `None` where the images must be looked at.

    Parameters
    ----------
    opened_at
        When the revision's first image arrived.
    last_at
        When its last image up to now arrived.
    """
    deadline = opened_at + policy.longest_wait_s * SECOND
    if now >= deadline:
        return Complete(cause=CompletionCause.LONGEST_WAIT)
    quiet_at = last_at + policy.study_quiet_s * SECOND
    if now < quiet_at:
        return Waiting(until=min(quiet_at, deadline), waits_for="more images: the quiet period runs")
    return None


def completeness(
    series: Sequence[Series],
    policy: CompletenessPolicy,
    *,
    opened_at: datetime.datetime,
    now: datetime.datetime,
) -> Complete | Waiting:
    """Whether a revision can be closed.

    Parameters
    ----------
    series
        What has arrived of the study up to now, at least one series.
    opened_at
        When the revision's first image arrived.
    """
    deadline = opened_at + policy.longest_wait_s * SECOND
    told = by_time(policy, opened_at=opened_at, last_at=max(map(_last_at, series)), now=now)
    if told is not None:
        return told
    patience = policy.series_quiet_s * SECOND
    awaited = [_last_at(each) + patience for each in series if now < _last_at(each) + patience and misses_slices(each)]
    if awaited:
        until = min(deadline, max(awaited))
        return Waiting(until=until, waits_for=f"missing slices in {len(awaited)} of {len(series)} series")
    return Complete(cause=CompletionCause.QUIET)


def _last_at(series: Series) -> datetime.datetime:
    return max(instance.received_at for instance in series.instances)
