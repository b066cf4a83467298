"""A source whose header lacks what it must have, or says nonsense, still gets its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword

from node.domain.outgoing import ObjectKind
from node.domain.reasons import ReasonCode
from node.encode.explicit import keep_raw, put_raw
from tests.builders.ct import CtSpec, ct_series
from tests.builders.encoded import encode_on, read
from tests.builders.results import not_evaluable_result

Change = Callable[[Dataset], None]
SPACINGS = frozenset({"Horizontal Pixel Spacing", "Vertical Pixel Spacing"})
COSINES = frozenset(f"Image Orientation (Patient) {part} {axis}" for part in ("Row", "Column") for axis in "XYZ")
SIZES = frozenset({"Pixel Data Rows", "Pixel Data Columns"})
THICKNESS = frozenset({"Slice Thickness"})
FRAME = frozenset({"Frame of Reference UID"})
ALL = SPACINGS | COSINES | SIZES | THICKNESS | FRAME | {"Modality"}


def without(*keywords: str) -> Change:
    def change(dataset: Dataset) -> None:
        for keyword in keywords:
            delattr(dataset, keyword)

    return change


def saying(keyword: str, value: bytes) -> Change:
    """The element with these very bytes."""

    def change(dataset: Dataset) -> None:
        tag = tag_for_keyword(keyword)
        assert tag is not None
        put_raw(dataset, tag, dictionary_VR(tag), value)
        dataset["PixelData"].VR = "OW"  # pydicom decides this only for data sets it does not write raw
        keep_raw(dataset)

    return change


def told_of(change: Change, folder: Path) -> set[str]:
    """The descriptors that stand in the image library of the report on a series so changed."""
    spec = CtSpec(slices=3)
    sources = ct_series(spec)
    for dataset in sources:
        change(dataset)
    made = encode_on(not_evaluable_result(spec, ReasonCode.MISSING_GEOMETRY), sources, folder)
    libraries = [item for item in read(made[ObjectKind.SR]).ContentSequence if meaning(item) == "Image Library"]
    return {
        meaning(item)
        for library in libraries
        for group in library.ContentSequence
        for item in group.ContentSequence
        if item.ValueType != "IMAGE"
    }


def meaning(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def test_a_whole_header_is_told_whole(tmp_path: Path) -> None:
    assert told_of(lambda _: None, tmp_path) == ALL


@pytest.mark.parametrize(
    ("keyword", "left_out"),
    [
        ("Columns", {"Pixel Data Columns"}),
        ("PixelSpacing", SPACINGS),
        ("SliceThickness", THICKNESS),
        ("ImageOrientationPatient", ALL - {"Modality"}),
        ("ImagePositionPatient", ALL - {"Modality"}),
        ("FrameOfReferenceUID", FRAME),
        ("PixelData", frozenset()),
        ("StudyID", frozenset()),
        ("AccessionNumber", frozenset()),
        ("StudyDate", frozenset()),
        ("PatientName", frozenset()),
        ("PatientID", frozenset()),
        ("Modality", frozenset()),
        ("SpecificCharacterSet", frozenset()),
    ],
)
def test_what_is_missing_is_left_out_of_the_report(keyword: str, left_out: frozenset[str], tmp_path: Path) -> None:
    assert told_of(without(keyword), tmp_path) == ALL - left_out


def test_a_series_without_a_size_has_no_image_library(tmp_path: Path) -> None:
    assert told_of(without("Rows", "Columns"), tmp_path) == set()


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize(
    ("keyword", "value", "left_out"),
    [
        *(
            ("PixelSpacing", value, SPACINGS)
            for value in (
                b"",
                b"0.7 ",
                b"a\\b ",
                b"nan\\nan ",
                b"1e999\\1 ",
                b"1\\2\\3 ",
                b"0\\0 ",
                b"\\ ",
                b"\xff\xfe",
            )
        ),
        *(("SliceThickness", value, THICKNESS) for value in (b"", b"1\\2 ", b"thin", b"nan ", b"-1", b"\xff\xfe")),
        *(("Rows", value, {"Pixel Data Rows"}) for value in (b"", b"\x01", b"\x01\x00\x02\x00", b"\x00\x00")),
        *(("Columns", value, {"Pixel Data Columns"}) for value in (b"", b"\x01\x00\x02\x00")),
        *(("FrameOfReferenceUID", value, FRAME) for value in (b"", b"../../x ", b"\xe4\xff", b"1.2\\3.4 ")),
        ("ImageOrientationPatient", b"1\\0\\0\\0\\1 ", ALL - {"Modality"}),
        ("ImageOrientationPatient", b"nan\\0\\0\\0\\1\\0", ALL - {"Modality"}),
    ],
)
def test_what_cannot_be_read_is_left_out_of_the_report(
    keyword: str, value: bytes, left_out: frozenset[str], tmp_path: Path
) -> None:
    assert told_of(saying(keyword, value), tmp_path) == ALL - left_out
