"""What a report says as a whole: of its sources, its algorithm, its limits and its predecessor."""

from dataclasses import replace

import pytest
from pydicom import Dataset
from pydicom.sr.coding import Code

from node.domain.contrast import ContrastPhase
from node.domain.finding import CtBoneFindings, Status
from node.domain.identifiers import Uid
from node.domain.mark import is_mark
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.provenance import IntendedUse
from node.domain.reasons import ReasonCode
from tests.builders.ct import CtSpec, ct_series
from tests.builders.encoded import encode, encode_on, encoding_context, read
from tests.builders.reports import OWN, REASON, STATUS, evaluations, group_of, texts
from tests.builders.results import (
    assessed_findings,
    assessed_result,
    not_evaluable_result,
    provenance,
)

#: Native, venous, arterial, unknown.
PHASES = (["CON010"], ["CON011"], ["CON012"], ["CON013"])


@pytest.fixture
def report(tmp_path) -> Dataset:
    spec = CtSpec()
    return read(encode(assessed_result(spec), spec, tmp_path)[ObjectKind.SR])


def test_nothing_claims_a_density_a_t_score_or_a_category(report):
    units = set()
    meanings = set()

    def walk(item):
        for measured_value in item.get("MeasuredValueSequence", []):
            units.add(measured_value.MeasurementUnitsCodeSequence[0].CodeValue)
        for sequence in ("ConceptNameCodeSequence", "ConceptCodeSequence"):
            meanings.update(each.CodeMeaning.lower() for each in item.get(sequence, []))
        for child in item.get("ContentSequence", []):
            walk(child)

    walk(report)

    assert "mg/cm3" not in units
    everything = " ".join([*meanings, *texts(report)]).lower()
    assert not any(word in everything for word in ("t-score", "osteoporosis", "osteopenia", "mg/cm3"))


def test_the_algorithm_is_identified_with_weights_code_and_configuration(report):
    written = " ".join(texts(group_of(report, "bone screening")[0]))

    assert "spine-ct 0.1.0 weights sha256:" + "ab" * 32 in written
    assert "OsteoNode 0.1.0" in written
    assert "configuration sha256:" + "cd" * 32 in written


def test_limitations_and_research_stand_in_the_text(report):
    written = texts(report)

    assert any(text.startswith("RESEARCH: ") for text in written)
    assert "Limitation: Contrast agent raises CT numbers." in written
    assert report.SeriesDescription == "OsteoNode bone report RESEARCH"


def test_a_clinical_report_does_not_say_research(tmp_path):
    spec = CtSpec()
    findings = replace(assessed_findings(), limitations=())
    result = assessed_result(spec, intended_use=IntendedUse.CLINICAL, findings=findings)

    made = read(encode(result, spec, tmp_path)[ObjectKind.SR])

    assert "RESEARCH" not in " ".join([*texts(made), made.SeriesDescription])
    assert evaluations(group_of(made, "bone screening"), Code("USE001", OWN, "Intended use")) == ["USE011"]


def test_the_report_is_complete_but_preliminary_and_unverified(report):
    assert report.CompletionFlag == "COMPLETE"
    assert report.PreliminaryFlag == "PRELIMINARY"
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.SoftwareVersions == "0.1.0"
    assert is_mark(report.Manufacturer)


def test_the_image_library_holds_every_image_of_the_series(tmp_path):
    spec = CtSpec(slices=5, duplicated=frozenset({1}))
    sources = ct_series(spec)

    made = read(encode_on(assessed_result(spec), sources, tmp_path)[ObjectKind.SR])

    (library,) = [item for item in made.ContentSequence if _meaning(item) == "Image Library"]
    (group,) = library.ContentSequence
    images = [item for item in group.ContentSequence if item.ValueType == "IMAGE"]
    listed = {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in images}
    assert listed == {dataset.SOPInstanceUID for dataset in sources}
    described = {_meaning(item) for item in group.ContentSequence if item.ValueType != "IMAGE"}
    assert {"Modality", "Frame of Reference UID", "Horizontal Pixel Spacing"} <= described
    assert not any("ConceptNameCodeSequence" in item for item in images)  # TID 1601 has none


def _meaning(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def test_all_that_is_referred_to_is_named_as_evidence(tmp_path):
    spec = CtSpec()
    sources = ct_series(spec)
    made = encode_on(assessed_result(spec), sources, tmp_path)

    (study,) = read(made[ObjectKind.SR]).CurrentRequestedProcedureEvidenceSequence

    named = {
        series.SeriesInstanceUID: {each.ReferencedSOPInstanceUID for each in series.ReferencedSOPSequence}
        for series in study.ReferencedSeriesSequence
    }
    assert study.StudyInstanceUID == spec.study_uid
    assert named[spec.uid("series")] == {dataset.SOPInstanceUID for dataset in sources}
    assert named[made[ObjectKind.SEG].series_uid] == {made[ObjectKind.SEG].sop_instance_uid}


def previous(uid: str) -> OutgoingObject:
    return OutgoingObject(
        kind=ObjectKind.SR,
        sop_class_uid=Uid("1.2.840.10008.5.1.4.1.1.88.34"),
        sop_instance_uid=Uid(uid),
        series_uid=Uid("1.2.3"),
        file="objects/earlier.dcm",
        digest="00" * 32,
        intended_use=IntendedUse.RESEARCH,
    )


def test_a_report_names_the_one_that_it_supersedes(tmp_path):
    spec = CtSpec()

    made = read(
        encode(assessed_result(spec), spec, tmp_path, context=encoding_context(previous_report=previous("1.2.3.4")))[
            ObjectKind.SR
        ]
    )

    (study,) = made.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == (spec.study_uid, "1.2.3")
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"


def test_the_first_report_and_one_of_the_same_work_supersede_nothing(tmp_path):
    spec = CtSpec()
    first = encode(assessed_result(spec), spec, tmp_path)[ObjectKind.SR]

    context = encoding_context(previous_report=previous(first.sop_instance_uid))
    again = encode(assessed_result(spec), spec, tmp_path, context=context)[ObjectKind.SR]

    assert "PredecessorDocumentsSequence" not in read(first)
    assert again.sop_instance_uid == first.sop_instance_uid
    assert "PredecessorDocumentsSequence" not in read(again)


def test_a_study_that_could_not_be_assessed_gives_a_report_that_says_so(tmp_path):
    spec = CtSpec(tilt_deg=12.0)

    made = encode(not_evaluable_result(spec), spec, tmp_path)

    report = read(made[ObjectKind.SR])
    group = group_of(report, "bone screening")
    assert set(made) == {ObjectKind.SR}
    assert made[ObjectKind.SR].not_evaluable
    assert evaluations(group, STATUS) == ["STA011"]
    assert evaluations(group, REASON) == ["EXC016"]
    assert "Nothing could be assessed." in texts(report)
    assert any("Tilt 12.0 degrees." in text for text in texts(report))
    assert "Image Library" in map(_meaning, report.ContentSequence)


def test_objects_that_are_no_images_stand_in_no_image_library(tmp_path):
    spec = CtSpec(slices=2)
    sources = ct_series(spec)
    for dataset in sources:
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(dataset, keyword)

    made = encode_on(not_evaluable_result(spec, ReasonCode.NO_PIXEL_DATA), sources, tmp_path)

    assert "Image Library" not in map(_meaning, read(made[ObjectKind.SR]).ContentSequence)


def test_images_of_several_series_and_kinds_are_grouped_by_series(tmp_path):
    spec, other = CtSpec(slices=2), CtSpec(slices=3, name="other")
    result = replace(not_evaluable_result(spec, ReasonCode.NO_SERIES), series_uid=None)
    sources = [*ct_series(spec), *ct_series(other)]
    for dataset in sources[2:]:
        dataset.Modality = "XX"
        del dataset.PixelSpacing

    made = read(encode_on(result, sources, tmp_path)[ObjectKind.SR])

    (library,) = [item for item in made.ContentSequence if _meaning(item) == "Image Library"]
    sizes = [sum(item.ValueType == "IMAGE" for item in group.ContentSequence) for group in library.ContentSequence]
    assert sorted(sizes) == [2, 3]


@pytest.mark.parametrize(("phase", "codes"), [*zip(ContrastPhase, PHASES, strict=True), (None, [])])
def test_the_contrast_phase_is_coded_where_it_was_asked(tmp_path, phase, codes):
    spec = CtSpec()
    findings = replace(assessed_findings(), contrast=phase)

    made = read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR])

    assert evaluations(group_of(made, "bone screening"), Code("109058", "DCM", "Contrast Phase")) == codes


def test_a_failed_analysis_says_nothing_about_the_patient(tmp_path):
    spec = CtSpec()
    result = replace(not_evaluable_result(spec), findings=CtBoneFindings(status=Status.FAILED))

    made = read(encode(result, spec, tmp_path)[ObjectKind.SR])

    assert evaluations(group_of(made, "bone screening"), STATUS) == ["STA012"]


def test_a_result_without_a_model_names_the_node_as_its_algorithm(tmp_path):
    spec = CtSpec()
    result = replace(not_evaluable_result(spec), provenance=replace(provenance(), models=()))

    made = read(encode(result, spec, tmp_path)[ObjectKind.SR])

    names = [
        item.TextValue
        for item in group_of(made, "bone screening")[0].ContentSequence
        if _meaning(item) == "Algorithm Name"
    ]
    assert names == ["OsteoNode"]


@pytest.mark.parametrize(
    ("body_part", "code"), [("CHEST", "24627-2"), ("ABDOMEN", "41806-1"), ("HEAD", "25045-6"), ("", "25045-6")]
)
def test_the_procedure_reported_follows_the_body_part(tmp_path, body_part, code):
    spec = CtSpec(extra={"BodyPartExamined": body_part})

    made = read(encode(assessed_result(spec), spec, tmp_path)[ObjectKind.SR])

    (procedure,) = [item for item in made.ContentSequence if _meaning(item) == "Procedure reported"]
    assert procedure.ConceptCodeSequence[0].CodeValue == code


def test_text_beyond_ascii_cannot_break_the_sources_character_set(tmp_path):
    spec = CtSpec(character_set="ISO_IR 100")
    findings = replace(assessed_findings(), limitations=("Tilt 3° ≥ 2°",))

    made = read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR])

    assert "Limitation: Tilt 3? ? 2?" in texts(made)
