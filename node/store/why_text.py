"""The explanation of a study as lines of text, for the terminal."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from node.domain.identifiers import Uid
from node.domain.reasons import SENTENCES, ReasonCode
from node.domain.selection import SeriesChoice
from node.store.decisions import Decision
from node.store.why import RevisionExplanation, StudyExplanation, Wait, WorkExplanation


def lines(explanation: StudyExplanation, *, with_history: bool = False) -> tuple[str, ...]:
    """What `osteonode why` prints, newest revision first."""
    return tuple(_lines(explanation, with_history=with_history))


def _lines(explanation: StudyExplanation, *, with_history: bool) -> Iterator[str]:
    yield f"Study {explanation.study_uid}: {explanation.state}"
    if explanation.conflicts:
        yield f"  {explanation.conflicts} images came again with other bytes; the first stay, these are kept aside"
    for revision in reversed(explanation.revisions):
        yield from _revision(revision)
    if with_history:
        yield "  History"
        for entry in explanation.history:
            about = f" work {entry.work_id}" if entry.work_id is not None else ""
            detail = f": {entry.detail}" if entry.detail else ""
            yield f"    {_time(entry.at)} revision {entry.revision}{about} {entry.what}{detail}"


def _revision(revision: RevisionExplanation) -> Iterator[str]:
    images = sum(series.images for series in revision.series)
    yield f"  Revision {revision.number}: {revision.state}, {revision.priority}, {images} images"
    yield f"    opened {_time(revision.opened_at)}"
    if revision.closed_at is not None:
        yield f"    closed {_time(revision.closed_at)}, because of: {revision.cause}"
    if revision.wait is not None:
        yield f"    waits for {_wait(revision.wait)}"
    counts = {series.series_uid: series.images for series in revision.series}
    for decision in revision.decisions:
        yield from _decision(decision, counts)
    for each in revision.work:
        yield from _work(each)


def _decision(decision: Decision, counts: dict[Uid, int]) -> Iterator[str]:
    concerned = "" if decision.concerned else ": nothing in the study is of a kind that it reads"
    yield f"    Pipeline {decision.pipeline}{concerned}"
    choice = decision.choice
    if isinstance(choice, SeriesChoice):
        unknown = f"; unknown: {', '.join(choice.unknown)}" if choice.unknown else ""
        yield f"      read:     {choice.series_uid} ({counts.get(choice.series_uid, 0)} images{unknown})"
    elif decision.concerned:
        yield f"      read:     none. {SENTENCES[ReasonCode.NO_SERIES]}"
    for rejected in choice.rejected:
        yield f"      not read: {rejected.series_uid} ({counts.get(rejected.series_uid, 0)} images)"
        for reason in rejected.reasons:
            yield f"        {reason.code}: {reason.text}"


def _work(explanation: WorkExplanation) -> Iterator[str]:
    row = explanation.work
    to = f" {row.item.object_uid} to {row.item.destination}" if row.item.destination else ""
    yield f"    Work {row.item.work_id} {row.item.stage}{to}: {row.state}, tries {row.attempts}"
    if row.losses:
        yield f"      workers lost: {row.losses}"
    if row.note:
        known = row.note in set(ReasonCode)
        yield f"      said: {row.note}{': ' + SENTENCES[ReasonCode(row.note)] if known else ''}"
    if row.last_error:
        yield f"      last failure: {row.last_error}"
    if explanation.wait is not None:
        yield f"      waits for {_wait(explanation.wait)}"


def _wait(wait: Wait) -> str:
    return wait.waits_for if wait.until is None else f"{wait.waits_for} (until {_time(wait.until)} at the latest)"


def _time(at: datetime.datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
