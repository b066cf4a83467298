"""A copy is the same image, in the same place, and says no more than an image needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from node.domain.reasons import Reason
from tests.builders.ct import CtSpec, ct_series
from tests.builders.exports import Exporter, told
from training.cohort.manifest import read_manifest
from training.export.kept import PATIENT_CHARACTERISTICS
from workers.volume_io import LoadedSeries, load_series


def one(**attributes: object) -> Dataset:
    """A CT image with other attributes."""
    (dataset,) = ct_series(CtSpec(slices=1, extra=dict(attributes)))
    return dataset


def loaded(folder_of: Exporter, *, copies: bool) -> LoadedSeries:
    folder = folder_of.out if copies else folder_of.folder
    series = load_series(tuple(sorted(folder.rglob("*.dcm"))))
    assert not isinstance(series, Reason), series
    return series


def test_the_nodes_own_reader_builds_the_same_volume_from_the_copies(exporter: Exporter) -> None:
    exporter.write(ct_series(CtSpec(slices=4)))

    exporter.run()

    before, after = loaded(exporter, copies=False).volume, loaded(exporter, copies=True).volume
    np.testing.assert_array_equal(after.hu, before.hu)
    np.testing.assert_allclose(after.affine.matrix, before.affine.matrix)


def test_what_stands_in_bits_that_no_value_occupies_is_gone(exporter: Exporter) -> None:
    """Old scanners draw overlays with the patient's name into the upper bits."""
    dataset = one()
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    values = np.frombuffer(dataset.PixelData, "<u2") & 0x0FFF
    dataset.PixelData = (values | 0xA000).astype("<u2").tobytes()
    exporter.write([dataset])

    exporter.run()

    (copy,) = exporter.copies()
    assert (np.frombuffer(copy.PixelData, "<u2") == values).all()


def test_negative_values_below_unused_bits_stay_negative(exporter: Exporter) -> None:
    dataset = one()
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 13, 1
    values = np.resize(np.array([-1000, -1, 0, 1, 2047], dtype=np.int16), (18, 20))
    dataset.PixelData = ((values.astype(np.uint16) & 0x0FFF) << 2).astype("<u2").tobytes()
    exporter.write([dataset])

    exporter.run()

    (copy,) = exporter.copies()
    assert copy.HighBit == 11
    assert (np.frombuffer(copy.PixelData, "<i2").reshape(18, 20) == values).all()


def test_free_text_that_the_profile_does_not_name_is_left_out_as_well(exporter: Exporter) -> None:
    exporter.write([one(WindowCenterWidthExplanation="DOE", ContrastBolusRoute="DOE", AnatomicalOrientationType="DOE")])

    exporter.run()

    (copy,) = exporter.copies()
    assert {"WindowCenterWidthExplanation", "ContrastBolusRoute", "AnatomicalOrientationType"}.isdisjoint(copy.dir())


def test_a_name_in_place_of_a_code_is_left_out(exporter: Exporter, capfd: pytest.CaptureFixture[str]) -> None:
    exporter.write([one()])
    (path,) = exporter.folder.iterdir()
    path.write_bytes(path.read_bytes().replace(b"CHEST ", b"Doe^J "))

    exporter.run()

    (copy,) = exporter.copies()
    assert not copy.BodyPartExamined
    assert capfd.readouterr() == ("", ""), "what is wrong with a value is told with the value"


@pytest.mark.parametrize(
    ("agent", "told"),
    [("Ultravist 370, Doe", "yes"), ("none", "no"), ("", ""), (None, "no")],
    ids=["named", "none", "unknown", "no module"],
)
def test_whether_there_was_contrast_agent_is_told_without_the_text(
    exporter: Exporter, agent: str | None, told: str
) -> None:
    exporter.write([one() if agent is None else one(ContrastBolusAgent=agent)])
    exporter.run()

    (row,) = rows(exporter)
    again = Exporter(folder=exporter.out, out=exporter.out.parent / "again")
    again.run()

    assert row["contrast"] == told
    assert rows(again)[0]["contrast"] == told, "the copies must say the same as the files"
    assert "Doe" not in str(exporter.copies())


def test_a_route_alone_says_that_there_was_contrast_agent(exporter: Exporter) -> None:
    exporter.write([one(ContrastBolusAgent="", ContrastBolusRoute="IV")])

    exporter.run()

    assert rows(exporter)[0]["contrast"] == "yes"
    assert exporter.copies()[0].ContrastBolusAgent


def rows(exporter: Exporter) -> list[dict[str, str]]:
    """The rows of the manifest."""
    head, *lines = (exporter.out / "manifest.csv").read_text().splitlines()
    return [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]


def test_the_manifest_is_one_of_a_study_once_the_class_is_filled_in(exporter: Exporter) -> None:
    exporter.write([*ct_series(CtSpec(name="a", slices=2)), *ct_series(CtSpec(name="b", slices=3, kvp=100.0))])
    exporter.run()
    manifest = exporter.out / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",site-1,,,", ",site-1,,osteopenia,"))

    scans = read_manifest(manifest)

    assert sorted(len(list(scan.image.iterdir())) for scan in scans) == [2, 3]
    assert {scan.patient for scan in scans} == {str(copy.PatientID) for copy in exporter.copies()}
    assert sorted(scan.kvp or 0.0 for scan in scans) == [100.0, 120.0]
    assert {(scan.scanner, scan.kernel, scan.contrast) for scan in scans} == {
        ("Builder Works Slices 64", "B30f", False)
    }
    assert {(scan.sex, scan.age_years) for scan in scans} == {(None, None)}


@pytest.mark.parametrize(
    ("attributes", "age"),
    [
        ({"PatientAge": "067Y"}, "67"),
        ({"PatientAge": "006M"}, "0.5"),
        ({"PatientAge": "089Y"}, "89"),
        ({"PatientAge": "093Y"}, "90"),
        ({"PatientBirthDate": "19500502", "StudyDate": "20260501"}, "75"),
        ({"PatientBirthDate": "19500501", "StudyDate": "20260501"}, "76"),
        ({"PatientBirthDate": "19200101", "StudyDate": "20260501"}, "90"),
        ({"PatientBirthDate": "", "StudyDate": "20260501"}, ""),
    ],
)
def test_the_age_is_told_where_it_is_asked_for_and_nobody_is_older_than_90(
    exporter: Exporter, attributes: dict[str, str], age: str
) -> None:
    exporter.write([one(**attributes)])

    exporter.run(options=(PATIENT_CHARACTERISTICS,))

    (row,) = rows(exporter)
    assert (row["sex"], row["age"]) == ("F", age)


def test_what_the_images_of_a_series_say_differently_is_left_open(exporter: Exporter) -> None:
    first, second = ct_series(CtSpec(slices=2))
    second.KVP = "100"
    exporter.write([first, second])

    exporter.run()

    (row,) = rows(exporter)
    assert (row["kvp"], row["kernel"]) == ("", "B30f")


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGLSLossless], ids=lambda uid: uid.keyword
)
def test_the_transfer_syntax_of_the_files_changes_nothing(exporter: Exporter, syntax: UID, tmp_path: Path) -> None:
    """Padding is there so that an attribute whose kind depends on another one is met in every syntax."""
    (dataset,) = ct_series(CtSpec(slices=1, extra={"PixelPaddingValue": -2000}))
    exporter.write([dataset])
    other = Exporter(folder=tmp_path / "other", out=tmp_path / "other-out")
    if syntax.is_compressed:
        dataset.compress(syntax, generate_instance_uid=False)
    elif not syntax.is_little_endian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    other.folder.mkdir()
    pydicom.dcmwrite(other.folder / "image.dcm", dataset, enforce_file_format=True)

    exporter.run()
    other.run()

    assert told(other.out) == told(exporter.out)


@pytest.mark.parametrize("attribute", ["BodyPartExamined", "PatientPosition"])
@pytest.mark.parametrize("name", ["SMITH JOHN", "W"])
def test_a_name_in_capitals_is_no_term(exporter: Exporter, attribute: str, name: str) -> None:
    exporter.write([one(**{attribute: name})])

    exporter.run()

    (copy,) = exporter.copies()
    assert not copy[attribute].value


@pytest.mark.parametrize(
    ("attribute", "term"),
    [
        ("BodyPartExamined", "CHEST"),
        ("BodyPartExamined", "TSPINE"),
        ("BodyPartExamined", "WHOLEBODY"),
        ("PatientPosition", "FFS"),
    ],
)
def test_terms_of_the_standard_stay(exporter: Exporter, attribute: str, term: str) -> None:
    exporter.write([one(**{attribute: term})])

    exporter.run()

    (copy,) = exporter.copies()
    assert copy[attribute].value == term
