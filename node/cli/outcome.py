"""What a study came to, left in a folder: `result.json`, DICOM objects, a picture of each series that was read."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from node.artefacts import FINDINGS, PICTURE, AnalysedSeries, findings_from_bytes
from node.cli.own_node import RunningNode
from node.domain.errors import Bug, TransientFailure
from node.domain.finding import CtBoneFindings, Status
from node.domain.identifiers import Uid
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.provenance import IntendedUse
from node.domain.selection import NoSuitableSeries
from node.domain.state import GIVEN_UP
from node.domain.triage import TriagePolicy, triage
from node.domain.work import Artefact
from node.encode.result_json import (
    PipelineOutcome,
    StudyOutcome,
    WrittenObject,
    result_document,
    result_text,
    study_status,
)
from node.encode_stage import reasons_of
from node.store.results import PipelineResult

RESULT_FILE = "result.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What was left in a folder for a study.

    `text` is the content of `result.json`, `failures` says of each piece of work that was given up what went wrong.
    """

    folder: Path
    outcome: StudyOutcome
    text: str
    pictures: tuple[Path, ...]
    failures: tuple[str, ...]

    @property
    def status(self) -> Status:
        """Assessed, not evaluable or failed."""
        return study_status([each.findings.status for each in self.outcome.pipelines])


def leave_results(node: RunningNode, study_uid: Uid, folder: Path, *, policy: TriagePolicy) -> Left:
    """Write all that the newest analysis of a study came to.

    Raises
    ------
    TransientFailure
        Where an object did not reach the embedded destination.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result = node.questions.results.study_result(study_uid)
    if result is None:
        raise Bug("a finished study must have a result")
    pipelines = tuple(_pipeline(node, each, policy) for each in result.pipelines)
    objects = tuple(
        _leave_object(node, made, folder / f"{each.pipeline}-{made.kind}.dcm".lower())
        for each in result.pipelines
        for made in each.objects
    )
    outcome = StudyOutcome(
        study_uid=study_uid,
        revision=result.revision,
        pipelines=pipelines,
        objects=objects,
        timings_s=result.timings_s,
    )
    text = result_text(result_document(outcome))
    (folder / RESULT_FILE).write_text(text)
    pictures = tuple(picture for each in result.pipelines if (picture := _leave_picture(node, each, folder)))
    failures = tuple(
        f"{row.item.stage} {row.state}: {row.last_error}"
        for each in result.pipelines
        for row in each.work
        if row.state in GIVEN_UP
    )
    return Left(folder=folder, outcome=outcome, text=text, pictures=pictures, failures=failures)


def _pipeline(node: RunningNode, result: PipelineResult, policy: TriagePolicy) -> PipelineOutcome:
    choice = result.choice
    analysed = _analysed(node, result)
    findings = analysed.findings if analysed is not None else _without_analysis(result)
    return PipelineOutcome(
        name=result.pipeline,
        series_uid=None if isinstance(choice, NoSuitableSeries) else choice.series_uid,
        findings=findings,
        intended_use=IntendedUse.RESEARCH if analysed is None else analysed.provenance.intended_use,
        triage=triage(findings, policy),
    )


def _analysed(node: RunningNode, result: PipelineResult) -> AnalysedSeries | None:
    found = _named(result, FINDINGS)
    return None if found is None else findings_from_bytes(node.questions.artefacts.read(found))


def _without_analysis(result: PipelineResult) -> CtBoneFindings:
    """The findings of a pipeline whose workers left none: no series suited, or its work was given up."""
    if isinstance(result.choice, NoSuitableSeries) and not any(row.state in GIVEN_UP for row in result.work):
        return CtBoneFindings(status=Status.NOT_EVALUABLE, reasons=reasons_of(result.choice))
    return CtBoneFindings(status=Status.FAILED)


def _leave_object(node: RunningNode, made: OutgoingObject, target: Path) -> WrittenObject:
    """Copy an object: what the embedded destination received, or what the store holds where results go elsewhere."""
    source = node.questions.store / made.file
    if node.destination is not None:
        received = node.destination.file(made.sop_instance_uid)
        if received.exists():
            source = received
        elif not made.urgent and made.kind is not ObjectKind.SC:  # no result waits for a picture
            raise TransientFailure(f"the {made.kind} did not arrive; `osteonode dead-letters` says why")
    shutil.copyfile(source, target)
    return WrittenObject(kind=made.kind, sop_instance_uid=made.sop_instance_uid, file=target.name)


def _leave_picture(node: RunningNode, result: PipelineResult, folder: Path) -> Path | None:
    """The picture of what was found or refused; `None` where no series was read, or drawing it was given up."""
    drawn = _named(result, PICTURE)
    if drawn is None:
        return None
    picture = folder / f"{result.pipeline}.png"
    picture.write_bytes(node.questions.artefacts.read(drawn))
    return picture


def _named(result: PipelineResult, name: str) -> Artefact | None:
    """The artefact of a name; of several the last, which the latest stage wrote."""
    return next((each for each in reversed(result.artefacts) if each.name == name), None)
