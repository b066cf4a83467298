"""Exported images are valid DICOM in the eyes of others."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK

from tests import peers
from tests.builders.confidentiality_profile import plant_identity
from tests.builders.ct import CtSpec, ct_series
from tests.builders.exports import Exporter
from tests.interop.tolerated_warnings import not_tolerated_of
from training.export.kept import DEVICE_IDENTITY, PATIENT_CHARACTERISTICS, ProfileOption


@pytest.mark.parametrize("options", [(), (PATIENT_CHARACTERISTICS, DEVICE_IDENTITY)], ids=["basic", "both options"])
@pytest.mark.parametrize("agent", [None, "Iomeprol"])
def test_the_validator_has_no_complaint_about_a_copy(
    tmp_path: Path, options: tuple[ProfileOption, ...], agent: str | None
) -> None:
    exporter = Exporter(folder=tmp_path / "files", out=tmp_path / "out")
    extra: dict[str, object] = {} if agent is None else {"ContrastBolusAgent": agent}
    exporter.write(ct_series(CtSpec(slices=1, extra=extra)))

    exporter.run(options=options)

    (copy,) = exporter.out.rglob("*.dcm")
    assert not_tolerated_of(peers.dciodvfy(copy), inherited=True) == []


def test_dcmtk_finds_no_planted_identity_in_a_copy(tmp_path: Path) -> None:
    exporter = Exporter(folder=tmp_path / "files", out=tmp_path / "out")
    datasets = ct_series(CtSpec(slices=1))
    plant_identity(datasets[0])
    exporter.write(datasets)

    exporter.run()

    (copy,) = exporter.out.rglob("*.dcm")
    done = peers.dcmtk("dcmdump", "--print-all", str(copy))
    assert done.returncode == 0
    assert "zqx" not in done.stdout.lower()


def test_another_reader_builds_the_same_volume_from_the_copies(tmp_path: Path) -> None:
    exporter = Exporter(folder=tmp_path / "files", out=tmp_path / "out")
    exporter.write(ct_series(CtSpec(slices=4)))

    exporter.run()

    images = []
    for folder in (exporter.folder, next(exporter.out.glob("*/*"))):
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        images.append(reader.Execute())
    before, after = images
    assert after.GetOrigin() == pytest.approx(before.GetOrigin())
    assert after.GetSpacing() == pytest.approx(before.GetSpacing())
    assert (SimpleITK.GetArrayFromImage(after) == SimpleITK.GetArrayFromImage(before)).all()
