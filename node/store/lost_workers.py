"""Finds work whose worker is gone, and decides whether it is tried again."""

from __future__ import annotations

import datetime
import logging
import random
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Engine

from node.domain.pseudonym import Pseudonymizer
from node.domain.retries import RetryPolicy, after_worker_loss
from node.domain.state import WorkEvent, WorkState
from node.domain.work import Stage
from node.observe.events import Event
from node.observe.logging import event
from node.store.engine import reading, writing
from node.store.enqueuing import overdue
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.work_table import WorkRow, advance, rows_of

logger = logging.getLogger(__name__)

_CHANCE = random.SystemRandom().random


class LostWorkers:
    """Takes work back from workers that are silent past their lease.

    Work that took its worker down too often is put into quarantine: the next worker would go the same way.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        retries: Mapping[Stage, RetryPolicy],
        pseudonyms: Pseudonymizer,
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self._engine = engine
        self._retries = retries
        self._pseudonyms = pseudonyms
        self._chance = chance

    def take_back(self, *, now: datetime.datetime) -> int:
        """Take back all work whose lease has ended; returns how many pieces."""
        with reading(self._engine) as connection:
            if not rows_of(connection, overdue(WorkState.RUNNING, now, limit=1)):
                return 0
        with writing(self._engine) as connection:
            rows = rows_of(connection, overdue(WorkState.RUNNING, now).with_for_update())
            return sum(self._take_back(connection, row, now) for row in rows)

    def _take_back(self, connection: Connection, row: WorkRow, now: datetime.datetime) -> bool:
        losses = row.losses + 1
        decision = after_worker_loss(self._retries[row.item.stage], losses=losses, chance=self._chance())
        again = decision.event is WorkEvent.LEASE_EXPIRED
        told = f"its worker {row.worker} was lost, for the time number {losses}"
        columns = {"losses": losses, "last_error": told, "ended_at": None if again else now}
        if not advance(connection, row, decision.event, due_at=now + decision.delay if again else None, **columns):
            return False
        entry = HistoryEntry(
            at=now,
            study_uid=row.item.study_uid,
            revision=row.item.revision,
            what=HistoryKind.WORKER_LOST if again else HistoryKind.QUARANTINED,
            work_id=row.item.work_id,
            detail=told,
        )
        note(connection, entry)
        self._tell(row, Event.LEASE_EXPIRED if again else Event.WORK_QUARANTINED)
        return True

    def _tell(self, row: WorkRow, name: Event) -> None:
        item = row.item
        extra = event(
            name,
            study=self._pseudonyms.of(item.study_uid),
            revision=item.revision,
            work_id=item.work_id,
            stage=item.stage,
            worker=row.worker,
            token=row.token,
        )
        logger.warning("worker lost" if name is Event.LEASE_EXPIRED else "work quarantined", extra=extra)
