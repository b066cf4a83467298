"""What the newest analysis of a study came to: what the command line makes `result.json` of."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from node.domain.identifiers import Uid
from node.domain.outgoing import OutgoingObject
from node.domain.selection import NoSuitableSeries, SeriesChoice
from node.domain.state import RevisionState, StudyState, study_state
from node.domain.work import ASIDE, Artefact
from node.store.decisions import load_decisions
from node.store.engine import reading
from node.store.objects import objects_of
from node.store.schema import artefact, instance, revision, work
from node.store.work_table import WorkRow, result_states, work_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult:
    """What a pipeline left: its choice, the files of its stages, the objects, and every piece of its work.

    `timings_s` are seconds by phase, summed over the work that results come from.
    """

    pipeline: str
    concerned: bool
    choice: SeriesChoice | NoSuitableSeries
    artefacts: tuple[Artefact, ...]
    objects: tuple[OutgoingObject, ...]
    work: tuple[WorkRow, ...]
    timings_s: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """What the newest closed revision of a study came to.

    Parameters
    ----------
    state
        What the study shows; the result is final where it is done or failed.
    receive_s
        From the first image of the revision to its last.
    wait_s
        From the last image to the closing of the revision: the quiet period.
    """

    study_uid: Uid
    revision: int
    state: StudyState
    pipelines: tuple[PipelineResult, ...]
    receive_s: float
    wait_s: float

    @property
    def timings_s(self) -> dict[str, float]:
        """Seconds by phase: receive, wait, and those of all pipelines."""
        total = Counter({"receive": self.receive_s, "wait": self.wait_s})
        for pipeline in self.pipelines:
            total.update(pipeline.timings_s)
        return dict(total)


class ResultReader:
    """Reads results from the index."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def study_result(self, study_uid: Uid) -> StudyResult | None:
        """The result of the newest closed revision, or `None` before one was closed."""
        with reading(self._engine) as connection:
            found = connection.execute(
                select(revision.c.number, revision.c.state, revision.c.opened_at, revision.c.closed_at)
                .where(revision.c.study_uid == study_uid, revision.c.state != RevisionState.COLLECTING)
                .order_by(revision.c.number.desc())
                .limit(1)
            ).first()
            if found is None:
                return None
            all_work = work_of(connection, study_uid, found.number)
            first, last = _received(connection, study_uid, found.number, until=found.closed_at)
            return StudyResult(
                study_uid=study_uid,
                revision=found.number,
                state=study_state(found.state, result_states(all_work)),
                pipelines=_pipelines(connection, study_uid, found.number, all_work),
                receive_s=(last - first).total_seconds(),
                wait_s=(found.closed_at - last).total_seconds(),
            )


def _pipelines(
    connection: Connection, study_uid: Uid, number: int, all_work: tuple[WorkRow, ...]
) -> tuple[PipelineResult, ...]:
    return tuple(
        PipelineResult(
            pipeline=decision.pipeline,
            concerned=decision.concerned,
            choice=decision.choice,
            artefacts=_artefacts(connection, study_uid, number, decision.pipeline),
            objects=objects_of(connection, study_uid, number, pipeline=decision.pipeline),
            work=tuple(row for row in all_work if row.item.pipeline == decision.pipeline),
            timings_s=_timings(connection, study_uid, number, decision.pipeline),
        )
        for decision in load_decisions(connection, study_uid, number)
    )


def _received(
    connection: Connection, study_uid: Uid, number: int, *, until: datetime.datetime
) -> tuple[datetime.datetime, datetime.datetime]:
    """When the first and the last image arrived; our own objects that came back after the closing are none of them."""
    first, last = connection.execute(
        select(func.min(instance.c.received_at), func.max(instance.c.received_at)).where(
            instance.c.study_uid == study_uid, instance.c.revision == number, instance.c.received_at <= until
        )
    ).one()
    return first or until, last or until


def _artefacts(connection: Connection, study_uid: Uid, number: int, pipeline: str) -> tuple[Artefact, ...]:
    query = (
        select(artefact)
        .join(work, work.c.work_id == artefact.c.work_id)
        .where(work.c.study_uid == study_uid, work.c.revision == number, work.c.pipeline == pipeline)
        .order_by(artefact.c.work_id, artefact.c.name)
    )
    return tuple(
        Artefact(name=row.name, file=row.file, digest=row.digest, size=row.size) for row in connection.execute(query)
    )


def _timings(connection: Connection, study_uid: Uid, number: int, pipeline: str) -> dict[str, float]:
    query = select(work.c.timings_s).where(
        work.c.study_uid == study_uid,
        work.c.revision == number,
        work.c.pipeline == pipeline,
        work.c.stage.not_in(ASIDE),
    )
    total: Counter[str] = Counter()
    for timings in connection.execute(query).scalars():
        total.update(timings)
    return dict(total)
