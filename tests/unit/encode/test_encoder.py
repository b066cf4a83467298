"""What all objects of a result have in common."""

import datetime
import hashlib

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.presentation import StoragePresentationContexts

from node.domain.mark import IMPLEMENTATION_CLASS_UID, is_mark
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.pseudonym import Pseudonymizer
from node.encode.context import EncodingContext
from tests.builders.ct import CtSpec, ct_series
from tests.builders.encoded import ROUTINE, encode, encode_every_kind, read
from tests.builders.results import assessed_result, not_evaluable_result


@pytest.fixture
def made(tmp_path):
    spec = CtSpec()
    return encode_every_kind(assessed_result(spec), ct_series(spec), tmp_path)


def test_the_same_work_gives_the_same_bytes(tmp_path, made):
    spec = CtSpec()

    again = encode_every_kind(assessed_result(spec), ct_series(spec), tmp_path / "again")

    for kind in ObjectKind:
        assert hashlib.sha256(again[kind].content).digest() == hashlib.sha256(made[kind].content).digest()


def test_what_is_said_of_an_object_is_what_stands_in_it(made):
    for kind, each in made.items():
        dataset = read(each)
        assert each.kind is kind
        assert dataset.SOPClassUID == each.sop_class_uid == dataset.file_meta.MediaStorageSOPClassUID
        assert dataset.SOPInstanceUID == each.sop_instance_uid == dataset.file_meta.MediaStorageSOPInstanceUID
        assert dataset.SeriesInstanceUID == each.series_uid


def test_every_object_is_a_series_of_its_own_in_the_study(made):
    datasets = [read(each) for each in made.values()]

    assert len({dataset.SeriesInstanceUID for dataset in datasets}) == 4
    assert len({dataset.SeriesNumber for dataset in datasets}) == 4
    assert {dataset.Modality for dataset in datasets} == {"SEG", "SR", "KO", "OT"}


def test_every_object_carries_the_nodes_mark(made):
    for each in made.values():
        dataset = read(each)
        assert is_mark(dataset.Manufacturer)
        assert dataset.ManufacturerModelName == "OsteoNode"
        assert dataset.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
        assert dataset.SoftwareVersions == "0.1.0"
        assert dataset.DeviceSerialNumber == "OSTEONODE"


def test_objects_are_explicit_little_endian_of_classes_that_every_archive_negotiates(made):
    known = {context.abstract_syntax for context in StoragePresentationContexts}

    for each in made.values():
        assert read(each).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert each.sop_class_uid in known


def schemes(dataset: Dataset) -> set[str]:
    return {str(element.value) for element in dataset.iterall() if element.keyword == "CodingSchemeDesignator"}


def test_private_codes_say_which_scheme_they_are_of(made):
    for each in made.values():
        dataset = read(each)
        (scheme,) = dataset.CodingSchemeIdentificationSequence
        assert scheme.CodingSchemeDesignator == "99OSTEONODE"
        assert scheme.CodingSchemeResponsibleOrganization == "OsteoNode"
        assert scheme.CodingSchemeName == "OsteoNode private codes"
        assert scheme.CodingSchemeVersion == "1"
    private = {scheme for scheme in schemes(read(made[ObjectKind.SR])) if scheme.startswith("99")}
    assert private == {"99OSTEONODE"}


def test_intended_use_and_evaluability_are_said_of_every_object(tmp_path):
    spec = CtSpec()
    clinical = encode(assessed_result(spec, intended_use=IntendedUse.CLINICAL), spec, tmp_path / "a")
    refused = encode(not_evaluable_result(spec), spec, tmp_path / "b")

    assert {each.intended_use for each in clinical.values()} == {IntendedUse.CLINICAL}
    assert not any(each.not_evaluable for each in clinical.values())
    assert all(each.not_evaluable and each.intended_use is IntendedUse.RESEARCH for each in refused.values())


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        EncodingContext(
            now=datetime.datetime(2026, 5, 1),  # noqa: DTZ001
            pseudonyms=Pseudonymizer(b"the key of a site"),
            station="NODE",
            triage=ROUTINE,
        )
