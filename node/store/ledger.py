"""The index as a worker sees it: leases with fencing tokens, completion, failure."""

from __future__ import annotations

import datetime
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, insert, select

from node.artefacts import LABEL_MAP, MEASUREMENT_PICTURE
from node.domain.destination import Destination
from node.domain.errors import StaleLease
from node.domain.ports import Clock
from node.domain.retries import RETRIES, RetryPolicy, after_failure
from node.domain.state import SETTLED, WorkEvent, WorkState
from node.domain.study import Priority
from node.domain.work import (
    PIPELINES,
    STAGES,
    Artefact,
    Failure,
    Lease,
    NotClaimed,
    Pool,
    Stage,
    StageOutcome,
    WorkItem,
    following,
)
from node.observe.events import Event
from node.observe.logging import event
from node.store.breakers import refuses_until
from node.store.engine import reading, writing
from node.store.enqueuing import Enqueuer
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.objects import add_deliveries, register
from node.store.schema import artefact, work
from node.store.work_table import NewWork, WorkRow, add_work, advance, load_work, lock_study, ready_ids, rows_of

logger = logging.getLogger(__name__)

#: Longest text of an error that is kept, characters.
ERROR_MAX_LENGTH = 500

#: What is made aside: after a stage, where an artefact of this name was left, another stage follows.
_ASIDE_AFTER = {
    Stage.ENCODE: (LABEL_MAP, Stage.PICTURE),
    Stage.PICTURE: (MEASUREMENT_PICTURE, Stage.ENCODE_PICTURE),
}

_CHANCE = random.SystemRandom().random


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPolicy:
    """What the ledger decides with.

    Parameters
    ----------
    lease_s
        A worker that is silent for this long has lost its work.
    destinations
        Where objects go; none in shadow mode.
    """

    lease_s: float = 60.0
    retries: Mapping[Stage, RetryPolicy] = field(default_factory=lambda: RETRIES)
    destinations: tuple[Destination, ...] = ()

    def __post_init__(self) -> None:
        if self.lease_s <= 0:
            raise ValueError(f"a lease must last, got {self.lease_s} s")


class SqlWorkLedger:
    """Adapter of `node.domain.ports.WorkLedger`.

    Parameters
    ----------
    chance
        Gives random numbers from 0 to 1, for jitter.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        *,
        enqueuer: Enqueuer,
        policy: LedgerPolicy,
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._enqueuer = enqueuer
        self._policy = policy
        self._chance = chance

    def claim(self, work_id: int, *, worker: str) -> Lease | NotClaimed:
        """Take the lease of a piece of work whose turn it is; see the port."""
        now = self._clock.now()
        with writing(self._engine) as connection:
            row = load_work(connection, work_id)
            if row is None:
                return NotClaimed(because="the index knows no such work")
            because = _not_now(row, now) or _destination_rests(connection, row, now)
            if because:
                return NotClaimed(because=because)
            expires_at = self._expiry(row.item, claimed_at=now, now=now)
            token = row.token + 1
            columns = {"token": token, "attempts": row.attempts + 1, "worker": worker, "claimed_at": now}
            if not advance(connection, row, WorkEvent.CLAIMED, due_at=expires_at, **columns):
                return NotClaimed(because="another worker was quicker")
            note(connection, _entry(row.item, HistoryKind.CLAIMED, at=now, detail=f"try {row.attempts + 1}"))
        return Lease(item=row.item, token=token, worker=worker, expires_at=expires_at)

    def heartbeat(self, lease: Lease) -> Lease:
        """Extend a lease, at most to the time limit of its stage; see the port."""
        now = self._clock.now()
        with writing(self._engine) as connection:
            row = _held(connection, lease)
            expires_at = self._expiry(row.item, claimed_at=row.claimed_at or now, now=now)
            if expires_at <= now:
                raise StaleLease("the work ran past its time limit; another worker will take it")
            extend = work.update().where(work.c.work_id == row.item.work_id, work.c.token == lease.token)
            connection.execute(extend.values(due_at=expires_at))
        return Lease(item=lease.item, token=lease.token, worker=lease.worker, expires_at=expires_at)

    def artefacts(self, item: WorkItem) -> tuple[Artefact, ...]:
        """What the finished stages of the same pipeline, study and revision left, in the order of the stages."""
        with reading(self._engine) as connection:
            return _artefacts_of(connection, item)

    def complete(self, lease: Lease, outcome: StageOutcome) -> None:
        """Record a finished stage and what follows from it, then queue that; see the port."""
        now = self._clock.now()
        item = lease.item
        with writing(self._engine) as connection:
            lock_study(connection, item.study_uid)
            row = _held(connection, lease)
            columns = {"ended_at": now, "timings_s": dict(outcome.timings_s), "note": outcome.note, "last_error": ""}
            if not advance(connection, row, WorkEvent.COMPLETED, due_at=None, **columns):
                raise StaleLease
            _keep_artefacts(connection, item, outcome)
            self._add_following(connection, item, outcome, now)
            note(connection, _entry(item, HistoryKind.DONE, at=now, detail=outcome.note))
            ready = ready_ids(connection, item.study_uid, item.revision)
        self._enqueuer.send(ready, now=now)

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Record a failed try and decide when the next one is; see the port."""
        now = self._clock.now()
        with writing(self._engine) as connection:
            row = _held(connection, lease)
            decision = after_failure(
                self._policy.retries[row.item.stage],
                attempts=row.attempts,
                permanent=failure.permanent,
                chance=self._chance(),
            )
            again = decision.event is WorkEvent.FAILED
            told = f"{failure.error}: {failure.message}"[:ERROR_MAX_LENGTH]
            columns = {"last_error": told, "ended_at": None if again else now}
            if not advance(connection, row, decision.event, due_at=now + decision.delay if again else None, **columns):
                raise StaleLease
            what = HistoryKind.FAILED if again else HistoryKind.GIVEN_UP
            note(connection, _entry(row.item, what, at=now, detail=told))
        if not again:
            _tell_given_up(row, failure)

    def _expiry(self, item: WorkItem, *, claimed_at: datetime.datetime, now: datetime.datetime) -> datetime.datetime:
        latest = claimed_at + datetime.timedelta(seconds=STAGES[item.stage].time_limit_s)
        return min(now + datetime.timedelta(seconds=self._policy.lease_s), latest)

    def _add_following(
        self, connection: Connection, item: WorkItem, outcome: StageOutcome, now: datetime.datetime
    ) -> None:
        if STAGES[item.stage].pool is Pool.ENCODE:
            kept = register(connection, item, outcome.objects, now=now)
            add_deliveries(connection, item, kept, destinations=self._policy.destinations, now=now)
        if item.stage in _ASIDE_AFTER:
            needed, stage_aside = _ASIDE_AFTER[item.stage]
            if any(each.name == needed for each in _artefacts_of(connection, item)):
                # No other study waits for a picture.
                _add_stage(connection, item, stage_aside, priority=Priority.BACKFILL, now=now)
        if item.stage in PIPELINES[item.pipeline]:
            stage = following(item.pipeline, item.stage, assessable=outcome.assessable)
            if stage is not None:
                _add_stage(connection, item, stage, priority=item.priority, now=now)


def _not_now(row: WorkRow, now: datetime.datetime) -> str:
    """Why work must not be claimed now; empty where it may be."""
    if row.state in SETTLED:
        return f"the work is {row.state}"
    if row.state is WorkState.RUNNING:
        return "another worker holds the work"
    if row.state is WorkState.READY and row.due_at is not None and row.due_at > now:
        return f"the work is not due before {row.due_at.isoformat(timespec='seconds')}"
    return ""


def _destination_rests(connection: Connection, row: WorkRow, now: datetime.datetime) -> str:
    """Why a delivery waits for its destination's breaker; the delivery is then due when the breaker lets one through.

    Only looked at here: who delivers asks the breaker itself, and is the probe where it was open.
    """
    if row.item.destination is None:
        return ""
    until = refuses_until(connection, row.item.destination, now=now)
    if until is None:
        return ""
    if not advance(connection, row, WorkEvent.MESSAGE_LOST, due_at=until):
        ready = work.update().where(work.c.work_id == row.item.work_id, work.c.state == WorkState.READY)
        connection.execute(ready.values(due_at=until))
    return f"the destination does not answer; asked again at {until.isoformat(timespec='seconds')}"


def _held(connection: Connection, lease: Lease) -> WorkRow:
    """The leased work, where the lease still holds."""
    query = select(work).where(work.c.work_id == lease.item.work_id).with_for_update()
    row = next(iter(rows_of(connection, query)), None)
    if row is None or row.state is not WorkState.RUNNING or row.token != lease.token:
        raise StaleLease
    return row


def _tell_given_up(row: WorkRow, failure: Failure) -> None:
    extra = event(
        Event.WORK_GIVEN_UP,
        work_id=row.item.work_id,
        revision=row.item.revision,
        stage=row.item.stage,
        destination=row.item.destination or "",
        attempt=row.attempts,
        error=failure.error,
    )
    logger.error("work given up", extra=extra)


def _artefacts_of(connection: Connection, item: WorkItem) -> tuple[Artefact, ...]:
    query = (
        select(artefact)
        .join(work, work.c.work_id == artefact.c.work_id)
        .where(
            work.c.study_uid == item.study_uid,
            work.c.revision == item.revision,
            work.c.pipeline == item.pipeline,
            work.c.state == WorkState.DONE,
        )
        .order_by(artefact.c.work_id, artefact.c.name)
    )
    return tuple(
        Artefact(name=row.name, file=row.file, digest=row.digest, size=row.size) for row in connection.execute(query)
    )


def _add_stage(
    connection: Connection, item: WorkItem, stage: Stage, *, priority: Priority, now: datetime.datetime
) -> None:
    """Another stage of the same pipeline, study and revision."""
    new = NewWork(
        study_uid=item.study_uid,
        revision=item.revision,
        pipeline=item.pipeline,
        stage=stage,
        priority=priority,
        series_uid=item.series_uid,
    )
    add_work(connection, new, now=now)


def _keep_artefacts(connection: Connection, item: WorkItem, outcome: StageOutcome) -> None:
    rows = [
        {"work_id": item.work_id, "name": each.name, "file": each.file, "digest": each.digest, "size": each.size}
        for each in outcome.artefacts
    ]
    if rows:
        connection.execute(insert(artefact), rows)


def _entry(item: WorkItem, what: HistoryKind, *, at: datetime.datetime, detail: str = "") -> HistoryEntry:
    return HistoryEntry(
        at=at, study_uid=item.study_uid, revision=item.revision, work_id=item.work_id, what=what, detail=detail
    )
