"""Findings, objects and timings as `result.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import MeanDensity
from node.domain.bone_screening import BoneScreening
from node.domain.calibration import CalibrationMethod
from node.domain.classifier import ClassifierAnswer
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.height_loss import HeightLoss
from node.domain.identifiers import Uid
from node.domain.measurement import Measurement, Quantity
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.reasons import Reason
from node.domain.study import Priority
from node.domain.triage import Triage
from node.encode.reference_readings import reason_part, references_part
from node.encode.result_document import (
    SCHEMA_DIALECT,
    SCHEMA_VERSION,
    Bmd,
    ClassifierPart,
    HeightLossPart,
    Heights,
    ObjectPart,
    PipelinePart,
    ReasonPart,
    ResultDocument,
    ScreeningPart,
    Timing,
    TriagePart,
    VertebraPart,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOutcome:
    """What one pipeline left of a study.

    `series_uid` is `None` where no series suited. A pipeline that was given up has findings whose status is failed.
    """

    name: str
    series_uid: Uid | None
    findings: CtBoneFindings
    intended_use: IntendedUse
    triage: Triage


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenObject:
    """A DICOM object beside the document; `file` is its name in the same folder."""

    kind: ObjectKind
    sop_instance_uid: Uid
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOutcome:
    """All that `result.json` speaks of. `timings_s` are seconds by phase; phases that it does not know are left out."""

    study_uid: Uid
    revision: int
    pipelines: tuple[PipelineOutcome, ...]
    objects: tuple[WrittenObject, ...]
    timings_s: Mapping[str, float]


def result_document(outcome: StudyOutcome) -> ResultDocument:
    """The document of a study's outcome."""
    findings = [pipeline.findings for pipeline in outcome.pipelines]
    status = study_status([each.status for each in findings])
    return ResultDocument(
        schema_=SCHEMA_VERSION,
        study_uid=outcome.study_uid,
        revision=outcome.revision,
        status=status,
        reasons=() if status is Status.ASSESSED else _reasons([reason for each in findings for reason in each.reasons]),
        intended_use=_intended_use(outcome.pipelines),
        pipelines=tuple(_pipeline(each) for each in outcome.pipelines),
        objects=tuple(
            ObjectPart(kind=each.kind.value, sop_instance_uid=each.sop_instance_uid, file=each.file)
            for each in outcome.objects
        ),
        timing_s=Timing(
            **{phase: round(value, 3) for phase, value in outcome.timings_s.items() if phase in Timing.model_fields}
        ),
    )


def result_text(document: ResultDocument) -> str:
    """The content of `result.json`: optional keys without a value are left out."""
    return document.model_dump_json(by_alias=True, exclude_defaults=True, indent=2) + "\n"


def schema_text() -> str:
    """The content of `docs/reference/result.schema.json`."""
    schema = {"$schema": SCHEMA_DIALECT, **ResultDocument.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2) + "\n"


def study_status(pipelines: Sequence[Status]) -> Status:
    """Assessed where any pipeline assessed something, else failed where any failed."""
    for status in (Status.ASSESSED, Status.FAILED):
        if status in pipelines:
            return status
    return Status.NOT_EVALUABLE


def _intended_use(pipelines: Sequence[PipelineOutcome]) -> IntendedUse:
    clinical = bool(pipelines) and all(each.intended_use is IntendedUse.CLINICAL for each in pipelines)
    return IntendedUse.CLINICAL if clinical else IntendedUse.RESEARCH


def _reasons(reasons: Sequence[Reason]) -> tuple[ReasonPart, ...]:
    return tuple(reason_part(reason) for reason in dict.fromkeys(reasons))


def _pipeline(outcome: PipelineOutcome) -> PipelinePart:
    findings = outcome.findings
    urgent = outcome.triage.priority is Priority.URGENT
    return PipelinePart(
        name=cast("Literal['ct-bone', 'xr-fracture']", outcome.name),
        series_uid=outcome.series_uid,
        status=findings.status,
        reasons=_reasons(findings.reasons),
        vertebrae=tuple(_vertebra(each) for each in findings.vertebrae),
        screening=_screening(findings.screening),
        contrast=findings.contrast,
        references=None if findings.references is None else references_part(findings.references),
        offered_level=findings.offered,
        limitations=findings.limitations,
        triage=TriagePart(
            priority=Priority.URGENT if urgent else Priority.ROUTINE,
            because=outcome.triage.because,
        ),
    )


def _vertebra(finding: VertebraFinding) -> VertebraPart:
    core = finding.measurement(Quantity.CORE_MEAN_HU)
    centroid = finding.centroid_lps_mm
    confidence = finding.level_confidence
    return VertebraPart(
        level=finding.level,
        status=finding.status,
        reasons=_reasons(finding.reasons),
        level_confidence=None if confidence is None else confidence.told,
        level_confidence_kind=None if confidence is None else confidence.word,
        centroid_lps_mm=None
        if centroid is None
        else cast("tuple[float, float, float]", tuple(round(value, 2) for value in centroid)),
        mean_hu=None if core is None else round(core.value, 1),
        mean_hu_standard_uncertainty=None if core is None else _rounded(core.standard_uncertainty, 2),
        roi=None if core is None else "trabecular-core",
        body_mean_hu=_rounded(finding.value(Quantity.BODY_MEAN_HU), 1),
        volume_mm3=_rounded(finding.value(Quantity.BODY_VOLUME), 1),
        bmd=_bmd(finding.measurement(Quantity.BMD)),
        heights_mm=_heights(finding),
        genant=None if finding.height_loss is None else int(finding.height_loss.grade),
        height_loss=_height_loss(finding.height_loss),
    )


def _bmd(density: Measurement | None) -> Bmd | None:
    if density is None or density.calibration is None or density.interval_95 is None:
        return None
    return _told(density, density.interval_95, density.calibration)


def _told(density: Measurement | MeanDensity, interval_95: tuple[float, float], calibration: CalibrationMethod) -> Bmd:
    low, high = interval_95
    return Bmd(
        value_mg_cm3=round(density.value, 1),
        interval_95=(round(low, 1), round(high, 1)),
        calibration=calibration,
        calibration_name=density.calibration_name,
    )


def _heights(finding: VertebraFinding) -> Heights | None:
    heights = [
        finding.measurement(quantity)
        for quantity in (Quantity.ANTERIOR_HEIGHT, Quantity.MIDDLE_HEIGHT, Quantity.POSTERIOR_HEIGHT)
    ]
    values = [round(height.value, 1) for height in heights if height is not None]
    if len(values) < len(heights):
        return None
    known = [
        round(height.standard_uncertainty, 2)
        for height in heights
        if height is not None and height.standard_uncertainty is not None
    ]
    anterior, middle, posterior = values
    uncertainty = cast("tuple[float, float, float]", tuple(known)) if len(known) == len(heights) else None
    return Heights(anterior=anterior, middle=middle, posterior=posterior, standard_uncertainty=uncertainty)


def _height_loss(loss: HeightLoss | None) -> HeightLossPart | None:
    if loss is None:
        return None
    return HeightLossPart(
        percent=round(loss.percent, 1),
        standard_uncertainty=round(loss.standard_uncertainty, 1),
        deformity=loss.deformity,
        genant_also=tuple(int(grade) for grade in loss.also_possible),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _screening(screening: BoneScreening | None) -> ScreeningPart | None:
    if screening is None:
        return None
    density = screening.density
    return ScreeningPart(
        hu_band=screening.hu_band,
        category="indeterminate" if screening.indeterminate is not None else screening.category,
        category_also=() if density is None else density.also_possible,
        calibration=_calibration(screening),
        bmd=None if density is None else _told(density, density.interval_95, density.calibration),
        classifier=None if screening.answer is None else _classifier(screening.answer),
        method=screening.method,
        levels=screening.levels,
    )


def _calibration(screening: BoneScreening) -> CalibrationMethod | Literal["uncalibrated"] | None:
    """How CT numbers became a density; a band says that they are what they are."""
    if screening.density is not None:
        return screening.density.calibration
    return None if screening.hu_band is None else "uncalibrated"


def _classifier(answer: ClassifierAnswer) -> ClassifierPart:
    return ClassifierPart(
        category=answer.category or "indeterminate",
        method=answer.method,
        levels=answer.levels,
        kind=answer.word,
        probabilities={category: round(answer.probability(category), 3) for category in BoneCategory},
        model=f"{answer.model.name} {answer.model.version}",
    )
