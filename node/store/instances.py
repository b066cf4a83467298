"""Takes instances into the index: the listener's side."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from node.domain.errors import TransientFailure
from node.domain.identifiers import Uid
from node.domain.ports import Recorded
from node.domain.state import RevisionState
from node.domain.study import Instance, Priority
from node.store.engine import writing
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.schema import conflict, instance, revision, study
from node.store.upserts import insert_if_absent, insert_into, insert_new

# Put together once: these run for every image that arrives.
_STUDY = select(study).where(study.c.study_uid == bindparam("uid")).with_for_update()
_STUDIES = (
    select(study)
    .where(study.c.study_uid.in_(bindparam("uids", expanding=True)))
    .order_by(study.c.study_uid)
    .with_for_update()
)
_KNOWN = select(instance.c.sop_instance_uid, instance.c.digest, instance.c.study_uid).where(
    instance.c.sop_instance_uid.in_(bindparam("uids", expanding=True))
)
_ADD = insert(instance)


@cache
def _add_if_absent(dialect: str) -> sqlite.Insert | postgresql.Insert:
    return insert_into(instance, dialect).on_conflict_do_nothing()


class SqlInstanceIndex:
    """Adapter of `node.domain.ports.InstanceIndex`; many processes may record at once.

    An instance of a study whose revisions are all closed opens the next revision. Objects that the node made itself
    open none where the study has one: a PACS that sends our results back must not start the study again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        """Record instances whose files are durable; see the port."""
        if not batch:
            return ()
        try:
            with writing(self._engine) as connection:
                return _record(connection, batch)
        except IntegrityError as error:
            # two writers brought the same new identifier at the same moment; the second try sees the first's
            raise TransientFailure("the index was written by two at once; try again") from error


def _record(connection: Connection, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
    studies = _OpenStudies(connection, {each.study_uid for each in batch})
    # a known instance must not open a revision, so one looks first where one would have to be opened
    add = _add_at_once if studies.are_collecting() else _look_and_add
    added = add(connection, batch, studies)
    known = _known(connection, {each.sop_instance_uid for each, is_new in zip(batch, added, strict=True) if not is_new})
    verdicts = []
    for each, is_new in zip(batch, added, strict=True):
        if is_new:
            verdicts.append(Recorded.NEW)
        elif known[each.sop_instance_uid][0] == each.digest:
            verdicts.append(Recorded.SAME)
        else:
            verdicts.append(Recorded.DIFFERENT)
            _keep_aside(connection, each, known[each.sop_instance_uid][1])
    return tuple(verdicts)


def _add_at_once(connection: Connection, batch: Sequence[Instance], studies: _OpenStudies) -> list[bool]:
    """Which of the batch were new; all of these are there now. Looking first would take twice as long."""
    statement = _add_if_absent(connection.dialect.name)
    rows = (_instance_row(each, studies.revision_for(each)) for each in batch)
    return [connection.execute(statement, row).rowcount == 1 for row in rows]


def _look_and_add(connection: Connection, batch: Sequence[Instance], studies: _OpenStudies) -> list[bool]:
    """As `_add_at_once`, for studies of which new instances may open a revision."""
    seen = set(_known(connection, {each.sop_instance_uid for each in batch}))
    added = []
    for each in batch:
        added.append(each.sop_instance_uid not in seen)
        seen.add(each.sop_instance_uid)
    new = [each for each, is_new in zip(batch, added, strict=True) if is_new]
    if new:
        connection.execute(_ADD, [_instance_row(each, studies.revision_for(each)) for each in new])
    return added


class _OpenStudies:
    """The studies of one batch, locked against other writers where the database locks rows, and their revisions."""

    def __init__(self, connection: Connection, study_uids: Iterable[Uid]) -> None:
        self._connection = connection
        # in one order for all writers, so that two batches cannot wait for each other
        ordered = sorted(study_uids)
        self._rows = self._load(ordered)
        missing = [study_uid for study_uid in ordered if study_uid not in self._rows]
        if missing:
            insert_if_absent(connection, study, [{"study_uid": each, "newest": 0} for each in missing])
            self._rows = self._load(ordered)

    def _load(self, ordered: Sequence[Uid]) -> dict[Uid, tuple[int, int | None]]:
        if len(ordered) == 1:
            rows = self._connection.execute(_STUDY, {"uid": ordered[0]})
        else:
            rows = self._connection.execute(_STUDIES, {"uids": ordered})
        return {row.study_uid: (row.newest, row.collecting) for row in rows}

    def are_collecting(self) -> bool:
        """Whether all have a revision that collects, so that none need be opened."""
        return all(collecting is not None for _, collecting in self._rows.values())

    def revision_for(self, each: Instance) -> int:
        """The revision that an instance goes to; opens the next one where it must."""
        newest, collecting = self._rows[each.study_uid]
        if collecting is not None:
            return collecting
        if each.facts.made_by_node and newest:
            return newest
        self._rows[each.study_uid] = (newest + 1, newest + 1)
        _open_revision(self._connection, each.study_uid, newest + 1, at=each.received_at)
        return newest + 1


def _open_revision(connection: Connection, study_uid: Uid, number: int, *, at: datetime.datetime) -> None:
    connection.execute(
        insert(revision).values(
            study_uid=study_uid,
            number=number,
            state=RevisionState.COLLECTING,
            priority=Priority.ROUTINE,
            opened_at=at,
            waits_for="more images",
        )
    )
    connection.execute(update(study).where(study.c.study_uid == study_uid).values(newest=number, collecting=number))
    note(connection, HistoryEntry(at=at, study_uid=study_uid, revision=number, what=HistoryKind.OPENED))


def _known(connection: Connection, uids: Iterable[Uid]) -> dict[Uid, tuple[str, Uid]]:
    """Digest and study of the instances that are there already."""
    asked = list(uids)
    rows = connection.execute(_KNOWN, {"uids": asked}) if asked else ()
    return {row.sop_instance_uid: (row.digest, row.study_uid) for row in rows}


def _instance_row(each: Instance, number: int) -> dict[str, Any]:
    return {
        "sop_instance_uid": each.sop_instance_uid,
        "study_uid": each.study_uid,
        "revision": number,
        "series_uid": each.series_uid,
        "sop_class_uid": each.sop_class_uid,
        "transfer_syntax": each.transfer_syntax,
        "file": each.file,
        "size": each.size,
        "digest": each.digest,
        "patient": each.patient,
        "received_at": each.received_at,
        "facts": each.facts,
    }


def _keep_aside(connection: Connection, each: Instance, study_uid: Uid) -> None:
    """Record an instance with another content under a known identifier; the same one twice is one conflict."""
    row = {
        "sop_instance_uid": each.sop_instance_uid,
        "study_uid": study_uid,
        "file": each.file,
        "size": each.size,
        "digest": each.digest,
        "received_at": each.received_at,
    }
    if insert_new(connection, conflict, row):
        newest = connection.execute(select(study.c.newest).where(study.c.study_uid == study_uid)).scalar_one()
        detail = "an instance came again with other bytes; the first stays"
        entry = HistoryEntry(
            at=each.received_at, study_uid=study_uid, revision=newest, what=HistoryKind.CONFLICT, detail=detail
        )
        note(connection, entry)
