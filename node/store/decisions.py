"""What selection decided, with every reason: written when a revision is closed, read for ever after."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from node.domain.identifiers import Uid
from node.domain.reasons import Reason
from node.domain.selection import NoSuitableSeries, RejectedSeries, SeriesChoice
from node.store.history import HistoryEntry, note
from node.store.history_kinds import HistoryKind
from node.store.schema import analysis, series_decision


@dataclass(frozen=True, slots=True)
class Decision:
    """What a pipeline reads of a study.

    `concerned` says whether the study has anything of a modality that the pipeline reads: where not, no work follows.
    """

    pipeline: str
    concerned: bool
    choice: SeriesChoice | NoSuitableSeries


def save_decision(
    connection: Connection, study_uid: Uid, revision: int, *, decision: Decision, now: datetime.datetime
) -> None:
    """Keep a decision, in the transaction that closes the revision."""
    choice = decision.choice
    chosen = choice.series_uid if isinstance(choice, SeriesChoice) else None
    key = {"study_uid": study_uid, "revision": revision, "pipeline": decision.pipeline}
    unknown = choice.unknown if isinstance(choice, SeriesChoice) else ()
    connection.execute(insert(analysis).values(**key, concerned=decision.concerned, series_uid=chosen, unknown=unknown))
    rows = [
        {**key, "series_uid": each.series_uid, "chosen": False, "reasons": each.reasons} for each in choice.rejected
    ]
    if chosen is not None:
        rows.append({**key, "series_uid": chosen, "chosen": True, "reasons": ()})
    connection.execute(insert(series_decision), rows)
    what = HistoryKind.NONE_CHOSEN if chosen is None else HistoryKind.CHOSEN
    note(connection, HistoryEntry(at=now, study_uid=study_uid, revision=revision, what=what, detail=decision.pipeline))


def load_decisions(connection: Connection, study_uid: Uid, revision: int) -> tuple[Decision, ...]:
    """All decisions of a revision; none before it was closed."""
    query = select(analysis).where(analysis.c.study_uid == study_uid, analysis.c.revision == revision)
    found = connection.execute(query.order_by(analysis.c.pipeline)).all()
    rejected: dict[str, list[RejectedSeries]] = {}
    for pipeline, series_uid, reasons in _rejections(connection, study_uid, revision):
        rejected.setdefault(pipeline, []).append(RejectedSeries(series_uid=series_uid, reasons=reasons))
    return tuple(
        Decision(
            row.pipeline,
            concerned=row.concerned,
            choice=_choice(row.series_uid, row.unknown, tuple(rejected.get(row.pipeline, ()))),
        )
        for row in found
    )


def _rejections(
    connection: Connection, study_uid: Uid, revision: int
) -> tuple[tuple[str, Uid, tuple[Reason, ...]], ...]:
    query = (
        select(series_decision)
        .where(
            series_decision.c.study_uid == study_uid,
            series_decision.c.revision == revision,
            series_decision.c.chosen.is_(False),
        )
        .order_by(series_decision.c.series_uid)
    )
    return tuple((row.pipeline, row.series_uid, row.reasons) for row in connection.execute(query))


def _choice(
    series_uid: Uid | None, unknown: tuple[str, ...], rejected: tuple[RejectedSeries, ...]
) -> SeriesChoice | NoSuitableSeries:
    if series_uid is None:
        return NoSuitableSeries(rejected=rejected)
    return SeriesChoice(series_uid=series_uid, unknown=unknown, rejected=rejected)
