"""The synthetic study is valid DICOM in the eyes of others."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK

from node.domain.levels import VertebralLevel
from tests import peers
from training.phantom import Phantom, PhantomSpec, make_chest_ct, write_series


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """A phantom of few, small slices."""
    return make_chest_ct(PhantomSpec(size=64, slice_mm=8.0, first=VertebralLevel.T12, last=VertebralLevel.L2))


def test_the_validator_has_no_complaint_about_a_slice(phantom: Phantom, tmp_path: Path) -> None:
    paths = write_series(phantom, tmp_path / "study")

    complaints = {line for path in (paths[0], paths[-1]) for line in peers.dciodvfy(path)}

    assert complaints == set()


def test_dcmtk_reads_a_slice_whole(phantom: Phantom, tmp_path: Path) -> None:
    path = write_series(phantom, tmp_path / "study")[0]

    done = peers.dcmtk("dcmdump", "+P", "PatientName", "+P", "QualityControlImage", str(path))

    assert done.returncode == 0
    assert "PHANTOM^SEED 7" in done.stdout
    assert "YES" in done.stdout


def test_another_reader_builds_the_same_volume_from_the_files(phantom: Phantom, tmp_path: Path) -> None:
    write_series(phantom, tmp_path / "study")
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "study")))

    image = reader.Execute()

    k, j, i = phantom.volume.affine.spacing_mm
    assert image.GetSpacing() == pytest.approx((i, j, k), abs=1e-4)
    assert image.GetOrigin() == pytest.approx(tuple(phantom.volume.affine.matrix[:3, 3]), abs=1e-3)
    assert (SimpleITK.GetArrayFromImage(image) == phantom.volume.hu).all()
