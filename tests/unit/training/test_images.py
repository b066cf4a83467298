"""Grids of images that are read without their voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from node.domain.errors import InputRejected
from node.domain.geometry import Affine
from node.domain.volume import Volume
from tests.builders.manifests import write_nifti
from training.dicom_series import SeriesHeader, save_ct_series
from training.images import NO_FRAME, ImageGrid, grid_of, load_ct, read_grid, read_image

HEADER = SeriesHeader(
    identity="grid",
    patient_name="PHANTOM^GRID",
    patient_id="PHANTOM-GRID",
    study_description="",
    series_description="",
    kvp=120.0,
)


def test_the_grid_of_a_series_is_that_of_its_volume(tmp_path: Path) -> None:
    volume = Volume(
        hu=np.zeros((5, 8, 6), dtype=np.float32),
        affine=Affine.from_spacing((2.5, 0.7, 0.8), (-10.0, 20.0, 300.0)),
        frame_of_reference=NO_FRAME,
    )
    save_ct_series(volume, HEADER, tmp_path / "series")

    grid = read_grid(tmp_path / "series")

    assert grid.shape == (5, 8, 6)
    assert grid.is_that_of(grid_of(load_ct(tmp_path / "series")))
    assert grid.is_that_of(grid_of(volume))


def test_the_grid_of_a_file_is_that_of_its_voxels(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "ct.nii.gz", np.zeros((4, 5, 6), dtype=np.int16), origin=(3.0, 4.0, 5.0))

    grid = read_grid(path)

    assert grid.shape == (4, 5, 6)
    assert grid.is_that_of(read_image(path)[1])
    assert np.allclose(grid.affine.to_lps(np.zeros(3)), (3.0, 4.0, 5.0))


def test_grids_are_compared_at_their_corners() -> None:
    shape = (10, 10, 11)
    grid, longer = (ImageGrid(shape=shape, affine=Affine.from_spacing((1.0, 1.0, step))) for step in (1.0, 1.02))

    assert grid.apart_mm(longer) == pytest.approx(0.2)
    assert not grid.is_that_of(longer)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="holds no image"):
        read_grid(tmp_path)
