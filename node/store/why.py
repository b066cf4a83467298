"""Why a study is where it is: what arrived, what was chosen and what not, what was done, what it waits for."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from node.domain.completeness import CompletenessPolicy, CompletionCause, Waiting, by_time
from node.domain.identifiers import Uid
from node.domain.state import RevisionState, StudyState, WorkState, study_state
from node.domain.study import Priority
from node.store.decisions import Decision, load_decisions
from node.store.engine import reading
from node.store.history import HistoryEntry, history_of
from node.store.schema import conflict, instance, revision
from node.store.work_table import WorkRow, result_states, work_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What something waits for, and until when at the latest; `until` is `None` where only a person ends the wait."""

    waits_for: str
    until: datetime.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedSeries:
    """How many images of a series had arrived by a revision."""

    series_uid: Uid
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkExplanation:
    """A piece of work as it stands; `wait` is `None` where it waits for nothing any more."""

    work: WorkRow
    wait: Wait | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionExplanation:
    """A revision of a study: what arrived by then, what selection decided, what work followed."""

    number: int
    state: RevisionState
    priority: Priority
    opened_at: datetime.datetime
    closed_at: datetime.datetime | None
    cause: CompletionCause | None
    wait: Wait | None
    series: tuple[ArrivedSeries, ...]
    decisions: tuple[Decision, ...]
    work: tuple[WorkExplanation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyExplanation:
    """All that the index knows about a study; revisions oldest first.

    `conflicts` counts instances that came again with other bytes and were kept aside.
    """

    study_uid: Uid
    state: StudyState
    revisions: tuple[RevisionExplanation, ...]
    conflicts: int
    history: tuple[HistoryEntry, ...]


class StudyExplainer:
    """Explains studies."""

    def __init__(self, engine: Engine, completeness: CompletenessPolicy) -> None:
        self._engine = engine
        self._completeness = completeness

    def explain(self, study_uid: Uid, *, now: datetime.datetime) -> StudyExplanation | None:
        """Why the study is where it is, or `None` where the index knows nothing of it."""
        with reading(self._engine) as connection:
            numbers = connection.execute(
                select(revision.c.number).where(revision.c.study_uid == study_uid).order_by(revision.c.number)
            ).scalars()
            revisions = tuple(self._revision(connection, study_uid, number, now=now) for number in numbers.all())
            if not revisions:
                return None
            conflicts = select(func.count()).select_from(conflict).where(conflict.c.study_uid == study_uid)
            newest = revisions[-1]
            return StudyExplanation(
                study_uid=study_uid,
                state=study_state(newest.state, result_states(each.work for each in newest.work)),
                revisions=revisions,
                conflicts=connection.execute(conflicts).scalar_one(),
                history=history_of(connection, study_uid),
            )

    def _revision(
        self, connection: Connection, study_uid: Uid, number: int, *, now: datetime.datetime
    ) -> RevisionExplanation:
        row = connection.execute(
            select(revision).where(revision.c.study_uid == study_uid, revision.c.number == number)
        ).one()
        collecting = row.state is RevisionState.COLLECTING
        return RevisionExplanation(
            number=number,
            state=row.state,
            priority=row.priority,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            cause=row.cause,
            wait=self._wait(connection, study_uid, number, now=now) if collecting else None,
            series=_arrived(connection, study_uid, number),
            decisions=load_decisions(connection, study_uid, number),
            work=tuple(
                WorkExplanation(work=each, wait=wait_of(each)) for each in work_of(connection, study_uid, number)
            ),
        )

    def _wait(self, connection: Connection, study_uid: Uid, number: int, *, now: datetime.datetime) -> Wait:
        row = connection.execute(
            select(revision.c.opened_at, revision.c.waits_for, revision.c.waits_until).where(
                revision.c.study_uid == study_uid, revision.c.number == number
            )
        ).one()
        last_at = connection.execute(
            select(func.max(instance.c.received_at)).where(
                instance.c.study_uid == study_uid, instance.c.revision == number
            )
        ).scalar()
        told = by_time(self._completeness, opened_at=row.opened_at, last_at=last_at or row.opened_at, now=now)
        if isinstance(told, Waiting):
            return Wait(waits_for=told.waits_for, until=told.until)
        if row.waits_until is not None and row.waits_until > now:
            return Wait(waits_for=row.waits_for, until=row.waits_until)
        return Wait(waits_for="the sweeper, which closes it", until=now)


def wait_of(row: WorkRow) -> Wait | None:
    """What a piece of work waits for, or `None` where it waits for nothing any more."""
    match row.state:
        case WorkState.READY:
            again = f", after {row.attempts} failed tries" if row.attempts else ""
            return Wait(waits_for=f"its place in the queue{again}", until=row.due_at)
        case WorkState.QUEUED:
            return Wait(waits_for="a free worker; then its message counts as lost and is sent again", until=row.due_at)
        case WorkState.RUNNING:
            return Wait(waits_for=f"its worker {row.worker}, whose lease then ends", until=row.due_at)
        case WorkState.DEAD | WorkState.QUARANTINED:
            return Wait(waits_for="an operator: osteonode requeue", until=None)
        case _:
            return None


def _arrived(connection: Connection, study_uid: Uid, number: int) -> tuple[ArrivedSeries, ...]:
    query = (
        select(instance.c.series_uid, func.count().label("images"))
        .where(instance.c.study_uid == study_uid, instance.c.revision <= number)
        .group_by(instance.c.series_uid)
        .order_by(instance.c.series_uid)
    )
    return tuple(ArrivedSeries(series_uid=row.series_uid, images=row.images) for row in connection.execute(query))
