"""The node at a glance: studies by pseudonym, work by state, what was given up."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from node.domain.identifiers import Uid
from node.domain.pseudonym import Pseudonymizer
from node.domain.state import GIVEN_UP, RevisionState, StudyState, WorkState, study_state
from node.domain.study import Priority
from node.domain.work import ASIDE, Stage
from node.store.engine import reading
from node.store.schema import breaker, revision, study, work
from node.store.work_table import WorkRow, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLine:
    """One study in the list: its newest revision and what that shows."""

    study_uid: Uid
    pseudonym: str
    revision: int
    state: StudyState
    priority: Priority
    opened_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCount:
    """How much work of a stage is in a state."""

    stage: Stage
    state: WorkState
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingDestination:
    """A destination that did not answer, and when it is asked again."""

    name: str
    failures: int
    retry_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What `osteonode status` prints; the newest studies first."""

    studies: tuple[StudyLine, ...]
    work: tuple[WorkCount, ...]
    resting: tuple[RestingDestination, ...]


class OverviewReader:
    """Looks over the whole index."""

    def __init__(self, engine: Engine, pseudonyms: Pseudonymizer) -> None:
        self._engine = engine
        self._pseudonyms = pseudonyms

    def overview(self, *, limit: int = 100) -> Overview:
        """The newest studies, all work by state, and destinations that rest."""
        with reading(self._engine) as connection:
            return Overview(
                studies=self._studies(connection, limit), work=_counts(connection), resting=_resting(connection)
            )

    def find(self, name: str) -> Uid | None:
        """The study of a UID or a pseudonym, or `None` where there is none."""
        with reading(self._engine) as connection:
            uids = connection.execute(select(study.c.study_uid)).scalars()
            return next((uid for uid in uids if name in (uid, self._pseudonyms.of(uid))), None)

    def study_state(self, study_uid: Uid) -> StudyState | None:
        """What a study shows, or `None` where the index knows nothing of it."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(revision.c.number, revision.c.state)
                .where(revision.c.study_uid == study_uid)
                .order_by(revision.c.number.desc())
                .limit(1)
            ).first()
            return None if row is None else _shown(connection, study_uid, row.number, row.state)

    def dead_letters(self) -> tuple[WorkRow, ...]:
        """All work that was given up and that an operator may requeue, the oldest first."""
        query = select(work).where(work.c.state.in_(GIVEN_UP)).order_by(work.c.work_id)
        with reading(self._engine) as connection:
            return rows_of(connection, query)

    def _studies(self, connection: Connection, limit: int) -> tuple[StudyLine, ...]:
        newest = (
            select(revision)
            .join(study, (study.c.study_uid == revision.c.study_uid) & (study.c.newest == revision.c.number))
            .order_by(revision.c.opened_at.desc())
            .limit(limit)
        )
        return tuple(
            StudyLine(
                study_uid=row.study_uid,
                pseudonym=self._pseudonyms.of(row.study_uid),
                revision=row.number,
                state=_shown(connection, row.study_uid, row.number, row.state),
                priority=row.priority,
                opened_at=row.opened_at,
            )
            for row in connection.execute(newest).all()
        )


def _shown(connection: Connection, study_uid: Uid, number: int, state: RevisionState) -> StudyState:
    # One column, and not whole rows: this is asked for every study of a list.
    query = select(work.c.state).where(
        work.c.study_uid == study_uid, work.c.revision == number, work.c.stage.not_in(ASIDE)
    )
    return study_state(state, connection.execute(query).scalars().all())


def _counts(connection: Connection) -> tuple[WorkCount, ...]:
    query = select(work.c.stage, work.c.state, func.count().label("pieces")).group_by(work.c.stage, work.c.state)
    counted = [WorkCount(stage=row.stage, state=row.state, count=row.pieces) for row in connection.execute(query)]
    order = (list(Stage), list(WorkState))
    return tuple(sorted(counted, key=lambda each: (order[0].index(each.stage), order[1].index(each.state))))


def _resting(connection: Connection) -> tuple[RestingDestination, ...]:
    query = select(breaker).where(breaker.c.retry_at.is_not(None)).order_by(breaker.c.destination)
    return tuple(
        RestingDestination(name=row.destination, failures=row.failures, retry_at=row.retry_at)
        for row in connection.execute(query)
    )
