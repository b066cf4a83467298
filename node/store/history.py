"""What happened to a study, in order."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from node.domain.identifiers import Uid
from node.store.history_kinds import HistoryKind
from node.store.schema import history


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One thing that happened to a revision, or to one piece of its work."""

    at: datetime.datetime
    study_uid: Uid
    revision: int
    what: HistoryKind
    work_id: int | None = None
    detail: str = ""


def note(connection: Connection, entry: HistoryEntry) -> None:
    """Add an entry, in the transaction that makes it true."""
    connection.execute(
        insert(history).values(
            at=entry.at,
            study_uid=entry.study_uid,
            revision=entry.revision,
            work_id=entry.work_id,
            what=entry.what,
            detail=entry.detail,
        )
    )


def history_of(connection: Connection, study_uid: Uid) -> tuple[HistoryEntry, ...]:
    """All entries of a study, oldest first."""
    rows = connection.execute(select(history).where(history.c.study_uid == study_uid).order_by(history.c.history_id))
    return tuple(
        HistoryEntry(
            at=row.at,
            study_uid=row.study_uid,
            revision=row.revision,
            what=row.what,
            work_id=row.work_id,
            detail=row.detail,
        )
        for row in rows
    )
