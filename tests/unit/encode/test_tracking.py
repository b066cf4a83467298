"""A patient's vertebra has one tracking UID in all studies, another patient's another, and neither says who it is."""

from __future__ import annotations

import pytest
from pydicom import Dataset

from node.domain.outgoing import ObjectKind
from node.domain.pseudonym import Pseudonymizer
from node.encode.tracking import tracked_patient
from tests.builders.ct import CtSpec, ct_series
from tests.builders.encoded import encode, encode_on, encoding_context, read
from tests.builders.reports import content_of
from tests.builders.results import assessed_result

KEY = Pseudonymizer(b"the key of a site")


def header(patient_id: str | None = "P-1", issuer: str | None = None, **others: str) -> Dataset:
    made = Dataset()
    if patient_id is not None:
        made.PatientID = patient_id
    if issuer is not None:
        made.IssuerOfPatientID = issuer
    for keyword, value in others.items():
        setattr(made, keyword, value)
    return made


def tracked(of: Dataset, *, study: str = "1.2.3", key: Pseudonymizer = KEY) -> str:
    return tracked_patient(of, study, key)


def test_the_id_alone_follows_a_patient_through_studies_names_and_padding() -> None:
    first = tracked(header("P-1", PatientName="Miller^Ann", PatientBirthDate="19500101"))

    assert first == tracked(header("P-1 ", PatientName="Smith^Ann"), study="1.2.4")


@pytest.mark.parametrize(
    "other", [header("P-2"), header("p-1"), header("P-1", "HOSPITAL B"), header("P", "-1"), header(None), header("")]
)
def test_another_id_or_another_issuer_is_another_patient(other: Dataset) -> None:
    assert tracked(other) != tracked(header("P-1"))
    assert tracked(other) != tracked(header("P-1", "HOSPITAL A"))


@pytest.mark.parametrize("without", [header(None), header(""), header("  "), header(None, "HOSPITAL A")])
def test_without_an_id_only_the_study_is_tracked(without: Dataset) -> None:
    assert tracked(without) == tracked(without)
    assert tracked(without, study="1.2.3") != tracked(without, study="1.2.4")


def test_another_site_tracks_the_same_patient_by_another_digest() -> None:
    assert tracked(header("P-1")) != tracked(header("P-1"), key=Pseudonymizer(b"the key of another"))


def test_the_digest_of_a_patient_is_no_pseudonym_that_stands_in_a_log() -> None:
    assert tracked(header(None), study="1.2.3") != KEY.of("1.2.3")
    assert tracked(header("P-1")) != KEY.of("P-1")


def test_an_id_in_an_unknown_character_set_is_an_id_all_the_same(tmp_path) -> None:
    spec = CtSpec(patient_id="M\xfcller-7", character_set="ISO_IR 100")
    sources = ct_series(spec)

    made = read(encode_on(assessed_result(spec), sources, tmp_path)[ObjectKind.SEG])

    other = CtSpec(patient_id="Muller-7")
    others = read(encode(assessed_result(other), other, tmp_path / "other")[ObjectKind.SEG])
    assert made.SegmentSequence[0].TrackingUID != others.SegmentSequence[0].TrackingUID


def test_reports_of_two_studies_share_the_tracking_uids_of_bodies_cores_and_the_statement(tmp_path) -> None:
    def tracking(study: str) -> dict[str, str]:
        spec = CtSpec(study=study)
        content = content_of(read(encode(assessed_result(spec), spec, tmp_path / study)[ObjectKind.SR]))
        groups = (*content.get_image_measurement_groups(), *content.get_volumetric_roi_measurement_groups())
        return {each.tracking_identifier: each.tracking_uid for each in groups}

    first, second = tracking("first"), tracking("second")

    named = {"L1", "L1 trabecular core", "L2", "bone screening"}
    assert {name: first[name] for name in named} == {name: second[name] for name in named}
    assert len({first[name] for name in named}) == len(named)
    # a vertebra without a name is nobody's in particular
    assert first["vertebra 3"] != second["vertebra 3"]


def test_another_key_gives_the_objects_other_tracking_uids(tmp_path) -> None:
    spec = CtSpec()
    made = [
        read(encode(assessed_result(spec), spec, tmp_path / name, context=context)[ObjectKind.SEG])
        for name, context in (("a", encoding_context()), ("b", encoding_context(key=b"the key of another")))
    ]

    first, second = ([segment.TrackingUID for segment in each.SegmentSequence] for each in made)
    assert set(first).isdisjoint(second)
