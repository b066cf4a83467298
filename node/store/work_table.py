"""The rows of work: read as values, changed only along the state table, by compare-and-set."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from node.domain.errors import Bug
from node.domain.identifiers import Uid
from node.domain.state import SETTLED, WorkEvent, WorkState, next_work_state
from node.domain.study import Priority
from node.domain.work import ASIDE, STAGES, Pool, Stage, WorkItem
from node.store.schema import study, work
from node.store.upserts import insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """A piece of work as it stands.

    Parameters
    ----------
    due_at
        Ready: when it may be queued. Queued: when its message counts as lost. Running: when its lease ends.
    note
        What the finished work said of itself: the code of a reason, or what a destination warned of.
    """

    item: WorkItem
    state: WorkState
    token: int
    attempts: int
    losses: int
    worker: str
    due_at: datetime.datetime | None
    claimed_at: datetime.datetime | None
    last_error: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """Work that is to be done; the same work asked for twice is one piece."""

    study_uid: Uid
    revision: int
    pipeline: str
    stage: Stage
    priority: Priority
    series_uid: Uid | None = None
    object_uid: Uid | None = None
    destination: str | None = None

    @property
    def idempotency_key(self) -> str:
        """What makes two pieces of work the same."""
        parts = (self.study_uid, str(self.revision), self.pipeline, self.stage, self.object_uid, self.destination)
        return "/".join(part for part in parts if part is not None)


def lane_of(stage: Stage, destination: str | None) -> str:
    """What queues together: the work of a pool, and the deliveries to one destination."""
    pool = STAGES[stage].pool
    return f"{pool}:{destination}" if pool is Pool.DELIVER else str(pool)


def add_work(connection: Connection, new: NewWork, *, now: datetime.datetime) -> None:
    """Make a piece of work ready from now on, unless it is there already."""
    values = {
        "idempotency_key": new.idempotency_key,
        "study_uid": new.study_uid,
        "revision": new.revision,
        "pipeline": new.pipeline,
        "stage": new.stage,
        "series_uid": new.series_uid,
        "object_uid": new.object_uid,
        "destination": new.destination,
        "lane": lane_of(new.stage, new.destination),
        "priority": new.priority,
        "state": WorkState.READY,
        "due_at": now,
        "timings_s": {},
        "created_at": now,
    }
    insert_new(connection, work, values)


def load_work(connection: Connection, work_id: int) -> WorkRow | None:
    """One piece of work, or `None` where the index knows none of this identifier."""
    return next(iter(rows_of(connection, select(work).where(work.c.work_id == work_id))), None)


def rows_of(connection: Connection, query: Select[Any]) -> tuple[WorkRow, ...]:
    """The work that a query over all columns finds."""
    return tuple(_work_row(row) for row in connection.execute(query))


def work_of(connection: Connection, study_uid: Uid, revision: int) -> tuple[WorkRow, ...]:
    """All work of a revision, in the order in which it was made."""
    query = select(work).where(work.c.study_uid == study_uid, work.c.revision == revision)
    return rows_of(connection, query.order_by(work.c.work_id))


def result_states(rows: Iterable[WorkRow]) -> tuple[WorkState, ...]:
    """The states of the work that results come from; see `node.domain.work.ASIDE`."""
    return tuple(row.state for row in rows if row.item.stage not in ASIDE)


def advance(
    connection: Connection, row: WorkRow, what: WorkEvent, *, due_at: datetime.datetime | None, **columns: Any
) -> bool:
    """Take work to the state that follows from an event.

    Parameters
    ----------
    row
        The work as it was read in this transaction.
    due_at
        As in `WorkRow`; `None` where, and only where, the next state is settled.
    columns
        What else changes.

    Returns
    -------
    bool
        False where the event is not for this state, or somebody else changed the work meanwhile; nothing changed then.
    """
    following = next_work_state(row.state, what)
    if following is None:
        return False
    if (following in SETTLED) != (due_at is None):
        raise Bug(f"work that is {following} {'has no' if due_at else 'needs a'} deadline")
    changed = connection.execute(
        update(work)
        .where(work.c.work_id == row.item.work_id, work.c.state == row.state, work.c.token == row.token)
        .values(state=following, due_at=due_at, **columns)
    )
    return changed.rowcount == 1


def lock_study(connection: Connection, study_uid: Uid) -> None:
    """Keep others from changing what the study's work is, where the database locks rows."""
    connection.execute(select(study.c.study_uid).where(study.c.study_uid == study_uid).with_for_update())


def ready_ids(connection: Connection, study_uid: Uid, revision: int) -> Sequence[int]:
    """Identifiers of the ready work of a revision."""
    query = select(work.c.work_id).where(
        work.c.study_uid == study_uid, work.c.revision == revision, work.c.state == WorkState.READY
    )
    return connection.execute(query.order_by(work.c.work_id)).scalars().all()


def _work_row(row: Row[Any]) -> WorkRow:
    return WorkRow(
        item=WorkItem(
            work_id=row.work_id,
            study_uid=row.study_uid,
            revision=row.revision,
            pipeline=row.pipeline,
            stage=row.stage,
            priority=row.priority,
            series_uid=row.series_uid,
            object_uid=row.object_uid,
            destination=row.destination,
        ),
        state=row.state,
        token=row.token,
        attempts=row.attempts,
        losses=row.losses,
        worker=row.worker,
        due_at=row.due_at,
        claimed_at=row.claimed_at,
        last_error=row.last_error,
        note=row.note,
    )
