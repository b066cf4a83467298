"""The quick reader finds what pydicom finds, or says that it cannot."""

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from node.header_scan import HEAD_BYTES, scan_file
from tests.builders.ct import CtSpec, ct_series, write_series

SOP_INSTANCE, POSITION, ROWS = 0x00080018, 0x00200032, 0x00280010
WANTED = frozenset({SOP_INSTANCE, POSITION, ROWS})


def with_sequence(dataset: Dataset, *, undefined_length: bool) -> Dataset:
    """The data set with a nested sequence before the wanted elements, one of them inside it."""
    inner, outer = Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID, inner.SOPInstanceUID = "1.2.3", "9.9.9"
    inner.is_undefined_length_sequence_item = undefined_length
    outer.ReferencedSOPSequence = [inner]
    outer.is_undefined_length_sequence_item = undefined_length
    dataset.ReferencedSeriesSequence = [outer]
    dataset["ReferencedSeriesSequence"].is_undefined_length = undefined_length
    outer["ReferencedSOPSequence"].is_undefined_length = undefined_length
    return dataset


def first_file(folder, change=lambda dataset: dataset, **save):
    dataset = change(ct_series(CtSpec(slices=2))[0])
    if not save:
        return write_series([dataset], folder)[0]
    folder.mkdir(exist_ok=True)
    del dataset.file_meta.TransferSyntaxUID
    if save.get("syntax") == ExplicitVRBigEndian:
        dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = save["syntax"]
    path = folder / "saved.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("undefined_length", [True, False])
def test_values_are_those_that_pydicom_reads(tmp_path, undefined_length):
    path = first_file(tmp_path, lambda dataset: with_sequence(dataset, undefined_length=undefined_length))

    found = scan_file(path, WANTED)

    header = dcmread(path, stop_before_pixels=True)
    assert found is not None
    assert found[SOP_INSTANCE].rstrip(b"\x00").decode() == header.SOPInstanceUID
    assert [float(part) for part in found[POSITION].split(b"\\")] == list(header.ImagePositionPatient)
    assert int.from_bytes(found[ROWS], "little") == header.Rows


def test_implicit_vr_is_read_as_well(tmp_path):
    path = first_file(
        tmp_path, lambda dataset: with_sequence(dataset, undefined_length=True), syntax=ImplicitVRLittleEndian
    )

    found = scan_file(path, WANTED)

    assert found is not None
    assert found[SOP_INSTANCE].rstrip(b"\x00").decode() == dcmread(path).SOPInstanceUID


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_what_is_not_plain_little_endian_is_left_to_pydicom(tmp_path, syntax):
    assert scan_file(first_file(tmp_path, syntax=syntax), WANTED) is None


def test_an_element_that_is_not_there_is_left_out(tmp_path):
    def without_position(dataset):
        del dataset.ImagePositionPatient
        return dataset

    found = scan_file(first_file(tmp_path, without_position), WANTED)

    assert found is not None
    assert POSITION not in found


@pytest.mark.parametrize("size", [0, 10, 131, 140, 300, 900])
def test_a_file_that_ends_in_its_head_is_left_to_pydicom(tmp_path, size):
    path = first_file(tmp_path)
    path.write_bytes(path.read_bytes()[:size])

    assert scan_file(path, WANTED) is None


def test_a_head_longer_than_is_read_is_left_to_pydicom(tmp_path):
    def with_long_text(dataset):
        dataset.DerivationDescription = None
        dataset.add_new(0x00091010, "UN", b"x" * HEAD_BYTES)
        return dataset

    assert scan_file(first_file(tmp_path, with_long_text), WANTED) is None
