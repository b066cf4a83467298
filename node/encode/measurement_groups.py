"""What a report says of one vertebra: measured on its segments (TID 1411), or why not (TID 1501)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from highdicom import sr

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import MeanDensity
from node.domain.classifier import ClassifierAnswer
from node.domain.finding import Status, VertebraFinding
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
    CLASS_PROBABILITY_OF,
    CLASS_SCORE_OF,
    COMMENT,
    CUBIC_MILLIMETER,
    HEIGHT,
    HEIGHT_LOSS,
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
from node.encode.height_loss_items import height_loss_sentence, height_loss_statements
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


#: A vertebra whose bone is not evaluable keeps these: they are why, or would be, and no statement about bone.
_OF_ITS_SHAPE = (Quantity.ANTERIOR_HEIGHT, Quantity.MIDDLE_HEIGHT, Quantity.POSTERIOR_HEIGHT)

_Group: TypeAlias = sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations


def vertebra_groups(
    finding: VertebraFinding, segments: ReferencedSegments | None, provenance: Provenance, *, names: Names
) -> tuple[_Group, ...]:
    """The measurement groups of a vertebra: of its body, and of its trabecular core where that was asked for.

    None where there is neither a measurement nor a reason to report.
    """
    sound = finding.status is Status.ASSESSED
    told = [each for each in finding.measurements if sound or each.quantity in _OF_ITS_SHAPE]
    if not any(isinstance(each, Measurement) for each in told):
        reasons = finding.reasons or tuple(
            value.reason for value in finding.measurements if isinstance(value, NotMeasurable)
        )
        return (_unmeasured_group(finding, reasons, names),) if reasons else ()
    of_core = [each for each in told if _CODING[each.quantity].part is TRABECULAR_CORE]
    of_body = [each for each in told if each not in of_core]
    body = _body_group(finding, of_body, segments, provenance, names=names)
    return (body, _core_group(finding, of_core, segments, provenance, names=names)) if of_core else (body,)


def _body_group(
    finding: VertebraFinding,
    values: Sequence[Measurement | NotMeasurable],
    segments: ReferencedSegments | None,
    provenance: Provenance,
    *,
    names: Names,
) -> _Group:
    """What was measured in the body, and what holds for the vertebra."""
    measured = [each for each in values if isinstance(each, Measurement)]
    about = _about(finding, Structure.BODY, names)
    about["algorithm_id"] = sr.AlgorithmIdentification(*algorithm_name(provenance))
    about["measurements"] = [
        *_measurements(measured, provenance),
        *_height_loss(finding),
        *_level_confidence(finding),
    ] or None
    about["qualitative_evaluations"] = [
        evaluation(STATUS, STATUS_OF[finding.status]),
        *reason_evaluations(finding.reasons),
        *_gaps(values),
        *(evaluation(name, value) for name, value in height_loss_statements(finding.height_loss)),
    ]
    group = _on_segment(about, finding, Structure.BODY, segments)
    add_comments(group, [reason.text for reason in finding.reasons])
    add_comments(group, [sentence for sentence in (height_loss_sentence(finding.height_loss),) if sentence])
    return group


def _core_group(
    finding: VertebraFinding,
    values: Sequence[Measurement | NotMeasurable],
    segments: ReferencedSegments | None,
    provenance: Provenance,
    *,
    names: Names,
) -> _Group:
    """What was measured in the trabecular core."""
    measured = [each for each in values if isinstance(each, Measurement)]
    about = _about(finding, Structure.TRABECULAR_CORE, names)
    about["algorithm_id"] = sr.AlgorithmIdentification(*algorithm_name(provenance))
    about["measurements"] = _measurements(measured, provenance) or None
    about["qualitative_evaluations"] = [*_calibration(measured), *_gaps(values)] or None
    return _on_segment(about, finding, Structure.TRABECULAR_CORE, segments)


def _on_segment(
    about: dict[str, object], finding: VertebraFinding, structure: Structure, segments: ReferencedSegments | None
) -> _Group:
    """The group on the segment of its structure, where that was drawn."""
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
        value=round(value.value, 1),  # as everywhere else, and as precisely as limits are applied to it
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
        name=BONE_MINERAL_DENSITY.coded, value=round(density.value, 1), unit=unit, derivation=MEAN.coded
    )
    measurement[0].ContentSequence.append(_uncertainty(density.standard_uncertainty, unit))
    return measurement


def class_probabilities(answer: ClassifierAnswer) -> list[sr.Measurement]:
    """One item a category; a score where nobody compared the numbers with truth."""
    names = CLASS_PROBABILITY_OF if answer.calibrated else CLASS_SCORE_OF
    return [
        _BodyMeasurement(name=names[category].coded, value=round(answer.probability(category), 3), unit=NO_UNITS.coded)
        for category in BoneCategory
    ]


def _height_loss(finding: VertebraFinding) -> list[sr.Measurement]:
    loss = finding.height_loss
    if loss is None:
        return []
    unit = PERCENT.coded
    site = sr.FindingSite(vertebra(finding.level).coded, topographical_modifier=VERTEBRAL_BODY.coded)
    measurement = _BodyMeasurement(
        name=HEIGHT_LOSS.coded, value=round(loss.percent, 1), unit=unit, finding_sites=[site]
    )
    measurement[0].ContentSequence.append(_uncertainty(loss.standard_uncertainty, unit))
    return [measurement]


def _uncertainty(value: float, unit: sr.CodedConcept) -> sr.NumContentItem:
    return sr.NumContentItem(
        name=STANDARD_UNCERTAINTY.coded, value=round(value, 2), unit=unit, relationship_type="HAS PROPERTIES"
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


def add_comments(
    group: sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations,
    texts: list[str],
) -> None:
    """Append sentences for people to a group."""
    for text in texts:
        group[0].ContentSequence.append(comment(text))


def comment(text: str) -> sr.TextContentItem:
    """A sentence for people."""
    return sr.TextContentItem(name=COMMENT.coded, value=plain(text), relationship_type="CONTAINS")


def evaluation(name: Concept, value: Concept) -> sr.QualitativeEvaluation:
    """A coded statement."""
    return sr.QualitativeEvaluation(name=name.coded, value=value.coded)
