"""Takes instances into the index: the listener's side."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from node.domain.errors import TransientFailure
from node.domain.identifiers import Uid
from node.domain.ports import Recorded
from node.domain.state import RevisionState
from node.domain.study import Instance, Priority
from node.store.engine import writing
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.prepared import Prepared, writing_by_driver
from node.store.schema import conflict, instance, revision, study
from node.store.upserts import insert_if_absent, insert_into, insert_new

_STUDIES = (
    select(study)
    .where(study.c.study_uid.in_(bindparam("uids", expanding=True)))
    .order_by(study.c.study_uid)
    .with_for_update()
)
_KNOWN = select(instance.c.sop_instance_uid, instance.c.digest, instance.c.study_uid).where(
    instance.c.sop_instance_uid.in_(bindparam("uids", expanding=True))
)
_COLLECTING = select(study.c.collecting).where(study.c.study_uid == bindparam("study_uid")).with_for_update()


class SqlInstanceIndex:
    """Adapter of `node.domain.ports.InstanceIndex`; many processes may record at once.

    An instance of a study whose revisions are all closed opens the next revision. Objects that the node made itself
    open none where the study has one: a PACS that sends our results back must not start the study again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        dialect = engine.dialect
        self._collecting = Prepared(_COLLECTING, dialect)
        self._add = Prepared(insert_into(instance, dialect.name).on_conflict_do_nothing(), dialect)

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        """Record instances whose files are durable; see the port."""
        if not batch:
            return ()
        if self._add_new(batch):
            return (Recorded.NEW,) * len(batch)
        try:
            with writing(self._engine) as connection:
                return _record(connection, batch)
        except IntegrityError as error:
            # two writers brought the same new identifier at the same moment; the second try sees the first's
            raise TransientFailure("the index was written by two at once; try again") from error

    def _add_new(self, batch: Sequence[Instance]) -> bool:
        """Record new instances of studies that collect, as nearly all are, in a third of the time of `_record`.

        Nothing is recorded, and the answer is no, where one is known or needs a revision to be opened.
        """
        with writing_by_driver(self._engine) as connection:
            cursor = connection.cursor()
            revisions = {}
            for study_uid in sorted({each.study_uid for each in batch}):
                self._collecting.run(cursor, {"study_uid": study_uid})
                row = cursor.fetchone()
                if row is None or row[0] is None:
                    return False
                revisions[study_uid] = row[0]
            for each in batch:
                self._add.run(cursor, _instance_row(each, revisions[each.study_uid]))
                if cursor.rowcount != 1:
                    return False
            connection.commit()
        return True


def _record(connection: Connection, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
    """Record a batch of which some may be known, or be the first or the next of their study."""
    studies = _OpenStudies(connection, {each.study_uid for each in batch})
    known = _known(connection, {each.sop_instance_uid for each in batch})
    verdicts, new, other = [], [], []
    for each in batch:
        if each.sop_instance_uid not in known:
            known[each.sop_instance_uid] = (each.digest, each.study_uid)
            # only what is new may open a revision
            new.append(_instance_row(each, studies.revision_for(each)))
            verdicts.append(Recorded.NEW)
        elif known[each.sop_instance_uid][0] == each.digest:
            verdicts.append(Recorded.SAME)
        else:
            other.append(each)
            verdicts.append(Recorded.DIFFERENT)
    if new:
        connection.execute(insert(instance), new)
    for each in other:
        _keep_aside(connection, each, known[each.sop_instance_uid][1])
    return tuple(verdicts)


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
        rows = self._connection.execute(_STUDIES, {"uids": ordered})
        return {row.study_uid: (row.newest, row.collecting) for row in rows}

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
    rows = connection.execute(_KNOWN, {"uids": list(uids)})
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
