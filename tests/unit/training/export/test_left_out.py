"""What cannot be exported is named with its reason, and the rest is exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    EnhancedCTImageStorage,
    SecondaryCaptureImageStorage,
)
from typer.testing import CliRunner

from node.domain.errors import ConfigurationError, InputRejected
from tests.builders.ct import CtSpec, ct_series, with_file_meta
from tests.builders.exports import Exporter, told
from training.cli import app
from training.export.source import Refusal

Change = Callable[[Dataset], None]


def sop_class(uid: str) -> Change:
    def change(dataset: Dataset) -> None:
        dataset.SOPClassUID = uid
        with_file_meta(dataset)

    return change


def attribute(keyword: str, value: object) -> Change:
    return lambda dataset: setattr(dataset, keyword, value)


def kind(keyword: str, vr: str, value: str) -> Change:
    def change(dataset: Dataset) -> None:
        dataset[keyword] = pydicom.DataElement(dataset[keyword].tag, vr, value)

    return change


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (sop_class(SecondaryCaptureImageStorage), Refusal.NOT_CT),
        (sop_class(EnhancedCTImageStorage), Refusal.NOT_CT),
        (sop_class(ComprehensiveSRStorage), Refusal.NOT_CT),
        (sop_class(EncapsulatedPDFStorage), Refusal.NOT_CT),
        (attribute("BurnedInAnnotation", "YES"), Refusal.BURNED_IN),
        (attribute("ImageType", ["DERIVED", "SECONDARY", "SCREEN SAVE"]), Refusal.SCREEN),
        (attribute("ConversionType", "WSD"), Refusal.SCREEN),
        (attribute("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), Refusal.LOCALIZER),
        (attribute("PatientID", ""), Refusal.NO_PATIENT),
        (kind("KVP", "LO", "Doe^Jane"), Refusal.WRONG_VALUE),
        (kind("Manufacturer", "UT", "Doe^Jane"), Refusal.WRONG_VALUE),
        (attribute("KVP", ["120", "100"]), Refusal.UNREADABLE),
        (attribute("SamplesPerPixel", 3), Refusal.UNREADABLE),
        (attribute("NumberOfFrames", "2"), Refusal.UNREADABLE),
        (attribute("PixelData", b"\0\0"), Refusal.UNREADABLE),
    ],
)
def test_anything_but_a_ct_image_without_text_in_it_is_left_out(
    exporter: Exporter, change: Change, refusal: Refusal
) -> None:
    good, bad = ct_series(CtSpec(slices=2))
    change(bad)
    exporter.write([good])
    exporter.write([bad], below="bad")

    summary = exporter.run()

    (left,) = summary.left_out
    assert (summary.images, left.refusal, left.path.parent.name) == (1, refusal, "bad")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"Jane Doe",
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:400],
        lambda content: content.replace(b"120.0", b"Doe^J"),
        lambda content: content[:132] + b"\xff" * 400,
        lambda content: content[:138] + b"\x9a\x00" + content[140:],
    ],
    ids=["text", "empty", "cut off in pixels", "cut off in the header", "no number", "noise", "odd length"],
)
def test_a_file_that_cannot_be_read_is_left_out(exporter: Exporter, spoil: Callable[[bytes], bytes]) -> None:
    good, bad = ct_series(CtSpec(slices=2))
    exporter.write([good])
    exporter.write([bad], below="bad")
    (path,) = (exporter.folder / "bad").iterdir()
    before = path.read_bytes()
    path.write_bytes(spoil(before))
    assert path.read_bytes() != before

    summary = exporter.run()

    assert summary.images == 1
    assert [(left.path, left.refusal) for left in summary.left_out] == [(path, Refusal.UNREADABLE)]


def test_a_file_that_is_there_twice_is_exported_once(exporter: Exporter) -> None:
    datasets = ct_series(CtSpec(slices=1))
    exporter.write(datasets)
    exporter.write(datasets, below="again")

    summary = exporter.run()

    assert (summary.images, [left.refusal for left in summary.left_out]) == (1, [Refusal.TWICE])


def command(exporter: Exporter, *options: str) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, ["export", str(exporter.folder), "--out", str(exporter.out), *options])
    return done.exit_code, done.output, done.exception


def test_the_command_says_what_was_exported_and_what_was_not(exporter: Exporter, tmp_path: Path) -> None:
    exporter.write(ct_series(CtSpec(slices=2)))
    (exporter.folder / "note\x1b[31m.txt").write_text("Jane Doe")

    status, output, _ = command(exporter, "--retain-device-identity", "--key", str(tmp_path / "export.key"))

    assert status == 0
    assert "images: 2, series: 1, patients: 1, files left out: 1" in output
    assert "left out, 1, each is no DICOM image" in output
    assert "'note\\x1b[31m.txt'" in output
    assert (tmp_path / "export.key").stat().st_mode & 0o777 == 0o600
    assert [copy.DeviceSerialNumber for copy in exporter.copies()] == ["1", "1"]


def test_the_same_key_gives_the_same_pseudonyms_and_no_key_others(exporter: Exporter, tmp_path: Path) -> None:
    exporter.write(ct_series(CtSpec(slices=1)))
    key = str(tmp_path / "export.key")
    runs = [("a", ["--key", key]), ("b", ["--key", key]), ("c", []), ("d", [])]

    patients = []
    for name, options in runs:
        here = Exporter(folder=exporter.folder, out=tmp_path / name)
        command(here, *options)
        patients += [str(copy.PatientID) for copy in here.copies()]

    assert patients[0] == patients[1]
    assert len(set(patients)) == 3


def test_nothing_that_can_be_exported_is_a_failure(exporter: Exporter) -> None:
    exporter.folder.mkdir()
    (exporter.folder / "note.txt").write_text("nothing")

    _, _, error = command(exporter)

    assert isinstance(error, InputRejected)
    assert not exporter.out.exists()


def test_an_export_goes_into_a_folder_of_its_own(exporter: Exporter) -> None:
    exporter.write(ct_series(CtSpec(slices=1)))
    inside = Exporter(folder=exporter.folder, out=exporter.folder / "out")
    around = Exporter(folder=exporter.folder, out=exporter.folder.parent)

    for wrong in (inside, around):
        with pytest.raises(ConfigurationError, match="must not lie in"):
            wrong.run()
    exporter.out.mkdir()
    (exporter.out / "something").write_text("")
    with pytest.raises(ConfigurationError, match="must be empty"):
        exporter.run()


def test_the_key_does_not_travel_with_the_export(exporter: Exporter) -> None:
    exporter.write(ct_series(CtSpec(slices=1)))

    _, _, error = command(exporter, "--key", str(exporter.out / "export.key"))

    assert isinstance(error, ConfigurationError)
    assert not exporter.out.exists()


def test_a_key_that_is_too_short_is_refused(exporter: Exporter, tmp_path: Path) -> None:
    exporter.write(ct_series(CtSpec(slices=1)))
    (tmp_path / "short.key").write_bytes(b"short")

    _, _, error = command(exporter, "--key", str(tmp_path / "short.key"))

    assert isinstance(error, ConfigurationError)
    assert "16 bytes" in str(error)


def test_who_is_who_is_written_down_for_the_site_alone(exporter: Exporter, tmp_path: Path) -> None:
    exporter.write(ct_series(CtSpec(slices=2)))
    link = tmp_path / "link.csv"

    status, output, _ = command(exporter, "--link", str(link))

    head, row = link.read_text().splitlines()
    (series,) = exporter.out.glob("*/*")
    assert status == 0, output
    assert head == "image,PatientID,AccessionNumber,StudyDate,SeriesInstanceUID"
    assert row == f"{series.relative_to(exporter.out)},BUILDER-1,A-1,20260501,{CtSpec().uid('series')}"
    assert link.stat().st_mode & 0o777 == 0o600
    assert b"BUILDER-1" not in told(exporter.out)


def test_who_is_who_does_not_travel_with_the_export_and_replaces_nothing(exporter: Exporter, tmp_path: Path) -> None:
    exporter.write(ct_series(CtSpec(slices=1)))
    (tmp_path / "there.csv").write_text("kept")

    for link in (exporter.out / "link.csv", tmp_path / "there.csv"):
        _, _, error = command(exporter, "--link", str(link))
        assert isinstance(error, ConfigurationError), link

    assert (tmp_path / "there.csv").read_text() == "kept"
    assert not exporter.out.exists()
