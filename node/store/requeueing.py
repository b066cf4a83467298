"""Gives work that was given up another life: what an operator may change."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, select

from node.domain.identifiers import Uid
from node.domain.state import GIVEN_UP, WorkEvent
from node.store.engine import writing
from node.store.enqueuing import Enqueuer
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.schema import work
from node.store.work_table import WorkRow, advance, rows_of


class Requeuer:
    """Makes dead and quarantined work ready again, with all its tries, and queues what the broker has room for."""

    def __init__(self, engine: Engine, enqueuer: Enqueuer) -> None:
        self._engine = engine
        self._enqueuer = enqueuer

    def study(self, study_uid: Uid, *, now: datetime.datetime) -> tuple[WorkRow, ...]:
        """Requeue what was given up of a study; returns it as it was."""
        return self._requeue(select(work).where(work.c.study_uid == study_uid), now)

    def destination(self, name: str, *, now: datetime.datetime) -> tuple[WorkRow, ...]:
        """Requeue the deliveries to a destination that were given up; returns them as they were."""
        return self._requeue(select(work).where(work.c.destination == name), now)

    def everything(self, *, now: datetime.datetime) -> tuple[WorkRow, ...]:
        """Requeue all that was given up; returns it as it was."""
        return self._requeue(select(work), now)

    def _requeue(self, query: Select[Any], now: datetime.datetime) -> tuple[WorkRow, ...]:
        given_up = query.where(work.c.state.in_(GIVEN_UP)).order_by(work.c.work_id).with_for_update()
        with writing(self._engine) as connection:
            rows = tuple(row for row in rows_of(connection, given_up) if _revive(connection, row, now))
        self._enqueuer.send_due(now=now)  # as much as fits into the windows; the sweeper sends the rest
        return rows


def _revive(connection: Connection, row: WorkRow, now: datetime.datetime) -> bool:
    revived = advance(connection, row, WorkEvent.REQUEUED, due_at=now, attempts=0, losses=0, ended_at=None)
    if revived:
        entry = HistoryEntry(
            at=now,
            study_uid=row.item.study_uid,
            revision=row.item.revision,
            what=HistoryKind.REQUEUED,
            work_id=row.item.work_id,
            detail=f"was {row.state}",
        )
        note(connection, entry)
    return revived
