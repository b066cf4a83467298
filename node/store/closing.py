"""Closes revisions that are complete: decides what is read, supersedes what was before, makes the first work."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, Update, func, select, update

from node.domain.completeness import CompletenessPolicy, CompletionCause, Waiting, by_time, completeness
from node.domain.errors import ConfigurationError
from node.domain.identifiers import Uid
from node.domain.pseudonym import Pseudonymizer
from node.domain.selection import NoSuitableSeries, SelectionRule, SeriesChoice, choose_series, concerns
from node.domain.state import REVISION_TRANSITIONS, RevisionEvent, RevisionState, WorkEvent
from node.domain.study import Priority, Study
from node.domain.work import PIPELINES, Stage, WorkItem
from node.observe.events import Event
from node.observe.logging import event
from node.store.decisions import Decision, save_decision
from node.store.engine import reading, writing
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.schema import instance, revision, study, work
from node.store.studies import load_study
from node.store.work_table import NewWork, add_work, advance, lock_study, rows_of

logger = logging.getLogger(__name__)

#: A study that could not be closed for a cause that nobody foresaw is left alone for this long.
REST = datetime.timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collecting:
    """A revision that images go to, as it was read."""

    study_uid: Uid
    number: int
    priority: Priority
    opened_at: datetime.datetime
    last_at: datetime.datetime
    waits_until: datetime.datetime | None
    images_seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Superseded:
    """Earlier revisions that a new one overtook, and the work on them that was withdrawn."""

    revisions: tuple[int, ...]
    withdrawn: tuple[WorkItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closings:
    """How many revisions were closed, and when the next one's quiet period ends; `None` where none runs."""

    count: int
    next_at: datetime.datetime | None = None


class RevisionCloser:
    """Closes what is complete.

    Raises
    ------
    ConfigurationError
        Where two rules are for one pipeline, or a rule is for a pipeline that there is not.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        rules: Sequence[SelectionRule],
        completeness: CompletenessPolicy,
        pseudonyms: Pseudonymizer,
    ) -> None:
        pipelines = [rule.pipeline for rule in rules]
        if len(pipelines) != len(set(pipelines)) or set(pipelines) - set(PIPELINES):
            raise ConfigurationError(f"every pipeline of {sorted(PIPELINES)} can have one rule, got {pipelines}")
        self._engine = engine
        self._rules = tuple(rules)
        self._completeness = completeness
        self._pseudonyms = pseudonyms
        self._resting: dict[Uid, datetime.datetime] = {}

    def close_due(self, *, now: datetime.datetime) -> Closings:
        """Close every revision that is complete."""
        with reading(self._engine) as connection:
            collecting = _collecting(connection)
        outcomes = [self._close_guarded(each, now) for each in collecting]
        return Closings(
            count=sum(outcome is True for outcome in outcomes),
            next_at=min((outcome.until for outcome in outcomes if isinstance(outcome, Waiting)), default=None),
        )

    def _close_guarded(self, each: _Collecting, now: datetime.datetime) -> bool | Waiting:
        """Whether the revision was closed, or the quiet period that it waits for.

        A door of the program: a study that trips over itself must not hold up all others.
        """
        if self._resting.get(each.study_uid, now) > now:
            return False
        try:
            closed = self._close_if_complete(each, now)
        except Exception:
            pseudonym = self._pseudonyms.of(each.study_uid)
            logger.exception("study could not be closed", extra=event(Event.UNEXPECTED_ERROR, study=pseudonym))
            self._resting[each.study_uid] = now + REST
            return False
        self._resting.pop(each.study_uid, None)
        return closed

    def _close_if_complete(self, each: _Collecting, now: datetime.datetime) -> bool | Waiting:
        told = by_time(self._completeness, opened_at=each.opened_at, last_at=each.last_at, now=now)
        if isinstance(told, Waiting):
            return told
        with reading(self._engine) as connection:
            images = _count_images(connection, each)
            if told is None and images == each.images_seen and each.waits_until is not None and now < each.waits_until:
                return False  # waits for slices, and none came
            whole = load_study(connection, each.study_uid, each.number)
        if whole is None:
            return False
        verdict = completeness(whole.series, self._completeness, opened_at=each.opened_at, now=now)
        if isinstance(verdict, Waiting):
            self._wait(each, verdict, images=images)
            return False
        return self._close(each, whole, cause=verdict.cause, now=now)

    def _wait(self, each: _Collecting, waiting: Waiting, *, images: int) -> None:
        columns = {"waits_for": waiting.waits_for, "waits_until": waiting.until, "images_seen": images}
        with writing(self._engine) as connection:
            connection.execute(_this(each).values(**columns))

    def _close(self, each: _Collecting, whole: Study, *, cause: CompletionCause, now: datetime.datetime) -> bool:
        # decided outside the transaction: reading thousands of headers must not hold up the listener
        decisions = [
            Decision(rule.pipeline, concerned=concerns(whole, rule), choice=choose_series(whole, rule))
            for rule in self._rules
        ]
        with writing(self._engine) as connection:
            lock_study(connection, each.study_uid)
            known = sum(len(series.instances) for series in whole.series)
            if _count_images(connection, each) != known or not _mark_closed(connection, each, cause=cause, now=now):
                return False  # an image came in between: the quiet period runs again
            superseded = _supersede_earlier(connection, each, now)
            for decision in decisions:
                save_decision(connection, each.study_uid, each.number, decision=decision, now=now)
                if decision.concerned:
                    add_work(connection, _first_work(each, decision), now=now)
        self._tell(each, decisions, cause)
        self._tell_superseded(each, superseded)
        return True

    def _tell_superseded(self, each: _Collecting, superseded: _Superseded) -> None:
        pseudonym = self._pseudonyms.of(each.study_uid)
        for number in superseded.revisions:
            extra = event(Event.REVISION_SUPERSEDED, study=pseudonym, revision=number)
            logger.info("revision superseded", extra=extra)
        for item in superseded.withdrawn:
            place = {"study": pseudonym, "revision": item.revision, "work_id": item.work_id, "stage": item.stage}
            logger.info("work withdrawn", extra=event(Event.WORK_WITHDRAWN, **place))

    def _tell(self, each: _Collecting, decisions: Sequence[Decision], cause: CompletionCause) -> None:
        pseudonym = self._pseudonyms.of(each.study_uid)
        closed = event(Event.REVISION_CLOSED, study=pseudonym, revision=each.number, reason=cause)
        logger.info("revision closed", extra=closed)
        for decision in decisions:
            chosen = isinstance(decision.choice, SeriesChoice)
            name = Event.SERIES_CHOSEN if chosen else Event.NO_SUITABLE_SERIES
            extra = event(name, study=pseudonym, revision=each.number, pipeline=decision.pipeline)
            logger.info("series chosen" if chosen else "no suitable series", extra=extra)


def collecting_revisions() -> Select[Any]:
    """All revisions that images go to now, the oldest first, and when the last image of each arrived."""
    last_at = (
        select(func.max(instance.c.received_at))
        .where(instance.c.study_uid == revision.c.study_uid, instance.c.revision == revision.c.number)
        .scalar_subquery()
    )
    return (
        select(revision, last_at.label("last_at"))
        .where(revision.c.state == RevisionState.COLLECTING)
        .order_by(revision.c.opened_at)
    )


def _collecting(connection: Connection) -> tuple[_Collecting, ...]:
    return tuple(
        _Collecting(
            study_uid=row.study_uid,
            number=row.number,
            priority=row.priority,
            opened_at=row.opened_at,
            last_at=row.last_at or row.opened_at,
            waits_until=row.waits_until,
            images_seen=row.images_seen,
        )
        for row in connection.execute(collecting_revisions())
    )


def _count_images(connection: Connection, each: _Collecting) -> int:
    query = select(func.count()).where(instance.c.study_uid == each.study_uid, instance.c.revision <= each.number)
    return int(connection.execute(query).scalar_one())


def _this(each: _Collecting) -> Update:
    return update(revision).where(
        revision.c.study_uid == each.study_uid,
        revision.c.number == each.number,
        revision.c.state == RevisionState.COLLECTING,
    )


def _mark_closed(connection: Connection, each: _Collecting, *, cause: CompletionCause, now: datetime.datetime) -> bool:
    state = REVISION_TRANSITIONS[RevisionState.COLLECTING, RevisionEvent.CLOSED]
    columns = {"state": state, "closed_at": now, "cause": cause, "waits_for": "", "waits_until": None}
    if connection.execute(_this(each).values(**columns)).rowcount != 1:
        return False
    connection.execute(update(study).where(study.c.study_uid == each.study_uid).values(collecting=None))
    entry = HistoryEntry(
        at=now, study_uid=each.study_uid, revision=each.number, what=HistoryKind.CLOSED, detail=str(cause)
    )
    note(connection, entry)
    return True


def _supersede_earlier(connection: Connection, each: _Collecting, now: datetime.datetime) -> _Superseded:
    """Take back what is not done of earlier revisions; what was delivered stays, and the new report supersedes it."""
    state = REVISION_TRANSITIONS[RevisionState.COMPLETE, RevisionEvent.OVERTAKEN]
    earlier = select(revision.c.number).where(
        revision.c.study_uid == each.study_uid,
        revision.c.number < each.number,
        revision.c.state == RevisionState.COMPLETE,
    )
    revisions = tuple(connection.execute(earlier).scalars().all())
    withdrawn: list[WorkItem] = []
    for number in revisions:
        connection.execute(
            update(revision)
            .where(revision.c.study_uid == each.study_uid, revision.c.number == number)
            .values(state=state)
        )
        note(connection, HistoryEntry(at=now, study_uid=each.study_uid, revision=number, what=HistoryKind.SUPERSEDED))
        withdrawn += _withdraw(connection, each.study_uid, number, now=now)
    return _Superseded(revisions=revisions, withdrawn=tuple(withdrawn))


def _withdraw(connection: Connection, study_uid: Uid, number: int, *, now: datetime.datetime) -> list[WorkItem]:
    query = select(work).where(work.c.study_uid == study_uid, work.c.revision == number).with_for_update()
    withdrawn = []
    for row in rows_of(connection, query):
        if advance(connection, row, WorkEvent.OVERTAKEN, due_at=None, ended_at=now):
            entry = HistoryEntry(
                at=now,
                study_uid=study_uid,
                revision=number,
                what=HistoryKind.WITHDRAWN,
                work_id=row.item.work_id,
                detail=f"was {row.state}",
            )
            note(connection, entry)
            withdrawn.append(row.item)
    return withdrawn


def _first_work(each: _Collecting, decision: Decision) -> NewWork:
    """The first stage where a series was chosen; where none suits, encoding at once, which says why."""
    nothing = isinstance(decision.choice, NoSuitableSeries)
    return NewWork(
        study_uid=each.study_uid,
        revision=each.number,
        pipeline=decision.pipeline,
        stage=Stage.ENCODE if nothing else PIPELINES[decision.pipeline][0],
        priority=each.priority,
        series_uid=None if isinstance(decision.choice, NoSuitableSeries) else decision.choice.series_uid,
    )
