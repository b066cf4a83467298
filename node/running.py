"""The door of every task: claims the work, keeps the lease alive, runs the stage, reports what came of it."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

from celery.exceptions import SoftTimeLimitExceeded

from node.domain.errors import NodeError, StaleLease, TransientFailure
from node.domain.ports import Clock, StageFunction, SystemClock, WorkLedger
from node.domain.pseudonym import Pseudonymizer
from node.domain.work import Failure, Lease, NotClaimed, StageOutcome
from node.observe.events import Event
from node.observe.logging import event

logger = logging.getLogger(__name__)

#: What `run` answers, for the task list.
DONE, NOT_CLAIMED, FAILED, STALE = "done", "not-claimed", "failed", "stale"

#: A lease is extended after this share of what is left of it, so that two heartbeats may fail before it is lost.
HEARTBEAT_SHARE = 1 / 3
SHORTEST_HEARTBEAT_S = 0.05
#: A finished stage is worth more than one try to report it.
REPORT_TRIES = 4
_REPORT_DELAY_S = 0.5


class LeaseRunner:
    """Does leased work once and reports it; adapter of `LeasedRunner`.

    Parameters
    ----------
    worker
        Name of this worker in leases and logs.
    """

    def __init__(
        self, ledger: WorkLedger, worker: str, *, pseudonyms: Pseudonymizer, clock: Clock | None = None
    ) -> None:
        self._ledger = ledger
        self._worker = worker
        self._pseudonyms = pseudonyms
        self._clock = clock or SystemClock()

    def run(self, work_id: int, stage: StageFunction) -> str:
        """Do a piece of work once; returns a word for the task list: done, not-claimed, failed or stale.

        Nothing is raised but the end of the process: the index has recorded what happened, or will find the lease
        expired.
        """
        try:
            claimed = self._ledger.claim(work_id, worker=self._worker)
        except Exception:
            logger.exception("work could not be claimed", extra=event(Event.WORK_FAILED, work_id=work_id))
            return FAILED
        if isinstance(claimed, NotClaimed):
            logger.info("work not claimed: %s", claimed.because, extra=event(Event.WORK_CLAIMED, work_id=work_id))
            return NOT_CLAIMED
        logger.info("work claimed", extra=self._event(Event.WORK_CLAIMED, claimed))
        started = time.monotonic()
        with _Heartbeat(self._ledger, claimed, self._clock) as heartbeat:
            result = self._try(claimed, stage, heartbeat)
        level = logging.INFO if result == DONE else logging.WARNING
        seconds = round(time.monotonic() - started, 3)
        logger.log(
            level, "work ended: %s", result, extra=self._event(_EVENT_OF[result], claimed) | {"seconds": seconds}
        )
        return result

    def _try(self, lease: Lease, stage: StageFunction, heartbeat: _Heartbeat) -> str:
        try:
            outcome = stage(lease)
            if heartbeat.lost:
                return STALE
            self._complete(lease, outcome)
        except StaleLease:
            return STALE
        except SystemExit:
            self._fail(lease, Failure(error="SystemExit", message="The worker was stopped.", permanent=False))
            raise
        except Exception as error:
            logger.exception(
                "work failed", extra=self._event(Event.WORK_FAILED, lease) | {"error": type(error).__name__}
            )
            return self._fail(lease, failure_of(error))
        return DONE

    def _complete(self, lease: Lease, outcome: StageOutcome) -> None:
        for last in (False,) * (REPORT_TRIES - 1) + (True,):
            try:
                return self._ledger.complete(lease, outcome)
            except TransientFailure:
                if last:
                    raise
                time.sleep(_REPORT_DELAY_S)
        return None

    def _fail(self, lease: Lease, failure: Failure) -> str:
        try:
            self._ledger.fail(lease, failure)
        except StaleLease:
            return STALE
        except Exception:  # the lease expires, and the index sees that
            logger.exception("a failure could not be reported", extra=self._event(Event.WORK_FAILED, lease))
        return FAILED

    def _event(self, name: Event, lease: Lease) -> dict[str, object]:
        item = lease.item
        return event(
            name,
            study=self._pseudonyms.of(item.study_uid),
            work_id=item.work_id,
            stage=item.stage,
            token=lease.token,
            worker=lease.worker,
        )


def failure_of(error: Exception) -> Failure:
    """What the index is told of an error.

    Only what cannot pass by itself is permanent. Of errors that are not ours the message is left out: it may quote
    what a header said.
    """
    name = type(error).__name__
    if isinstance(error, NodeError):
        return Failure(error=name, message=str(error), permanent=not isinstance(error, TransientFailure))
    if isinstance(error, SoftTimeLimitExceeded):
        return Failure(error=name, message="The task ran into its time limit.", permanent=False)
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":  # torch's, which the node must not import
        return Failure(error=name, message="There was not enough memory.", permanent=False)
    return Failure(error=name, message="An error that nobody foresaw; the worker's log has its trace.", permanent=False)


_EVENT_OF = {DONE: Event.WORK_DONE, FAILED: Event.WORK_FAILED, STALE: Event.LEASE_STALE}


class _Heartbeat:
    """A thread that extends a lease until it is told to stop, or learns that the lease is lost."""

    def __init__(self, ledger: WorkLedger, lease: Lease, clock: Clock) -> None:
        self._ledger = ledger
        self._lease = lease
        self._clock = clock
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{lease.item.work_id}", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether another worker holds the work by now."""
        return self._lost.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._interval_s()):
            try:
                self._lease = self._ledger.heartbeat(self._lease)
            except StaleLease:
                logger.warning("lease lost", extra=event(Event.LEASE_STALE, work_id=self._lease.item.work_id))
                self._lost.set()
                return
            except Exception:  # tried again at the next beat; complete() has the last word
                logger.exception("heartbeat failed", extra=event(Event.WORK_FAILED, work_id=self._lease.item.work_id))

    def _interval_s(self) -> float:
        left = (self._lease.expires_at - self._clock.now()).total_seconds()
        return max(left * HEARTBEAT_SHARE, SHORTEST_HEARTBEAT_S)
