"""Gives up the deliveries to destinations that were taken out of the configuration: no worker would ever take them."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable

from sqlalchemy import Connection, Engine, select

from node.domain.state import WorkEvent, WorkState
from node.observe.events import Event
from node.observe.logging import event
from node.store.engine import reading, writing
from node.store.enqueuing import lanes_with_workers, ready_lanes
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.schema import work
from node.store.work_table import WorkRow, advance, rows_of

logger = logging.getLogger(__name__)

#: Deliveries of one lane that one sweep gives up; the next sweep goes on, and other writers get their turn between.
AT_ONCE = 500


class RemovedDestinations:
    """Makes dead letters of what waits for a destination that is gone, so that an operator hears of it.

    Parameters
    ----------
    configured
        Names of all configured destinations, in shadow mode too: what waits there for its end is not given up.
    """

    def __init__(self, engine: Engine, *, configured: Iterable[str]) -> None:
        self._engine = engine
        self._lanes = lanes_with_workers(configured)

    def give_up(self, *, now: datetime.datetime) -> int:
        """Give up the ready deliveries, due or not, whose destination is gone; returns how many."""
        with reading(self._engine) as connection:
            lanes = [lane for lane in ready_lanes(connection) if lane not in self._lanes]
        return sum(self._give_up_lane(lane, now) for lane in lanes)

    def _give_up_lane(self, lane: str, now: datetime.datetime) -> int:
        of_lane = select(work).where(work.c.state == WorkState.READY, work.c.lane == lane).limit(AT_ONCE)
        with writing(self._engine) as connection:
            rows = [row for row in rows_of(connection, of_lane) if _give_up(connection, row, now)]
        if rows:
            extra = event(Event.WORK_GIVEN_UP, destination=rows[0].item.destination, count=len(rows))
            logger.error("work given up: its destination was removed", extra=extra)
        return len(rows)


def _give_up(connection: Connection, row: WorkRow, now: datetime.datetime) -> bool:
    told = f"{row.item.destination} is no longer a destination"
    given_up = advance(connection, row, WorkEvent.GIVEN_UP, due_at=None, ended_at=now, last_error=told)
    if given_up:
        entry = HistoryEntry(
            at=now,
            study_uid=row.item.study_uid,
            revision=row.item.revision,
            work_id=row.item.work_id,
            what=HistoryKind.GIVEN_UP,
            detail=told,
        )
        note(connection, entry)
    return given_up
