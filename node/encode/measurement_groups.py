"""What a report says of one vertebra: measured on its segments (TID 1411), or why not (TID 1501)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from highdicom import sr

from node.domain.finding import MeanDensity, Status, VertebraFinding
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.provenance import Provenance
from node.domain.reasons import Reason
from node.domain.volume import Structure, segment_label
from node.encode.algorithm import algorithm_name, plain
from node.encode.concepts import (
    ANATOMICAL_STRUCTURE,
    ANTERIOR,
    ATTENUATION,
    BONE_MINERAL_DENSITY,
    CALIBRATION_METHOD,
    CALIBRATION_METHOD_OF,
    COMMENT,
    CUBIC_MILLIMETER,
    HEIGHT,
    HOUNSFIELD_UNIT,
    LEVEL_PROBABILITY,
    LEVEL_SCORE,
    MEAN,
    MIDDLE,
    MILLIGRAM_PER_CUBIC_CENTIMETER,
    MILLIMETER,
    NO_UNITS,
    PERCENT,
    POSTERIOR,
    STANDARD_DEVIATION,
    STANDARD_UNCERTAINTY,
    STATUS,
    STATUS_OF,
    TRABECULAR_CORE,
    VERTEBRA,
    VERTEBRAL_BODY,
    VOLUME,
    Concept,
    vertebra,
)
from node.encode.context import Names
from node.encode.exclusion_codes import NOT_MEASURED, REASON, REASON_OF
from node.encode.referenced_segments import ReferencedSegments

_UNIT: dict[Unit, Concept] = {
    Unit.HOUNSFIELD: HOUNSFIELD_UNIT,
    Unit.MM: MILLIMETER,
    Unit.MM3: CUBIC_MILLIMETER,
    Unit.MG_CM3: MILLIGRAM_PER_CUBIC_CENTIMETER,
    Unit.PERCENT: PERCENT,
    Unit.ONE: NO_UNITS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coding:
    """How a quantity is coded: concept, derivation, and the part of the vertebra that it was taken in."""

    concept: Concept
    derivation: Concept | None
    part: Concept


_CODING: dict[Quantity, _Coding] = {
    Quantity.CORE_MEAN_HU: _Coding(concept=ATTENUATION, derivation=MEAN, part=TRABECULAR_CORE),
    Quantity.CORE_SD_HU: _Coding(concept=ATTENUATION, derivation=STANDARD_DEVIATION, part=TRABECULAR_CORE),
    Quantity.BODY_MEAN_HU: _Coding(concept=ATTENUATION, derivation=MEAN, part=VERTEBRAL_BODY),
    Quantity.BODY_VOLUME: _Coding(concept=VOLUME, derivation=None, part=VERTEBRAL_BODY),
    Quantity.CORE_VOLUME: _Coding(concept=VOLUME, derivation=None, part=TRABECULAR_CORE),
    Quantity.BMD: _Coding(concept=BONE_MINERAL_DENSITY, derivation=MEAN, part=TRABECULAR_CORE),
    Quantity.ANTERIOR_HEIGHT: _Coding(concept=HEIGHT, derivation=None, part=ANTERIOR),
    Quantity.MIDDLE_HEIGHT: _Coding(concept=HEIGHT, derivation=None, part=MIDDLE),
    Quantity.POSTERIOR_HEIGHT: _Coding(concept=HEIGHT, derivation=None, part=POSTERIOR),
}


_Group: TypeAlias = sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations


def vertebra_groups(
    finding: VertebraFinding, segments: ReferencedSegments | None, provenance: Provenance, *, names: Names
) -> tuple[_Group, ...]:
    """The measurement groups of a vertebra: of its body, and of its trabecular core where that was asked for.

    None where there is neither a measurement nor a reason to report.
    """
    if finding.status is not Status.ASSESSED or not any(isinstance(each, Measurement) for each in finding.measurements):
        reasons = finding.reasons or tuple(
            value.reason for value in finding.measurements if isinstance(value, NotMeasurable)
        )
        return (_unmeasured_group(finding, reasons, names),) if reasons else ()
    core = _group(finding, Structure.TRABECULAR_CORE, segments, provenance, names=names)
    body = _group(finding, Structure.BODY, segments, provenance, names=names)
    return tuple(group for group in (body, core) if group is not None)


def _group(
    finding: VertebraFinding,
    structure: Structure,
    segments: ReferencedSegments | None,
    provenance: Provenance,
    *,
    names: Names,
) -> _Group | None:
    """What was measured in one structure, on its segment where it was drawn; the body's group says what holds for the
    vertebra, and is always there.
    """
    is_body = structure is Structure.BODY
    within = [each for each in finding.measurements if (_CODING[each.quantity].part is TRABECULAR_CORE) != is_body]
    measured = [each for each in within if isinstance(each, Measurement)]
    if not (within or is_body):
        return None
    measurements = [*_measurements(measured, provenance), *(_level_confidence(finding) if is_body else ())]
    evaluations = [
        *([evaluation(STATUS, STATUS_OF[finding.status])] if is_body else ()),
        *_calibration(measured),
        *_gaps(within),
    ]
    about = _about(finding, structure, names)
    about["algorithm_id"] = sr.AlgorithmIdentification(*algorithm_name(provenance))
    about["measurements"] = measurements or None
    about["qualitative_evaluations"] = evaluations or None
    segment = segments.segment(structure, finding.segment_value) if segments else None
    if segment is None:
        return sr.MeasurementsAndQualitativeEvaluations(**about)
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **about)


def _about(finding: VertebraFinding, structure: Structure, names: Names) -> dict[str, object]:
    """What every group says first: tracking, category, finding, site; keyword arguments of highdicom's templates."""
    is_body = structure is Structure.BODY
    part = VERTEBRAL_BODY if is_body else TRABECULAR_CORE
    return {
        "tracking_identifier": sr.TrackingIdentifier(
            uid=names.tracking_uid(finding.level, finding.ordinal, structure),
            identifier=segment_label(finding.level, finding.ordinal, structure),
        ),
        "finding_category": ANATOMICAL_STRUCTURE.coded,
        "finding_type": (VERTEBRA if is_body else TRABECULAR_CORE).coded,
        "finding_sites": [sr.FindingSite(vertebra(finding.level).coded, topographical_modifier=part.coded)],
    }


class _BodyMeasurement(sr.Measurement):
    """A measurement of a vertebra: it refers to no coordinates of its own, and may not be given any."""

    @property
    def referenced_coordinates(self) -> list[sr.CoordinatesForMeasurement | sr.CoordinatesForMeasurement3D]:
        """None. highdicom looks for them by building every content item anew, a quarter of the time of a report."""
        return []


def _measurements(values: Sequence[Measurement], provenance: Provenance) -> list[sr.Measurement]:
    """The measurements of one vertebra.

    Those of one site or one method share its items: building them takes most of the time.
    """
    parts = {(value.site, _CODING[value.quantity].part) for value in values}
    sites = {
        (level, part): sr.FindingSite(vertebra(level).coded, topographical_modifier=part.coded) for level, part in parts
    }
    version = plain(provenance.code_version)
    algorithms = {
        method: sr.AlgorithmIdentification(name=plain(method), version=version)
        for method in {value.method for value in values}
    }
    return [
        _measurement(value, sites[value.site, _CODING[value.quantity].part], algorithms[value.method])
        for value in values
    ]


def _measurement(value: Measurement, site: sr.FindingSite, algorithm: sr.AlgorithmIdentification) -> sr.Measurement:
    coding = _CODING[value.quantity]
    unit = _UNIT[value.unit].coded
    measurement = _BodyMeasurement(
        name=coding.concept.coded,
        value=value.value,
        unit=unit,
        derivation=coding.derivation.coded if coding.derivation else None,
        finding_sites=[site],
        algorithm_id=algorithm,
    )
    if value.standard_uncertainty is not None:
        measurement[0].ContentSequence.append(_uncertainty(value.standard_uncertainty, unit))
    return measurement


def mean_density(density: MeanDensity) -> sr.Measurement:
    """The mean density of two vertebrae, with its uncertainty."""
    unit = _UNIT[Unit.MG_CM3].coded
    measurement = _BodyMeasurement(
        name=BONE_MINERAL_DENSITY.coded, value=density.value, unit=unit, derivation=MEAN.coded
    )
    measurement[0].ContentSequence.append(_uncertainty(density.standard_uncertainty, unit))
    return measurement


def _uncertainty(value: float, unit: sr.CodedConcept) -> sr.NumContentItem:
    return sr.NumContentItem(
        name=STANDARD_UNCERTAINTY.coded, value=value, unit=unit, relationship_type="HAS PROPERTIES"
    )


def _level_confidence(finding: VertebraFinding) -> list[sr.Measurement]:
    confidence = finding.level_confidence
    if confidence is None:
        return []
    name = LEVEL_PROBABILITY if confidence.calibrated else LEVEL_SCORE
    return [_BodyMeasurement(name=name.coded, value=confidence.told, unit=NO_UNITS.coded)]


def _calibration(measured: Sequence[Measurement]) -> list[sr.QualitativeEvaluation]:
    """How CT numbers became a density, where they did."""
    methods = dict.fromkeys(value.calibration for value in measured if value.calibration is not None)
    return [evaluation(CALIBRATION_METHOD, CALIBRATION_METHOD_OF[method]) for method in methods]


def _gaps(values: Sequence[Measurement | NotMeasurable]) -> list[sr.QualitativeEvaluation]:
    """One coded reason for each quantity that has no value; such a quantity has no NUM item at all."""
    return [
        evaluation(NOT_MEASURED[value.quantity], REASON_OF[value.reason.code])
        for value in values
        if isinstance(value, NotMeasurable)
    ]


def _unmeasured_group(
    finding: VertebraFinding, reasons: tuple[Reason, ...], names: Names
) -> sr.MeasurementsAndQualitativeEvaluations:
    status = finding.status if finding.status is not Status.ASSESSED else Status.NOT_EVALUABLE
    group = sr.MeasurementsAndQualitativeEvaluations(
        **_about(finding, Structure.BODY, names),
        qualitative_evaluations=[evaluation(STATUS, STATUS_OF[status]), *reason_evaluations(reasons)],
    )
    add_comments(group, [reason.text for reason in reasons])
    return group


def reason_evaluations(reasons: tuple[Reason, ...]) -> list[sr.QualitativeEvaluation]:
    """The reasons' codes, each once."""
    return [evaluation(REASON, REASON_OF[reason]) for reason in dict.fromkeys(reason.code for reason in reasons)]


def add_comments(group: sr.MeasurementsAndQualitativeEvaluations, texts: list[str]) -> None:
    """Append sentences for people to a group."""
    for text in texts:
        group[0].ContentSequence.append(comment(text))


def comment(text: str) -> sr.TextContentItem:
    """A sentence for people."""
    return sr.TextContentItem(name=COMMENT.coded, value=plain(text), relationship_type="CONTAINS")


def evaluation(name: Concept, value: Concept) -> sr.QualitativeEvaluation:
    """A coded statement."""
    return sr.QualitativeEvaluation(name=name.coded, value=value.coded)
