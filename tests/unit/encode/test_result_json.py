"""`result.json` follows its schema and says nothing that is not known."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from node.domain.contrast import ContrastPhase
from node.domain.finding import CtBoneFindings, Status
from node.domain.height_loss import Deformity, HeightLoss
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise
from node.encode.result_document import ResultDocument
from node.encode.result_json import (
    PipelineOutcome,
    StudyOutcome,
    WrittenObject,
    result_document,
    result_text,
    schema_text,
    study_status,
)
from tests.builders.answers import NORMAL, OSTEOPOROSIS, answer, with_answer
from tests.builders.encoded import ROUTINE, URGENT
from tests.builders.results import assessed_findings, calibrated_findings, not_evaluable
from tests.builders.tissues import tissues

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "result.schema.json"
REFUSED = CtBoneFindings(status=Status.NOT_EVALUABLE, reasons=(Reason(code=ReasonCode.GANTRY_TILT, detail="12.0."),))


def pipeline(findings: CtBoneFindings, **changes) -> PipelineOutcome:
    outcome = PipelineOutcome(
        name="ct-bone",
        series_uid=Uid("1.2.3.4"),
        findings=findings,
        intended_use=IntendedUse.RESEARCH,
        triage=ROUTINE,
    )
    return replace(outcome, **changes)


def study(*pipelines: PipelineOutcome) -> StudyOutcome:
    return StudyOutcome(
        study_uid=Uid("1.2.3"),
        revision=2,
        pipelines=pipelines,
        objects=(WrittenObject(kind=ObjectKind.SR, sop_instance_uid=Uid("1.2.9"), file="SR.dcm"),),
        timings_s={"load": 1.23456, "encode": 0.2, "of another phase": 5.0},
    )


def written(outcome: StudyOutcome) -> dict:
    document = json.loads(result_text(result_document(outcome)))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    return document


def test_the_schema_in_the_documentation_is_that_of_the_types():
    assert SCHEMA.read_text() == schema_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


def test_an_assessed_study_is_written_as_it_was_found():
    document = written(study(pipeline(assessed_findings(), triage=URGENT)))

    assert (document["schema"], document["study_uid"], document["revision"]) == ("1", "1.2.3", 2)
    assert (document["status"], document["reasons"], document["intended_use"]) == ("assessed", [], "research")
    (only,) = document["pipelines"]
    assert (only["name"], only["series_uid"], only["status"]) == ("ct-bone", "1.2.3.4", "assessed")
    assert only["screening"] == {"hu_band": "low", "calibration": "uncalibrated", "levels": ["L1"]}
    assert only["limitations"] == ["Contrast agent raises CT numbers."]
    assert only["triage"] == {"priority": "urgent", "because": ["L1 trabecular core 98 HU, below 110 HU"]}
    assert document["objects"] == [{"kind": "SR", "sop_instance_uid": "1.2.9", "file": "SR.dcm"}]
    assert document["timing_s"] == {"load": 1.235, "encode": 0.2}


def test_readings_of_tissues_and_the_phase_stand_beside_the_vertebrae():
    read = tissues(air=None, blood=151.26, noise=ImageNoise(sd_hu=14.04, frequency_per_mm=0.31234))
    findings = replace(assessed_findings(), references=read, contrast=ContrastPhase.VENOUS)

    (only,) = written(study(pipeline(findings)))["pipelines"]

    assert only["contrast"] == "venous"
    assert only["references"]["blood"] == {"mean_hu": 151.3, "sd_hu": 5.0, "volume_mm3": 20000.0}
    assert only["references"]["noise"] == {"sd_hu": 14.0, "frequency_per_mm": 0.312}
    assert only["references"]["air"]["reason"]["code"] == "reference-tissue-not-found"


def test_a_measured_vertebra_says_what_was_measured_and_leaves_out_the_rest():
    document = written(study(pipeline(assessed_findings())))

    l1 = next(each for each in document["pipelines"][0]["vertebrae"] if each["level"] == "L1")
    assert l1 == {
        "level": "L1",
        "status": "assessed",
        "reasons": [],
        "level_confidence": 0.9,
        "level_confidence_kind": "score",
        "centroid_lps_mm": [-4.0, -12.0, 102.0],
        "mean_hu": 98.0,
        "mean_hu_standard_uncertainty": 3.5,
        "roi": "trabecular-core",
        "volume_mm3": 21000.0,
    }


SPRING = {"calibration": "asynchronous", "calibration_name": "QRM spring"}


def test_a_density_has_its_interval_and_calibration_and_the_category_its_method():
    document = written(study(pipeline(calibrated_findings())))

    (only,) = document["pipelines"]
    assert [each["bmd"] for each in only["vertebrae"]] == [
        {"value_mg_cm3": 70.0, "interval_95": [60.2, 79.8], **SPRING},
        {"value_mg_cm3": 76.0, "interval_95": [66.2, 85.8], **SPRING},
    ]
    assert only["vertebrae"][0]["heights_mm"] == {"anterior": 24.0, "middle": 22.5, "posterior": 26.2}
    assert "heights_mm" not in only["vertebrae"][1]
    assert only["screening"] == {
        "hu_band": "low",
        "category": "osteoporosis",
        "category_also": ["osteopenia"],
        "calibration": "asynchronous",
        "method": "calibrated-bmd",
        "bmd": {"value_mg_cm3": 73.0, "interval_95": [63.2, 82.8], **SPRING},
        "levels": ["L1", "L2"],
    }


def test_a_vertebra_that_was_not_evaluable_has_a_reason_and_no_number():
    document = written(study(pipeline(assessed_findings())))

    unnamed, _, l2 = document["pipelines"][0]["vertebrae"]
    assert unnamed["level"] is None
    assert l2 == {
        "level": "L2",
        "status": "not-evaluable",
        "reasons": [
            {
                "code": "level-not-completely-covered",
                "text": "The vertebra is not completely covered by the scan. 12 mm of it are missing.",
            }
        ],
    }


def test_a_fractured_vertebra_has_its_heights_its_loss_and_its_grade():
    loss = HeightLoss(deformity=Deformity.WEDGE, percent=26.04, standard_uncertainty=4.46)
    l1, l2 = calibrated_findings().vertebrae
    fractured = replace(
        not_evaluable(VertebralLevel.L1, ReasonCode.FRACTURED), measurements=l1.measurements[-3:], height_loss=loss
    )
    findings = CtBoneFindings(
        status=Status.ASSESSED, vertebrae=(fractured, replace(l2, height_loss=None)), offered=VertebralLevel.L2
    )

    (only,) = written(study(pipeline(findings)))["pipelines"]

    first, second = only["vertebrae"]
    assert only["offered_level"] == "L2"
    assert (first["status"], first["reasons"][0]["code"]) == ("not-evaluable", "fractured-vertebra")
    assert first["heights_mm"] == {"anterior": 24.0, "middle": 22.5, "posterior": 26.2}
    assert first["genant"] == 2
    assert first["height_loss"] == {
        "percent": 26.0,
        "standard_uncertainty": 4.5,
        "deformity": "wedge",
        "genant_also": [1],
    }
    assert "mean_hu" not in first
    assert "genant" not in second
    assert "height_loss" not in second


def test_a_study_that_could_not_be_assessed_says_why():
    document = written(study(pipeline(REFUSED, series_uid=None)))

    assert document["status"] == "not-evaluable"
    assert [reason["code"] for reason in document["reasons"]] == ["gantry-tilt"]
    assert document["pipelines"][0]["series_uid"] is None
    assert document["pipelines"][0]["vertebrae"] == []
    assert "screening" not in document["pipelines"][0]


@pytest.mark.parametrize(
    ("pipelines", "expected"),
    [
        ([Status.ASSESSED, Status.FAILED], Status.ASSESSED),
        ([Status.NOT_EVALUABLE, Status.FAILED], Status.FAILED),
        ([Status.NOT_EVALUABLE, Status.NOT_EVALUABLE], Status.NOT_EVALUABLE),
        ([], Status.NOT_EVALUABLE),
    ],
)
def test_the_status_of_a_study_follows_from_its_pipelines(pipelines, expected):
    assert study_status(pipelines) is expected


def test_a_study_is_clinical_only_where_every_pipeline_is():
    clinical = pipeline(assessed_findings(), intended_use=IntendedUse.CLINICAL)

    assert written(study(clinical))["intended_use"] == "clinical"
    assert written(study(clinical, pipeline(REFUSED)))["intended_use"] == "research"
    assert written(study())["intended_use"] == "research"


def test_a_failed_pipeline_is_no_statement_about_the_patient():
    document = written(study(pipeline(CtBoneFindings(status=Status.FAILED))))

    assert document["status"] == "failed"
    assert document["pipelines"][0]["reasons"] == []


def test_the_document_reads_back_as_the_same_types():
    document = result_document(study(pipeline(assessed_findings())))

    assert ResultDocument.model_validate_json(result_text(document)) == document


def test_a_key_that_nobody_knows_is_an_error():
    document = json.loads(result_text(result_document(study(pipeline(assessed_findings())))))

    with pytest.raises(ValidationError, match="bone_density"):
        ResultDocument.model_validate({**document, "bone_density": 1})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "bone_density": 1}, json.loads(schema_text()))


def test_what_later_versions_measure_has_its_place_in_the_schema():
    document = json.loads(result_text(result_document(study(pipeline(assessed_findings())))))
    only = document["pipelines"][0]
    only["vertebrae"][1] |= {
        "bmd": {"value_mg_cm3": 118.0, "interval_95": [108, 128], "calibration": "asynchronous"},
        "heights_mm": {"anterior": 21.0, "middle": 22.0, "posterior": 24.0},
        "genant": 1,
    }
    only["screening"] |= {"category": "osteopenia", "method": "calibrated-bmd"}
    only["fractures"] = [{"level": "T12", "class": "compression", "probabilities": {"compression": 0.9}, "genant": 2}]

    jsonschema.validate(document, json.loads(schema_text()))
    assert ResultDocument.model_validate(document).pipelines[0].fractures[0].level is VertebralLevel.T12


def test_the_classifier_stands_beside_the_density_with_its_probabilities():
    only = written(study(pipeline(with_answer(calibrated_findings(), answer(OSTEOPOROSIS)))))["pipelines"][0]

    assert only["screening"]["category"] == "osteoporosis"
    assert only["screening"]["method"] == "calibrated-bmd"
    assert only["screening"]["classifier"] == {
        "category": "osteoporosis",
        "method": "classifier-l1-l2",
        "levels": ["L1", "L2"],
        "kind": "probability",
        "probabilities": {"normal": 0.02, "osteopenia": 0.08, "osteoporosis": 0.9},
        "model": "bmd-screening 0.1.0",
    }


def test_answers_that_contradict_each_other_are_indeterminate_and_the_reason_says_why():
    only = written(study(pipeline(with_answer(calibrated_findings(), answer(NORMAL)))))["pipelines"][0]

    assert only["screening"]["category"] == "indeterminate"
    assert "method" not in only["screening"]
    assert [reason["code"] for reason in only["reasons"]] == ["answers-disagree"]


def test_a_classifier_without_half_of_the_probability_in_one_category_is_indeterminate():
    only = written(study(pipeline(with_answer(calibrated_findings(), answer((0.1, 0.46, 0.44))))))["pipelines"][0]

    assert only["screening"]["category"] == "osteoporosis"
    assert only["screening"]["classifier"]["category"] == "indeterminate"


def test_numbers_that_nobody_calibrated_are_called_scores():
    said = answer(OSTEOPOROSIS, calibrated=False)
    only = written(study(pipeline(with_answer(calibrated_findings(), said))))["pipelines"][0]

    assert only["screening"]["classifier"]["kind"] == "score"
