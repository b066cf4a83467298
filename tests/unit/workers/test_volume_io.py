"""A series of files becomes the volume that it shows, every value at its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from node.domain.errors import TransientFailure
from tests.builders.ct import CORONAL, SAGITTAL, CtSpec, ct_affine, ct_series, rotated, write_series
from tests.builders.enhanced_ct import enhanced_ct
from tests.builders.loading import load, noise, series_of
from workers.volume_io import LoadedSeries, load_series

SPEC = CtSpec()


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        replace(SPEC, backwards=True),
        replace(SPEC, orientation=CORONAL),
        replace(SPEC, orientation=SAGITTAL),
        replace(SPEC, orientation=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0)),  # prone
        replace(SPEC, orientation=rotated((1, 0, 0, 0, 1, 0), about_x_deg=20, about_z_deg=-35)),
        replace(SPEC, duplicated=frozenset({0, 3, 7})),
    ],
    ids=["plain", "backwards", "coronal", "sagittal", "prone", "oblique", "duplicated"],
)
@pytest.mark.parametrize("multi_frame", [False, True], ids=["classic", "enhanced"])
def test_every_voxel_comes_with_its_hu_to_its_place(spec, multi_frame, tmp_path):
    hu = noise(spec)

    loaded = load([enhanced_ct(spec, hu)] if multi_frame else ct_series(spec, hu), tmp_path)

    assert np.array_equal(loaded.volume.hu, hu)
    assert np.allclose(loaded.volume.affine.matrix, ct_affine(spec).matrix, atol=1e-4)
    assert loaded.volume.frame_of_reference == spec.uid("frame of reference")
    assert bool(loaded.notes) == bool(spec.duplicated)


def test_slope_and_intercept_are_those_of_each_slice(tmp_path):
    datasets = ct_series(SPEC, np.zeros((SPEC.slices, SPEC.rows, SPEC.columns), np.float32))
    for k, dataset in enumerate(datasets):
        dataset.RescaleSlope, dataset.RescaleIntercept = str(0.5 + k), str(-k)

    volume = load(datasets, tmp_path).volume

    expected = [1024 * (0.5 + k) - k for k in range(SPEC.slices)]
    assert np.array_equal(volume.hu[:, 0, 0], np.float32(expected))


def test_slope_and_intercept_are_those_of_each_frame(tmp_path):
    dataset = enhanced_ct(SPEC, np.zeros((SPEC.slices, SPEC.rows, SPEC.columns), np.float32))
    shared = dataset.SharedFunctionalGroupsSequence[0]
    del shared.PixelValueTransformationSequence
    for k, groups in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        item = Dataset()
        item.RescaleSlope, item.RescaleIntercept, item.RescaleType = "2", str(-k), "HU"
        groups.PixelValueTransformationSequence = [item]

    volume = load([dataset], tmp_path).volume

    assert np.array_equal(volume.hu[:, 0, 0], np.float32([2048 - k for k in range(SPEC.slices)]))


def test_bits_above_the_stored_ones_mean_nothing(tmp_path):
    hu = np.clip(noise(SPEC), -1000, 1000)
    datasets = ct_series(SPEC, hu)
    for dataset, plane in zip(datasets, hu, strict=True):
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
        dataset.PixelData = ((plane + 1024).astype("<u2") | 0xA000).tobytes()

    assert np.array_equal(load(datasets, tmp_path).volume.hu, hu)


def test_the_sign_follows_from_the_highest_stored_bit(tmp_path):
    hu = np.clip(noise(SPEC), -1000, 1000)
    datasets = ct_series(SPEC, hu)
    for dataset, plane in zip(datasets, hu, strict=True):
        dataset.BitsStored, dataset.HighBit, dataset.RescaleIntercept = 12, 13, "0"
        dataset.PixelData = (((plane.astype("<i2") & 0x0FFF) << 2) | 3).astype("<i2").tobytes()

    assert np.array_equal(load(datasets, tmp_path).volume.hu, hu)


def test_unsigned_values_above_the_signed_range_stay_positive(tmp_path):
    datasets = ct_series(SPEC)
    for dataset in datasets:
        dataset.PixelRepresentation, dataset.RescaleIntercept = 0, "-40000"
        dataset.PixelData = np.full((SPEC.rows, SPEC.columns), 40100, dtype="<u2").tobytes()

    assert np.array_equal(load(datasets, tmp_path).volume.hu, np.full((8, 18, 20), 100, np.float32))


def test_padding_becomes_the_lowest_value_that_was_measured(tmp_path):
    datasets = ct_series(SPEC, np.full((8, 18, 20), -2000, np.float32))
    for dataset in datasets:
        stored = np.full((18, 20), -1000 + 1024, "<i2")
        stored[0, 0], stored[0, 1] = -2000, 1500
        dataset.PixelPaddingValue, dataset.PixelData = -2000, stored.tobytes()

    volume = load(datasets, tmp_path).volume

    assert set(np.unique(volume.hu)) == {-1000.0, 476.0}


def test_a_padding_value_that_tissue_has_too_is_not_believed(tmp_path):
    datasets = ct_series(SPEC, np.zeros((8, 18, 20), np.float32))
    for dataset in datasets:
        dataset.PixelPaddingValue = 1024  # 0 HU

    assert np.array_equal(load(datasets, tmp_path).volume.hu, np.zeros((8, 18, 20), np.float32))


def save_in(syntax: UID, dataset: Dataset, path: Path) -> Path:
    """Save a little-endian data set in another transfer syntax."""
    if syntax == RLELossless:
        dataset.compress(syntax)
    elif syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
def test_the_transfer_syntax_changes_nothing(syntax, tmp_path):
    hu = noise(SPEC)
    files = [save_in(syntax, dataset, tmp_path / f"{number}.dcm") for number, dataset in enumerate(ct_series(SPEC, hu))]

    loaded = load_series(files)

    assert isinstance(loaded, LoadedSeries), loaded
    assert np.array_equal(loaded.volume.hu, hu)


def test_a_file_that_is_gone_is_no_result_but_a_failure(tmp_path):
    files = write_series(ct_series(SPEC), tmp_path)
    files[0].unlink()

    with pytest.raises(TransientFailure):
        load_series(files)


@pytest.mark.parametrize("multi_frame", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize(
    "spec",
    [
        replace(SPEC, slices=300, spacing_mm=(5.0, 500 / 18, 500 / 20)),
        replace(SPEC, slices=100, spacing_mm=(5.0, 1500 / 18, 500 / 20), orientation=CORONAL),
    ],
    ids=["axial", "coronal"],
)
def test_a_scan_of_the_whole_trunk_is_loaded(spec, multi_frame, tmp_path):
    volume = load(series_of(spec, multi_frame), tmp_path).volume

    extent_mm = np.sort(np.array(volume.affine.spacing_mm) * volume.shape)
    assert np.allclose(extent_mm, (500, 500, 1500), rtol=1e-4)
