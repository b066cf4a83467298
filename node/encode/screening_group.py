"""What a report says of the study as a whole: assessed or not, why not, the band, the density and the classifier."""

from __future__ import annotations

from highdicom import sr

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.bone_screening import BoneScreening
from node.domain.calibration import CalibrationMethod
from node.domain.classifier import ClassifierAnswer
from node.domain.finding import Status
from node.domain.levels import VertebralLevel
from node.domain.result import Result
from node.domain.whole_numbers import whole
from node.encode.algorithm import algorithm_name, algorithm_parameters
from node.encode.concepts import (
    ARTIFICIAL_INTELLIGENCE,
    BMD_CATEGORY,
    BMD_CATEGORY_ALSO_POSSIBLE,
    BMD_CATEGORY_OF,
    BMD_INDETERMINATE,
    CALIBRATION_METHOD,
    CALIBRATION_METHOD_OF,
    CLASSIFIER_CATEGORY,
    CLASSIFIER_METHOD,
    CLASSIFIER_METHOD_OF,
    CONTRAST_PHASE,
    CONTRAST_PHASE_OF,
    FINDING,
    HU_BAND,
    HU_BAND_OF,
    INTENDED_USE,
    INTENDED_USE_OF,
    OFFERED_INSTEAD,
    SCREENING,
    SPINE,
    STATUS,
    STATUS_OF,
    UNCALIBRATED_NUMBERS,
    vertebra,
)
from node.encode.context import Names
from node.encode.measurement_groups import (
    add_comments,
    class_probabilities,
    evaluation,
    mean_density,
    reason_evaluations,
)

UNCALIBRATED = "An uncalibrated CT number band: not a bone mineral density and not a diagnosis."
NOT_A_DIAGNOSIS = "For women after the menopause and older men; not a diagnosis."
_CALIBRATED: dict[CalibrationMethod, str] = {
    CalibrationMethod.PHANTOM: "Calibrated by a phantom in the scan.",
    CalibrationMethod.ASYNCHRONOUS: "Calibrated at the site.",
    CalibrationMethod.INTERNAL: "Calibrated by the patient's own tissues, not by a phantom.",
}


def screening_group(result: Result, names: Names) -> sr.MeasurementsAndQualitativeEvaluations:
    """The group (TID 1501) that speaks of the study; it is there in every report."""
    findings, provenance = result.findings, result.provenance
    name, version = algorithm_name(provenance)
    band = findings.screening
    sites = [vertebra(level) for level in band.levels] if band else [SPINE]
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=names.screening_uid(), identifier="bone screening"),
        finding_category=FINDING.coded,
        finding_type=SCREENING.coded,
        finding_sites=[sr.FindingSite(site.coded) for site in sites],
        algorithm_id=sr.AlgorithmIdentification(
            name=name,
            version=version,
            parameters=algorithm_parameters(provenance),
            family=ARTIFICIAL_INTELLIGENCE.coded if provenance.models else None,
        ),
        measurements=_measurements(band) or None,
        qualitative_evaluations=[
            evaluation(STATUS, STATUS_OF[findings.status]),
            evaluation(INTENDED_USE, INTENDED_USE_OF[provenance.intended_use]),
            *([] if findings.contrast is None else [evaluation(CONTRAST_PHASE, CONTRAST_PHASE_OF[findings.contrast])]),
            *_hu_band(band),
            *_category(band),
            *_classifier(band),
            *([] if findings.offered is None else [evaluation(OFFERED_INSTEAD, vertebra(findings.offered))]),
            *reason_evaluations(findings.reasons),
        ],
    )
    add_comments(group, _sentences(result))
    return group


def _hu_band(band: BoneScreening | None) -> list[sr.QualitativeEvaluation]:
    return [evaluation(HU_BAND, HU_BAND_OF[band.hu_band])] if band and band.hu_band else []


def _measurements(screening: BoneScreening | None) -> list[sr.Measurement]:
    """The mean density, and how probable the classifier holds each category."""
    if screening is None:
        return []
    measured = [] if screening.density is None else [mean_density(screening.density)]
    return measured if screening.answer is None else [*measured, *class_probabilities(screening.answer)]


def _category(screening: BoneScreening | None) -> list[sr.QualitativeEvaluation]:
    """The category, and how CT numbers became a density where they did."""
    if screening is None:
        return []
    told = _calibration(screening)
    if screening.indeterminate is not None:
        return [evaluation(BMD_CATEGORY, BMD_INDETERMINATE), *told]
    return told if screening.category is None else [_of_category(screening.category), *told]


def _calibration(screening: BoneScreening) -> list[sr.QualitativeEvaluation]:
    """How CT numbers became a density, and the other categories that it may have; or that they became none."""
    density = screening.density
    if density is None:
        band = screening.hu_band
        return [] if band is None else [evaluation(CALIBRATION_METHOD, UNCALIBRATED_NUMBERS)]
    others = [evaluation(BMD_CATEGORY_ALSO_POSSIBLE, BMD_CATEGORY_OF[category]) for category in density.also_possible]
    return [*others, evaluation(CALIBRATION_METHOD, CALIBRATION_METHOD_OF[density.calibration])]


def _of_category(category: BoneCategory) -> sr.QualitativeEvaluation:
    return evaluation(BMD_CATEGORY, BMD_CATEGORY_OF[category])


def _classifier(screening: BoneScreening | None) -> list[sr.QualitativeEvaluation]:
    """The category that the classifier gives, if it gives one, and what it saw."""
    if screening is None or screening.answer is None:
        return []
    category = screening.answer.category
    return [
        evaluation(CLASSIFIER_CATEGORY, BMD_INDETERMINATE if category is None else BMD_CATEGORY_OF[category]),
        evaluation(CLASSIFIER_METHOD, CLASSIFIER_METHOD_OF[screening.answer.method]),
    ]


def _sentences(result: Result) -> list[str]:
    """For people: the band with its number, or why nothing could be assessed."""
    findings = result.findings
    sentences = [reason.text for reason in findings.reasons]
    if findings.status is Status.NOT_EVALUABLE:
        sentences.insert(0, "Nothing could be assessed.")
    if findings.status is Status.FAILED:
        sentences.insert(0, "The analysis failed; this says nothing about the patient.")
    screening = findings.screening
    if screening and screening.density:
        sentences.append(_density(screening.density, screening.levels))
    if screening and screening.hu_band:
        meaning = HU_BAND_OF[screening.hu_band].code.meaning
        sentences.append(f"{_l1_value(findings.l1_hu)}{meaning}. {UNCALIBRATED}")
        sentences += screening.told_of_band(findings.l1_hu)
    if screening and screening.answer:
        sentences.append(_answer(screening.answer))
    if screening and screening.indeterminate:
        sentences.append("Indeterminate: no category of bone density can be told.")
    if findings.offer:
        sentences.append(findings.offer)
    return sentences


def _density(density: MeanDensity, levels: tuple[VertebralLevel, ...]) -> str:
    """The mean with its interval, its category, and the others that the interval reaches."""
    low, high = (whole(end, BoneCategory.of) for end in density.interval_95)
    told = f"Mean of {' and '.join(levels)} {density.value:.1f} mg/cm3 (95 % interval {low} to {high})."
    others = " and ".join(category.value for category in density.also_possible)
    also = f" The interval reaches {others}." if others else ""
    category = BMD_CATEGORY_OF[density.category].code.meaning
    return f"{told} {category}.{also} {_CALIBRATED[density.calibration]} {NOT_A_DIAGNOSIS}"


def _answer(answer: ClassifierAnswer) -> str:
    """The most probable category first."""
    ranked = sorted(BoneCategory, key=answer.probability, reverse=True)
    first, *others = (f"{category} {answer.probability(category):.2f}" for category in ranked)
    seen = " and ".join(answer.levels)
    return f"Classifier, by the image of {seen}: {first}, {', '.join(others)} ({answer.word}). {NOT_A_DIAGNOSIS}"


def _l1_value(hu: float | None) -> str:
    return "" if hu is None else f"L1 trabecular core {whole(hu, HuBand.of)} HU. "
