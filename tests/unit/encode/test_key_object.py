"""An urgent finding is raised by a Key Object Selection, and only then."""

from dataclasses import replace

import numpy as np

from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from tests.builders.ct import SAGITTAL, CtSpec, ct_series
from tests.builders.encoded import URGENT, encode, encode_on, encoding_context, read
from tests.builders.results import assessed_findings, assessed_result


def test_routine_triage_makes_no_key_object(tmp_path):
    spec = CtSpec()

    assert set(encode(assessed_result(spec), spec, tmp_path)) == {ObjectKind.SEG, ObjectKind.SR}


def test_urgent_triage_makes_one_that_is_marked_urgent(tmp_path):
    spec = CtSpec()

    made = encode(assessed_result(spec), spec, tmp_path, context=encoding_context(triage=URGENT))

    assert {kind: each.urgent for kind, each in made.items()} == {
        ObjectKind.SEG: False,
        ObjectKind.SR: False,
        ObjectKind.KOS: True,
    }


def test_it_says_why_in_which_category_and_that_it_is_research(tmp_path):
    spec = CtSpec()

    made = read(encode(assessed_result(spec), spec, tmp_path, context=encoding_context(triage=URGENT))[ObjectKind.KOS])

    assert made.ConceptNameCodeSequence[0].CodeValue == "113000"
    (description,) = [
        item.TextValue
        for item in made.ContentSequence
        if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].CodeValue == "113012"
    ]
    assert "L1 trabecular core 98 HU, below 110 HU" in description
    assert "ACR Category 3 Actionable Finding (RADLEX RID49482)" in description
    assert "RESEARCH" in description
    assert "RESEARCH" in made.SeriesDescription


def test_a_clinical_one_does_not_say_research(tmp_path):
    spec = CtSpec()
    result = assessed_result(spec, intended_use=IntendedUse.CLINICAL)

    made = read(encode(result, spec, tmp_path, context=encoding_context(triage=URGENT))[ObjectKind.KOS])

    assert "RESEARCH" not in str(made)


def referenced(document) -> dict[str, str]:
    return {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID: item.ValueType
        for item in document.ContentSequence
        if "ReferencedSOPSequence" in item
    }


def test_it_points_to_the_slice_through_l1_and_to_what_was_made(tmp_path):
    spec = CtSpec(orientation=SAGITTAL, backwards=True)
    sources = ct_series(spec)
    centroid = (-17.0, -15.0, 99.0)
    nearest = min(sources, key=lambda source: abs(float(source.ImagePositionPatient[0]) - centroid[0]))
    before, l1, after = assessed_findings().vertebrae
    findings = replace(assessed_findings(), vertebrae=(before, replace(l1, centroid_lps_mm=centroid), after))

    made = encode_on(
        assessed_result(spec, findings=findings), sources, tmp_path, context=encoding_context(triage=URGENT)
    )

    document = read(made[ObjectKind.KOS])
    assert np.isclose(float(nearest.ImagePositionPatient[0]), -17.5)
    assert referenced(document) == {
        nearest.SOPInstanceUID: "IMAGE",
        made[ObjectKind.SEG].sop_instance_uid: "IMAGE",
        made[ObjectKind.SR].sop_instance_uid: "COMPOSITE",
    }
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    named = {
        each.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for each in series.ReferencedSOPSequence
    }
    assert named == set(referenced(document))


def test_without_a_place_of_l1_it_points_to_what_was_made(tmp_path):
    spec = CtSpec()
    before, l1, after = assessed_findings().vertebrae
    findings = replace(assessed_findings(), vertebrae=(before, replace(l1, centroid_lps_mm=None), after))

    made = encode(assessed_result(spec, findings=findings), spec, tmp_path, context=encoding_context(triage=URGENT))

    assert len(referenced(read(made[ObjectKind.KOS]))) == 2
