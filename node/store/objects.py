"""The objects that the node made: registered once, the first content under a UID is kept."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from node.domain.destination import Destination
from node.domain.identifiers import Uid
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.routing import routes
from node.domain.state import WorkState
from node.domain.work import ASIDE, Stage, WorkItem
from node.store.schema import object_of_analysis, outgoing_object, work
from node.store.upserts import insert_if_absent
from node.store.work_table import NewWork, add_work

#: States in which work that was never tried will not be.
_NEVER_SENT = (WorkState.WITHDRAWN, WorkState.DEAD)


def register(
    connection: Connection, item: WorkItem, made: Sequence[OutgoingObject], *, now: datetime.datetime
) -> tuple[OutgoingObject, ...]:
    """Register what encoding made, and give back what is kept under each UID: what was there before stays."""
    insert_if_absent(connection, outgoing_object, [_columns(each, now) for each in made])
    links = [
        {
            "study_uid": item.study_uid,
            "revision": item.revision,
            "pipeline": item.pipeline,
            "object_uid": each.sop_instance_uid,
        }
        for each in made
    ]
    insert_if_absent(connection, object_of_analysis, links)
    kept = (find_object(connection, each.sop_instance_uid) for each in made)
    return tuple(each for each in kept if each is not None)


def add_deliveries(
    connection: Connection,
    item: WorkItem,
    objects: Iterable[OutgoingObject],
    *,
    destinations: Iterable[Destination],
    now: datetime.datetime,
) -> None:
    """Make the deliveries that the objects need, of pictures as of a stage that no result waits for.

    An object that a destination has from an earlier revision is not sent again: it is the same object.
    """
    stage = Stage.DELIVER_PICTURE if item.stage in ASIDE else Stage.DELIVER
    for made, destination in routes(objects, destinations):
        if not _delivered(connection, made.sop_instance_uid, destination.name):
            new = NewWork(
                study_uid=item.study_uid,
                revision=item.revision,
                pipeline=item.pipeline,
                stage=stage,
                priority=item.priority,
                series_uid=item.series_uid,
                object_uid=made.sop_instance_uid,
                destination=destination.name,
            )
            add_work(connection, new, now=now)


def find_object(connection: Connection, object_uid: Uid) -> OutgoingObject | None:
    """The object of a UID, or `None` where none was made."""
    query = select(outgoing_object).where(outgoing_object.c.sop_instance_uid == object_uid)
    return next((as_object(row) for row in connection.execute(query)), None)


def objects_of(connection: Connection, study_uid: Uid, revision: int, *, pipeline: str) -> tuple[OutgoingObject, ...]:
    """What an analysis led to, by kind and UID."""
    query = (
        select(outgoing_object)
        .join(object_of_analysis, object_of_analysis.c.object_uid == outgoing_object.c.sop_instance_uid)
        .where(
            object_of_analysis.c.study_uid == study_uid,
            object_of_analysis.c.revision == revision,
            object_of_analysis.c.pipeline == pipeline,
        )
        .order_by(outgoing_object.c.kind, outgoing_object.c.sop_instance_uid)
    )
    return tuple(as_object(row) for row in connection.execute(query))


def find_previous_report(
    connection: Connection, study_uid: Uid, *, before_revision: int, pipeline: str
) -> OutgoingObject | None:
    """The newest SR of an earlier revision that a destination may have seen.

    A report that was for no destination, or whose every delivery was withdrawn or given up before its first try, never
    left the node: a reader would look in vain for what the next one supersedes.
    """
    same = work.c.object_uid == outgoing_object.c.sop_instance_uid
    query = (
        select(outgoing_object)
        .join(object_of_analysis, object_of_analysis.c.object_uid == outgoing_object.c.sop_instance_uid)
        .where(
            object_of_analysis.c.study_uid == study_uid,
            object_of_analysis.c.revision < before_revision,
            object_of_analysis.c.pipeline == pipeline,
            outgoing_object.c.kind == ObjectKind.SR,
            exists().where(same, (work.c.attempts > 0) | work.c.state.not_in(_NEVER_SENT)),
        )
        .order_by(object_of_analysis.c.revision.desc(), outgoing_object.c.sop_instance_uid)
        .limit(1)
    )
    return next((as_object(row) for row in connection.execute(query)), None)


def as_object(row: Row[Any]) -> OutgoingObject:
    """The object of a row."""
    return OutgoingObject(
        kind=row.kind,
        sop_class_uid=row.sop_class_uid,
        sop_instance_uid=row.sop_instance_uid,
        series_uid=row.series_uid,
        file=row.file,
        digest=row.digest,
        intended_use=row.intended_use,
        not_evaluable=row.not_evaluable,
        urgent=row.urgent,
    )


def _delivered(connection: Connection, object_uid: Uid, destination: str) -> bool:
    done = select(work.c.work_id).where(
        work.c.object_uid == object_uid, work.c.destination == destination, work.c.state == WorkState.DONE
    )
    return connection.execute(done).first() is not None


def _columns(made: OutgoingObject, now: datetime.datetime) -> dict[str, Any]:
    return {
        "sop_instance_uid": made.sop_instance_uid,
        "kind": made.kind,
        "sop_class_uid": made.sop_class_uid,
        "series_uid": made.series_uid,
        "file": made.file,
        "digest": made.digest,
        "intended_use": made.intended_use,
        "not_evaluable": made.not_evaluable,
        "urgent": made.urgent,
        "made_at": now,
    }
