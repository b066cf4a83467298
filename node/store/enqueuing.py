"""Hands ready work to the broker: marked first, sent then, taken back where the broker does not take it."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from node.domain.errors import TransientFailure
from node.domain.ports import WorkQueue
from node.domain.state import WorkEvent, WorkState
from node.domain.study import Priority
from node.domain.work import Pool, Stage, WorkItem
from node.observe.events import Event
from node.observe.logging import event
from node.store.engine import reading, writing
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.schema import work
from node.store.work_table import WorkRow, advance, lane_of, load_work, rows_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolicy:
    """How much work is with the broker at a time.

    Parameters
    ----------
    window
        Messages of one lane and priority that may wait at the broker; the rest waits in the index, where a wiped broker
        cannot hurt it.
    message_s
        A message that nobody took after this long counts as lost, and is sent again; one too many does no harm.
    pause_s
        How long the broker is left alone after it refused a message.
    """

    window: int = 32
    message_s: float = 300.0
    pause_s: float = 5.0

    def __post_init__(self) -> None:
        if self.window < 1 or self.message_s <= 0 or self.pause_s < 0:
            raise ValueError("a window must hold a message, and the times of a queue be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How many messages the broker took, and how many it did not."""

    taken: int = 0
    refused: int = 0


class Enqueuer:
    """Sends what is ready; several processes may send at once, and each message goes out once.

    Parameters
    ----------
    destinations
        Names of those that have a worker, none in shadow mode: deliveries to others stay in the index, since nobody
        would take their messages.
    """

    def __init__(self, engine: Engine, queue: WorkQueue, policy: QueuePolicy, *, destinations: Iterable[str]) -> None:
        self._engine = engine
        self._queue = queue
        self._policy = policy
        self._lanes = lanes_with_workers(destinations)

    def send(self, work_ids: Sequence[int], *, now: datetime.datetime) -> Sent:
        """Queue the named work, as far as it is ready and due.

        Where the broker is down the work stays ready, and nothing is raised: the sweeper comes back to it.
        """
        if not work_ids:
            return Sent()
        with writing(self._engine) as connection:
            items = [item for work_id in work_ids if (item := self._mark(connection, work_id, now)) is not None]
        for number, item in enumerate(items):
            try:
                self._queue.send(item)
            except TransientFailure:
                logger.warning("broker unreachable", extra=event(Event.BROKER_UNREACHABLE, count=len(items) - number))
                self._take_back(items[number:], now)
                return Sent(taken=number, refused=len(items) - number)
            logger.info("work queued", extra=event(Event.WORK_QUEUED, work_id=item.work_id, stage=item.stage))
        return Sent(taken=len(items))

    def send_due(self, *, now: datetime.datetime) -> int:
        """Fill the window of every lane with what is due, urgent work first; returns how many messages went out."""
        taken = 0
        with reading(self._engine) as connection:
            lanes = tuple(lane for lane in ready_lanes(connection) if lane in self._lanes)
        for lane in lanes:
            for priority in Priority:
                sent = self.send(self._due(lane, priority, now), now=now)
                taken += sent.taken
                if sent.refused:
                    return taken
        return taken

    def return_lost(self, *, now: datetime.datetime) -> int:
        """Make work ready again whose message nobody took in time; returns how many."""
        with reading(self._engine) as connection:
            if not rows_of(connection, overdue(WorkState.QUEUED, now, limit=1)):
                return 0
        with writing(self._engine) as connection:
            lost = rows_of(connection, overdue(WorkState.QUEUED, now))
            return sum(self._return(connection, row, now) for row in lost)

    def _return(self, connection: Connection, row: WorkRow, now: datetime.datetime) -> bool:
        returned = advance(connection, row, WorkEvent.MESSAGE_LOST, due_at=now)
        if returned:
            logger.warning("message lost", extra=event(Event.MESSAGE_LOST, work_id=row.item.work_id))
            note(connection, _entry(row.item, HistoryKind.MESSAGE_LOST, now))
        return returned

    def _due(self, lane: str, priority: Priority, now: datetime.datetime) -> Sequence[int]:
        with reading(self._engine) as connection:
            room = self._policy.window - connection.execute(waiting(lane, priority)).scalar_one()
            return connection.execute(due(lane, priority, now, limit=room)).scalars().all() if room > 0 else ()

    def _mark(self, connection: Connection, work_id: int, now: datetime.datetime) -> WorkItem | None:
        row = load_work(connection, work_id)
        if row is None or row.due_at is None or row.due_at > now:
            return None
        if lane_of(row.item.stage, row.item.destination) not in self._lanes:
            return None
        deadline = now + datetime.timedelta(seconds=self._policy.message_s)
        return row.item if advance(connection, row, WorkEvent.ENQUEUED, due_at=deadline) else None

    def _take_back(self, items: Sequence[WorkItem], now: datetime.datetime) -> None:
        later = now + datetime.timedelta(seconds=self._policy.pause_s)
        with writing(self._engine) as connection:
            for item in items:
                row = load_work(connection, item.work_id)
                if row is not None:
                    advance(connection, row, WorkEvent.MESSAGE_LOST, due_at=later)


def lanes_with_workers(destinations: Iterable[str]) -> frozenset[str]:
    """The lanes that somebody takes work from: those of the stages, and one for each named destination."""
    stages = {str(pool) for pool in Pool if pool is not Pool.DELIVER}
    return frozenset(stages | {lane_of(Stage.DELIVER, name) for name in destinations})


def ready_lanes(connection: Connection) -> Iterator[str]:
    """The lanes that have ready work: one look into the index for each, however much work there is."""
    lane = ""
    while True:
        query = select(func.min(work.c.lane)).where(work.c.state == WorkState.READY, work.c.lane > lane)
        found = connection.execute(query).scalar()
        if found is None:
            return
        lane = found
        yield lane


def due(lane: str, priority: Priority, now: datetime.datetime, *, limit: int) -> Select[Any]:
    """Identifiers of the work of a lane that may be queued now, the longest due first."""
    return (
        select(work.c.work_id)
        .where(
            work.c.state == WorkState.READY,
            work.c.lane == lane,
            work.c.priority == priority,
            work.c.due_at <= now,
        )
        .order_by(work.c.due_at)
        .limit(limit)
    )


def waiting(lane: str, priority: Priority) -> Select[Any]:
    """How many messages of a lane wait at the broker."""
    return (
        select(func.count())
        .select_from(work)
        .where(work.c.state == WorkState.QUEUED, work.c.lane == lane, work.c.priority == priority)
    )


def overdue(state: WorkState, now: datetime.datetime, *, limit: int = 500) -> Select[Any]:
    """The work that stayed in a state past its deadline."""
    return select(work).where(work.c.state == state, work.c.due_at <= now).order_by(work.c.due_at).limit(limit)


def _entry(item: WorkItem, what: HistoryKind, now: datetime.datetime) -> HistoryEntry:
    return HistoryEntry(at=now, study_uid=item.study_uid, revision=item.revision, work_id=item.work_id, what=what)
