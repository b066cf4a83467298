"""When failed work is tried again: a value that a pure function decides."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from node.domain.state import WorkEvent
from node.domain.work import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often work is tried and how long it waits in between.

    Parameters
    ----------
    attempts
        Tries in all, the first included.
    first_delay_s, longest_delay_s
        Wait before the second try, doubled from try to try up to the longest.
    jitter
        Share of the delay, 0 to 1, that chance takes away, so that what failed together does not come back together.
    worker_losses
        So many workers lost with the work in hand put it into quarantine.
    """

    attempts: int = 5
    first_delay_s: float = 5.0
    longest_delay_s: float = 900.0
    jitter: float = 0.5
    worker_losses: int = 3

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.worker_losses < 1:
            raise ValueError("work must be tried at least once")
        if not 0 < self.first_delay_s <= self.longest_delay_s or not 0 <= self.jitter <= 1:
            raise ValueError("delays must be positive and ascend, and jitter lie from 0 to 1")


#: How each stage is tried again. A network that fails, fails soon again; a PACS may be away for a night or a weekend:
#: a hundred tries at up to half an hour last for about two days, and the breaker spares most of them.
RETRIES: dict[Stage, RetryPolicy] = {
    Stage.SEGMENT: RetryPolicy(attempts=6, first_delay_s=10.0, longest_delay_s=600.0),
    Stage.SCREEN_BMD: RetryPolicy(attempts=6, first_delay_s=10.0, longest_delay_s=600.0),
    Stage.ENCODE: RetryPolicy(attempts=6, first_delay_s=5.0, longest_delay_s=600.0),
    Stage.PICTURE: RetryPolicy(attempts=3, first_delay_s=10.0, longest_delay_s=600.0),
    Stage.ENCODE_PICTURE: RetryPolicy(attempts=6, first_delay_s=5.0, longest_delay_s=600.0),
    Stage.DELIVER: RetryPolicy(attempts=100, first_delay_s=5.0, longest_delay_s=1800.0),
    Stage.DELIVER_PICTURE: RetryPolicy(attempts=100, first_delay_s=5.0, longest_delay_s=1800.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """What happens to failed work, and how long it waits."""

    event: WorkEvent
    delay: datetime.timedelta = datetime.timedelta(0)


def after_failure(policy: RetryPolicy, *, attempts: int, permanent: bool, chance: float) -> RetryDecision:
    """What to do after the try number `attempts` failed.

    Parameters
    ----------
    attempts
        Tries so far, the failed one included.
    permanent
        Whether trying again cannot help.
    chance
        A random number from 0 to 1.
    """
    if permanent or attempts >= policy.attempts:
        return RetryDecision(event=WorkEvent.GIVEN_UP)
    return RetryDecision(event=WorkEvent.FAILED, delay=_backoff(policy, attempts, chance))


def after_worker_loss(policy: RetryPolicy, *, losses: int, chance: float) -> RetryDecision:
    """What to do after the worker was lost for the time number `losses` with this work in hand."""
    if losses >= policy.worker_losses:
        return RetryDecision(event=WorkEvent.WORKER_LOST_TOO_OFTEN)
    return RetryDecision(event=WorkEvent.LEASE_EXPIRED, delay=_backoff(policy, losses, chance))


def _backoff(policy: RetryPolicy, tries: int, chance: float) -> datetime.timedelta:
    full = min(policy.first_delay_s * 2.0 ** min(tries - 1, 60), policy.longest_delay_s)
    return datetime.timedelta(seconds=full * (1 - policy.jitter * chance))
