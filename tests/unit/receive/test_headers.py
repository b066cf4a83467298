"""Headers are read in constant memory, checked on the way, and never believed."""

from __future__ import annotations

import datetime
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from node.domain.errors import InputRejected, InvalidIdentifier
from node.domain.identifiers import AETitle, Uid
from node.domain.mark import MANUFACTURER, is_mark
from node.store.elements import MAX_DEPTH, MalformedDataSet
from node.store.headers import _OF_THE_SERIES, Header, MissingIdentifier, read_header
from node.store.part10 import FileMeta, NotPart10, data_set_digest, data_set_start, read_file_meta
from tests.builders.ct import CtSpec, ct_series

META = FileMeta(
    sop_class_uid=Uid("1.2.840.10008.5.1.4.1.1.2"),
    sop_instance_uid=Uid("1.2.3"),
    transfer_syntax=Uid(ExplicitVRLittleEndian),
    sent_by=AETitle("SCANNER"),
)


def slice_() -> Dataset:
    """One CT slice."""
    return ct_series(CtSpec(slices=1))[0]


def encode(dataset: Dataset, *, implicit: bool = False, little: bool = True) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = little, implicit
    write_dataset(buffer, dataset)
    return buffer.getvalue()


@contextmanager
def opened(content: bytes) -> Iterator[int]:
    """A file with the data set behind a file meta information."""
    with tempfile.TemporaryFile() as file:
        file.write(META.encode() + content)
        file.flush()
        yield file.fileno()


def header(content: bytes, syntax: str = ExplicitVRLittleEndian) -> Header:
    with opened(content) as handle:
        return read_header(handle, Uid(syntax), scratch=Path(tempfile.gettempdir()))


def with_changes(**changes: object) -> Header:
    """The header of a slice with these attributes; `None` leaves one out."""
    dataset = slice_()
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return header(encode(dataset))


@pytest.mark.parametrize(
    ("syntax", "implicit", "little"),
    [(ExplicitVRLittleEndian, False, True), (ImplicitVRLittleEndian, True, True), (ExplicitVRBigEndian, False, False)],
)
def test_the_header_is_the_same_in_every_encoding(syntax: str, implicit: bool, little: bool) -> None:
    dataset = slice_()
    del dataset.PixelData  # pydicom does not swap the pixels' bytes

    read = header(encode(dataset, implicit=implicit, little=little), syntax)

    assert read.sop_instance_uid == dataset.SOPInstanceUID
    assert read.study_uid == dataset.StudyInstanceUID
    assert (read.facts.rows, read.facts.columns) == (dataset.Rows, dataset.Columns)
    assert read.facts.position == tuple(dataset.ImagePositionPatient)
    assert read.facts.orientation == tuple(dataset.ImageOrientationPatient)
    assert read.facts.pixel_spacing == tuple(dataset.PixelSpacing)
    assert read.facts.has_pixel_data is False


def test_images_of_one_series_keep_what_is_their_own() -> None:
    first = with_changes(InstanceNumber=1, ImagePositionPatient=[0, 0, 1], PixelSpacing=[0.5, 0.6])
    second = with_changes(InstanceNumber=2, ImagePositionPatient=[0, 0, 2], PixelSpacing=[0.5, 0.6])
    other = with_changes(InstanceNumber=3, ImagePositionPatient=[0, 0, 3], PixelSpacing=[0.7, 0.7])

    assert [each.facts.instance_number for each in (first, second, other)] == [1, 2, 3]
    assert [each.facts.position for each in (first, second, other)] == [(0, 0, 1), (0, 0, 2), (0, 0, 3)]
    assert [each.facts.pixel_spacing for each in (first, second, other)] == [(0.5, 0.6), (0.5, 0.6), (0.7, 0.7)]


def test_nothing_is_remembered_of_the_patient_or_the_study() -> None:
    accession_number, referring_physician, study_uid, study_id = 0x00080050, 0x00080090, 0x0020000D, 0x00200010

    assert not any(tag >> 16 == 0x0010 for tag in _OF_THE_SERIES)
    assert _OF_THE_SERIES.isdisjoint({accession_number, referring_physician, study_uid, study_id})


def test_the_nodes_mark_is_found_in_images_that_share_all_else_with_others() -> None:
    equipment = Dataset()
    equipment.Manufacturer = MANUFACTURER
    others, own = with_changes(), with_changes(ContributingEquipmentSequence=[equipment])

    assert not others.facts.made_by_node
    assert own.facts.made_by_node
    assert others.facts.manufacturer == own.facts.manufacturer


@pytest.mark.parametrize(
    ("agent", "expected"), [(None, False), ("", None), ("Iopromide 370", True), ("NONE", False), ("no", False)]
)
def test_contrast_is_told_by_the_module_and_its_agent(agent: str | None, expected: bool | None) -> None:
    dataset = slice_()
    if agent is not None:
        dataset.ContrastBolusAgent = agent

    assert header(encode(dataset)).facts.contrast_agent is expected


def test_an_enhanced_object_tells_its_geometry_in_the_shared_functional_groups() -> None:
    dataset, plane, measures, shared = slice_(), Dataset(), Dataset(), Dataset()
    for keyword in ("ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(dataset, keyword)
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.6], 1.25
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.NumberOfFrames = 30

    facts = header(encode(dataset)).facts

    assert facts.orientation == (1, 0, 0, 0, 1, 0)
    assert facts.pixel_spacing == (0.5, 0.6)
    assert facts.slice_thickness == 1.25
    assert facts.number_of_frames == 30


@pytest.mark.parametrize("is_undefined", [False, True])
def test_values_within_other_sequences_are_not_the_objects_own(is_undefined: bool) -> None:
    dataset, other = slice_(), Dataset()
    other.StudyInstanceUID, other.Modality = "9.9.9", "MR"
    dataset.ReferencedStudySequence = Sequence([other])
    dataset["ReferencedStudySequence"].is_undefined_length = is_undefined

    read = header(encode(dataset))

    assert read.study_uid == dataset.StudyInstanceUID
    assert read.facts.modality == "CT"


def test_our_mark_is_found_as_manufacturer_and_as_contributing_equipment() -> None:
    dataset, equipment = slice_(), Dataset()
    equipment.Manufacturer = MANUFACTURER
    dataset.ContributingEquipmentSequence = Sequence([equipment])

    assert header(encode(dataset)).facts.made_by_node
    assert header(encode(dataset)).facts.manufacturer == "Builder Works"
    assert with_changes(Manufacturer="OSTEONODE ").facts.made_by_node
    assert not with_changes(Manufacturer="Osteo").facts.made_by_node
    assert is_mark(MANUFACTURER)
    assert not is_mark(None)


def test_the_patient_is_the_same_however_the_name_was_encoded() -> None:
    utf8 = ct_series(CtSpec(slices=1, patient_name="Ångström^Zoë ", character_set="ISO_IR 192"))[0]
    latin = ct_series(CtSpec(slices=1, patient_name="Ångström^Zoë^^", character_set="ISO_IR 100"))[0]
    other = ct_series(CtSpec(slices=1, patient_name="Angstrom^Zoe", character_set="ISO_IR 100"))[0]

    identities = [header(encode(each)).identity for each in (utf8, latin, other)]

    assert identities[0] == identities[1] != identities[2]
    assert "Zoë" not in repr(header(encode(utf8)))


def test_the_patient_is_the_same_whether_or_not_the_sender_names_who_issued_the_id() -> None:
    without = with_changes().identity

    assert with_changes(IssuerOfPatientID="CLINIC").identity == without
    assert with_changes(IssuerOfPatientID="").identity == without


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "BUILDER-2"),
        ("PatientName", "Other^Series"),
        ("PatientBirthDate", "19500103"),
        ("PatientID", None),
    ],
)
def test_another_id_name_or_birth_date_is_another_patient(keyword: str, value: str | None) -> None:
    assert with_changes(**{keyword: value}).identity != with_changes().identity


def test_text_in_a_code_extension_is_read() -> None:
    dataset = slice_()
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    dataset.SeriesDescription = "胸部"

    assert header(encode(dataset)).facts.series_description == "胸部"


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00200032, b"DS", b"nan\\0\\0 "),
        (0x00200032, b"DS", b"1\\2 "),
        (0x00200032, b"DS", b"1e999\\0\\0"),
        (0x00280030, b"DS", b"0\\0 "),
        (0x00280030, b"DS", b"-1\\1"),
        (0x00180060, b"DS", b"-120"),
        (0x00200013, b"IS", b"99999999999 "),
        (0x00200013, b"IS", b"1.5 "),
        (0x00200052, b"UI", b"../../x "),
        (0x00280010, b"US", b"\x01\x00\x02\x00"),
        (0x00080060, b"CS", b"A MODALITY THAT IS NONE "),
    ],
)
def test_a_malformed_value_is_unknown(tag: int, vr: bytes, value: bytes) -> None:
    content = encode(slice_())
    at = content.index(struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr))
    (length,) = struct.unpack_from("<H", content, at + 6)
    element = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value

    facts = header(content[:at] + element + content[at + 8 + length :]).facts

    names = {
        0x00200032: "position",
        0x00280030: "pixel_spacing",
        0x00180060: "kvp",
        0x00200013: "instance_number",
        0x00200052: "frame_of_reference",
        0x00280010: "rows",
        0x00080060: "modality",
    }
    assert getattr(facts, names[tag]) is None


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_an_object_without_an_identifier_is_refused(keyword: str) -> None:
    with pytest.raises(MissingIdentifier):
        with_changes(**{keyword: None})


def test_an_identifier_that_is_a_path_is_refused() -> None:
    content = encode(slice_())
    uid = slice_().StudyInstanceUID.encode()

    with pytest.raises(InvalidIdentifier):
        header(content.replace(uid, b"../" * (len(uid) // 3) + b"." * (len(uid) % 3)))


def test_truncation_is_found_at_every_byte() -> None:
    dataset = slice_()
    content = encode(dataset)
    pixels = content.index(struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"))

    for length in (*range(pixels + 1, pixels + 40), len(content) - 1, len(content) - 100):
        with pytest.raises(MalformedDataSet):
            header(content[:length])


def test_a_few_nuls_behind_the_last_element_are_forgiven() -> None:
    assert header(encode(slice_()) + b"\x00" * 6).facts.has_pixel_data


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 20_000])
def test_sequences_that_nest_too_deep_are_refused(depth: int) -> None:
    opening = struct.pack("<HH2sHIHHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)

    with pytest.raises(MalformedDataSet, match="deeper"):
        header(opening * depth)


def test_an_element_beyond_its_sequence_is_refused() -> None:
    inner = struct.pack("<HH2sH", 0x0008, 0x0060, b"CS", 2) + b"CT"
    shared = struct.pack("<HH2sHI", 0x5200, 0x9229, b"SQ", 0, 8 + 4)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner))

    with pytest.raises(MalformedDataSet):
        header(shared + item + inner)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(0, 1500), noise=st.binary(min_size=1, max_size=12))
def test_a_damaged_header_gives_a_header_or_a_clear_error(at: int, noise: bytes) -> None:
    content = encode(slice_())
    at = min(at, len(content) - len(noise))

    try:
        read = header(content[:at] + noise + content[at + len(noise) :])
    except InputRejected:
        return

    assert isinstance(read, Header)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400))
def test_noise_gives_a_clear_error(content: bytes) -> None:
    with pytest.raises(InputRejected):
        header(content)


def test_the_head_of_a_file_is_read_by_pydicom(tmp_path: Path) -> None:
    file = tmp_path / "one.dcm"
    file.write_bytes(META.encode() + encode(slice_()))

    read = dcmread(file)

    assert isinstance(read.file_meta, FileMetaDataset)
    assert read.file_meta.MediaStorageSOPClassUID == META.sop_class_uid
    assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert read.file_meta.SourceApplicationEntityTitle == "SCANNER"
    assert read.file_meta.FileMetaInformationGroupLength == len(META.encode()) - 144
    assert read.Rows == slice_().Rows


def test_the_head_of_a_file_comes_back_as_it_was() -> None:
    with opened(b"") as handle:
        assert read_file_meta(handle) == META
        assert data_set_start(handle) == len(META.encode())


def test_the_digest_is_of_the_data_set_alone() -> None:
    with opened(b"the data set") as one, tempfile.TemporaryFile() as other:
        changed = FileMeta(
            sop_class_uid=META.sop_class_uid, sop_instance_uid=Uid("1.2.4"), transfer_syntax=META.transfer_syntax
        )
        other.write(changed.encode() + b"the data set")
        other.flush()

        assert data_set_digest(one) == data_set_digest(other.fileno())


def test_the_digest_is_blake3() -> None:
    # test vector of the BLAKE3 team for an empty input
    with opened(b"") as handle:
        assert data_set_digest(handle) == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


@pytest.mark.parametrize("head", [b"", b"\x00" * 200, b"\x00" * 128 + b"DICM" + b"\x08\x00" * 10])
def test_a_file_that_does_not_begin_like_one_is_refused(tmp_path: Path, head: bytes) -> None:
    file = tmp_path / "none.dcm"
    file.write_bytes(head)
    handle = os.open(file, os.O_RDONLY)

    with pytest.raises(NotPart10):
        data_set_start(handle)

    os.close(handle)


def with_agents(dataset: Dataset) -> None:
    """An enhanced object's way to tell a contrast agent."""
    agent = Dataset()
    agent.CodeValue, agent.CodingSchemeDesignator, agent.CodeMeaning = "109221001", "SCT", "Iodine-containing agent"
    dataset.ContrastBolusAgentSequence = Sequence([agent])


def with_route(dataset: Dataset) -> None:
    dataset.ContrastBolusAgent, dataset.ContrastBolusRoute = "", "IV"


def with_volume(dataset: Dataset) -> None:
    dataset.ContrastBolusVolume = "90"


@pytest.mark.parametrize("add", [with_agents, with_route, with_volume])
def test_any_word_of_a_contrast_agent_says_that_one_was_given(add) -> None:
    dataset = slice_()
    add(dataset)

    assert header(encode(dataset)).facts.contrast_agent is True


@pytest.mark.parametrize(("agent", "given"), [("", None), ("NONE", False), ("Iomeprol", True)])
def test_an_agent_without_a_name_leaves_open_whether_there_was_one(agent: str, given: bool | None) -> None:
    dataset = slice_()
    dataset.ContrastBolusAgent = agent

    assert header(encode(dataset)).facts.contrast_agent is given


def test_a_header_without_the_module_says_that_no_agent_was_given() -> None:
    assert header(encode(slice_())).facts.contrast_agent is False


@pytest.mark.parametrize(
    ("series", "acquisition", "day"),
    [
        ("20260304", "20260305", datetime.date(2026, 3, 4)),
        ("", "20260305", datetime.date(2026, 3, 5)),
        ("20261304", None, None),
        ("2026.03.04", None, None),
        (None, None, None),
    ],
)
def test_the_day_of_a_scan_is_that_of_its_series_or_else_of_the_acquisition(
    series: str | None, acquisition: str | None, day: datetime.date | None
) -> None:
    dataset = slice_()
    for keyword, value in (("SeriesDate", series), ("AcquisitionDate", acquisition)):
        if keyword in dataset:
            delattr(dataset, keyword)
        if value is not None:
            dataset.add(DataElement(keyword, "LO", value))

    assert header(encode(dataset)).facts.scanned_on == day


def test_a_device_is_told_by_its_serial_number() -> None:
    dataset = slice_()
    dataset.DeviceSerialNumber = "0815"

    assert header(encode(dataset)).facts.device_serial == "0815"
