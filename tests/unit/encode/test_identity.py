"""Patient and study stand in the objects as they stand in the source."""

import datetime

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from node.domain.outgoing import ObjectKind
from node.encode.identity import ALWAYS_THERE, copy_identity, site_time
from tests.builders.ct import CtSpec, ct_series
from tests.builders.encoded import encode, encode_every_kind, encode_on, read
from tests.builders.results import NOON, assessed_result

NAMES = [
    pytest.param("ISO_IR 100", "Müller^Jörg", id="latin"),
    pytest.param("ISO_IR 192", "Wang^XiaoDong=王^小东", id="utf-8"),
    pytest.param("ISO_IR 144", "Юлия^Жданова", id="cyrillic"),
    pytest.param(["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", id="japanese"),
    pytest.param(["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", id="korean"),
    pytest.param("GB18030", "Wang^XiaoDong=王^小东", id="chinese"),
]


@pytest.mark.parametrize(("character_set", "name"), NAMES)
@pytest.mark.parametrize("kind", list(ObjectKind))
def test_a_name_is_the_same_bytes_in_the_same_character_set(tmp_path, character_set, name, kind):
    spec = CtSpec(slices=4, character_set=character_set, patient_name=name)
    sources = ct_series(spec)

    made = encode_every_kind(assessed_result(spec), sources, tmp_path)

    source = dcmread(next(iter(tmp_path.iterdir())), stop_before_pixels=True)
    header = read(made[kind])
    assert header.get_item("PatientName").value == source.get_item("PatientName").value
    assert header.SpecificCharacterSet == source.SpecificCharacterSet
    assert str(header.PatientName) == name


@pytest.mark.parametrize("kind", list(ObjectKind))
def test_patient_and_study_are_those_of_the_source(tmp_path, kind):
    spec = CtSpec(slices=4, extra={"IssuerOfPatientID": "CLINIC", "PatientAge": "076Y"})

    made = read(encode_every_kind(assessed_result(spec), ct_series(spec), tmp_path)[kind])

    found = {keyword: str(made[keyword].value) for keyword in (*ALWAYS_THERE, "IssuerOfPatientID", "PatientAge")}
    assert found == {
        "PatientName": "Builder^Series",
        "PatientID": "BUILDER-1",
        "PatientBirthDate": "19500102",
        "PatientSex": "F",
        "StudyID": "S1",
        "StudyDate": "20260501",
        "StudyTime": "081500",
        "AccessionNumber": "A-1",
        "ReferringPhysicianName": "Referrer^Ruth",
        "IssuerOfPatientID": "CLINIC",
        "PatientAge": "076Y",
    }
    assert made.StudyInstanceUID == spec.study_uid


def test_a_source_without_identity_gives_objects_with_empty_identity(tmp_path):
    spec = CtSpec(slices=4)
    sources = ct_series(spec)
    for dataset in sources:
        for keyword in (*ALWAYS_THERE, "SpecificCharacterSet", "StudyDescription"):
            delattr(dataset, keyword)

    made = read(encode_on(assessed_result(spec), sources, tmp_path)[ObjectKind.SR])

    assert all(keyword in made and made[keyword].is_empty for keyword in ALWAYS_THERE)
    assert "SpecificCharacterSet" not in made


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    ("keyword", "value"), [("PatientSex", "W"), ("PatientBirthDate", "1950"), ("StudyTime", "8:15")]
)
def test_what_the_source_wrote_wrongly_stays_what_the_archive_knows(tmp_path, keyword, value):
    spec = CtSpec(slices=4, extra={keyword: value})

    made = read(encode(assessed_result(spec), spec, tmp_path)[ObjectKind.SEG])

    assert made.get_item(keyword).value.decode().strip() == value


def test_a_source_in_implicit_vr_gives_the_same_identity(tmp_path):
    spec = CtSpec(slices=4, patient_name="Müller^Jörg")
    sources = ct_series(spec)
    for dataset in sources:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    made = read(encode_on(assessed_result(spec), sources, tmp_path)[ObjectKind.SR])

    assert str(made.PatientName) == "Müller^Jörg"
    assert made["PatientID"].VR == "LO"


@pytest.mark.parametrize("character_set", ["ISO_IR 100", "ISO_IR 192", None])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_how_a_source_was_de_identified_stands_in_the_objects(tmp_path, syntax, character_set):
    method = Dataset()
    method.CodeValue, method.CodingSchemeDesignator = "113100", "DCM"
    method.CodeMeaning = "Basic Application Confidentiality Profile"
    sources = ct_series(CtSpec(slices=4, extra={"PatientIdentityRemoved": "YES"}))
    for dataset in sources:
        dataset.DeidentificationMethodCodeSequence = [method]
        if character_set is None:
            del dataset.SpecificCharacterSet
        else:
            dataset.SpecificCharacterSet = character_set
        dataset.file_meta.TransferSyntaxUID = syntax

    made = read(encode_on(assessed_result(CtSpec(slices=4)), sources, tmp_path)[ObjectKind.SEG])

    assert made.PatientIdentityRemoved == "YES"
    assert made.DeidentificationMethodCodeSequence[0].CodeValue == "113100"


def test_a_source_that_does_not_say_how_it_was_de_identified_gives_valid_objects(tmp_path):
    spec = CtSpec(slices=4, extra={"PatientIdentityRemoved": "YES"})

    made = read(encode(assessed_result(spec), spec, tmp_path)[ObjectKind.SEG])

    assert made.DeidentificationMethod == "not stated in the source images"


def test_an_older_value_in_the_target_does_not_survive():
    target, header = Dataset(), Dataset()
    target.PatientID, target.PatientAge = "somebody else", "001Y"

    copy_identity(header, target)

    assert not target.PatientID
    assert "PatientAge" not in target


@pytest.mark.parametrize(("offset", "hour"), [("+0200", 14), ("-0330", 8), ("", 12), ("nonsense", 12)])
def test_times_are_in_the_zone_that_the_source_names(offset, hour):
    header = Dataset()
    header.add_new(0x00080201, "SH", offset)

    assert site_time(header, NOON).hour == hour


def test_the_objects_carry_the_time_at_which_they_were_made(tmp_path):
    spec = CtSpec(slices=4, extra={"TimezoneOffsetFromUTC": "+0200"})

    made = read(encode(assessed_result(spec), spec, tmp_path)[ObjectKind.SEG])

    assert (made.ContentDate, made.ContentTime) == ("20260501", "140000")
    assert (made.InstanceCreationDate, made.InstanceCreationTime) == ("20260501", "140000")
    assert made.TimezoneOffsetFromUTC == "+0200"
    assert NOON.tzinfo is datetime.UTC


def test_an_empty_character_set_of_the_source_is_none(tmp_path):
    spec = CtSpec(slices=2)
    sources = ct_series(spec)
    for dataset in sources:
        dataset.SpecificCharacterSet = None

    made = read(encode_on(assessed_result(spec), sources, tmp_path)[ObjectKind.SR])

    assert "SpecificCharacterSet" not in made
    assert str(made.PatientName) == "Builder^Series"
