"""A series of files becomes the volume that it shows, or a coded reason; never a wrong volume."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from node.domain.errors import TransientFailure
from node.domain.reasons import Reason, ReasonCode
from tests.builders.ct import CORONAL, SAGITTAL, CtSpec, ct_affine, ct_series, rotated, write_series
from tests.builders.enhanced_ct import enhanced_ct
from workers.volume_io import LoadedSeries, load_series

SPEC = CtSpec()


def noise(spec: CtSpec) -> np.ndarray:
    """Whole CT numbers that differ in every voxel and slice, HU."""
    values = np.random.default_rng(5).integers(-1000, 1500, (spec.slices, spec.rows, spec.columns))
    return values.astype(np.float32)


def load(datasets: list[Dataset], folder, **options) -> LoadedSeries:
    loaded = load_series(write_series(datasets, folder), **options)
    assert isinstance(loaded, LoadedSeries), loaded
    return loaded


def refusal(datasets: list[Dataset], folder, **options) -> Reason:
    reason = load_series(write_series(datasets, folder), **options)
    assert isinstance(reason, Reason), "a reason was expected, a volume came"
    return reason


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


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (replace(SPEC, missing=frozenset({3})), ReasonCode.MISSING_SLICES),
        (replace(SPEC, tilt_deg=12.0), ReasonCode.GANTRY_TILT),
        (replace(SPEC, slices=1), ReasonCode.TOO_FEW_SLICES),
    ],
)
@pytest.mark.parametrize("multi_frame", [False, True], ids=["classic", "enhanced"])
def test_slices_that_form_no_stack_are_refused(spec, code, multi_frame, tmp_path):
    datasets = [enhanced_ct(spec)] if multi_frame else ct_series(spec)

    assert refusal(datasets, tmp_path).code is code


def test_duplicates_with_other_pixels_are_refused(tmp_path):
    datasets = ct_series(replace(SPEC, duplicated=frozenset({3})), noise(SPEC))
    datasets[4].PixelData = datasets[0].PixelData

    assert refusal(datasets, tmp_path).code is ReasonCode.DUPLICATE_SLICES


def test_a_sideways_shifted_slice_is_refused(tmp_path):
    datasets = ct_series(SPEC)
    x, y, z = datasets[3].ImagePositionPatient
    datasets[3].ImagePositionPatient = [x + 5, y, z]

    assert refusal(datasets, tmp_path).code is ReasonCode.MIXED_GRIDS


def test_spacing_that_drifts_along_the_stack_is_refused(tmp_path):
    spec = replace(SPEC, slices=60, spacing_mm=(1.0, 0.8, 0.7))
    datasets = ct_series(spec)
    z = 0.0
    for number, dataset in enumerate(datasets):  # within a tenth of the median at every step, 2 mm off in the middle
        dataset.ImagePositionPatient = [0, 0, round(z, 3)]
        z += 0.96 if number < 30 else 1.05

    assert refusal(datasets, tmp_path).code is ReasonCode.MISSING_SLICES


def _set(name, value):
    return lambda dataset: setattr(dataset, name, value)


def _without(name):
    return lambda dataset: delattr(dataset, name)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_without("PixelData"), ReasonCode.NO_PIXEL_DATA),
        (_set("PixelData", b""), ReasonCode.NO_PIXEL_DATA),
        (_set("PixelData", bytes(700)), ReasonCode.UNREADABLE),
        (_set("PixelData", bytes(18 * 20 * 2 + 2)), ReasonCode.UNREADABLE),
        (_set("Rows", 0), ReasonCode.UNREADABLE),
        (_without("Rows"), ReasonCode.UNREADABLE),
        (_set("BitsAllocated", 12), ReasonCode.UNREADABLE),
        (_set("BitsStored", 17), ReasonCode.UNREADABLE),
        (_set("SamplesPerPixel", 3), ReasonCode.NOT_HU),
        (_without("RescaleSlope"), ReasonCode.NOT_HU),
        (_set("RescaleSlope", "0"), ReasonCode.NOT_HU),
        (_set("RescaleSlope", "1e300"), ReasonCode.NOT_HU),
        (_set("RescaleIntercept", "-1e9"), ReasonCode.NOT_HU),
        (_set("RescaleType", "MGML"), ReasonCode.NOT_HU),
        (_without("ImagePositionPatient"), ReasonCode.MISSING_GEOMETRY),
        (_without("PixelSpacing"), ReasonCode.MISSING_GEOMETRY),
        (_set("PixelSpacing", ["0", "0.7"]), ReasonCode.MISSING_GEOMETRY),
        (_set("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), ReasonCode.MISSING_GEOMETRY),
        (_set("ImageOrientationPatient", [1, 0, 0, 0, 0, 1]), ReasonCode.MIXED_ORIENTATIONS),
        (_set("NumberOfFrames", "2"), ReasonCode.MISSING_GEOMETRY),
        (_set("PixelSpacing", ["0.8", "0.71"]), ReasonCode.MIXED_GRIDS),
        (_set("FrameOfReferenceUID", "1.2.3"), ReasonCode.MIXED_FRAMES_OF_REFERENCE),
    ],
)
def test_one_image_that_does_not_fit_refuses_the_series(change, code, tmp_path):
    datasets = ct_series(SPEC)
    change(datasets[5])

    reason = refusal(datasets, tmp_path)

    assert reason.code is code


def test_images_of_two_sizes_are_refused(tmp_path):
    datasets = ct_series(SPEC)
    datasets[5].Rows, datasets[5].PixelData = 9, bytes(9 * 20 * 2)

    assert refusal(datasets, tmp_path).code is ReasonCode.MIXED_GRIDS


def test_a_series_without_a_frame_of_reference_is_refused(tmp_path):
    datasets = ct_series(SPEC)
    for dataset in datasets:
        del dataset.FrameOfReferenceUID

    assert refusal(datasets, tmp_path).code is ReasonCode.MISSING_GEOMETRY


@pytest.mark.parametrize(
    ("group", "code"),
    [
        ("PixelMeasuresSequence", ReasonCode.MISSING_GEOMETRY),
        ("PlaneOrientationSequence", ReasonCode.MISSING_GEOMETRY),
        ("PixelValueTransformationSequence", ReasonCode.NOT_HU),
    ],
)
def test_an_enhanced_image_without_a_functional_group_is_refused(group, code, tmp_path):
    dataset = enhanced_ct(SPEC)
    delattr(dataset.SharedFunctionalGroupsSequence[0], group)

    assert refusal([dataset], tmp_path).code is code


def test_an_enhanced_image_with_fewer_functional_groups_than_frames_is_refused(tmp_path):
    dataset = enhanced_ct(SPEC)
    del dataset.PerFrameFunctionalGroupsSequence[-1]

    assert refusal([dataset], tmp_path).code is ReasonCode.UNREADABLE


@pytest.mark.parametrize("keep", [0, 100, 131, 200, 700, -100])
def test_a_file_cut_off_anywhere_is_refused(keep, tmp_path):
    files = write_series(ct_series(SPEC), tmp_path)
    files[2].write_bytes(files[2].read_bytes()[:keep])

    reason = load_series(files)

    assert isinstance(reason, Reason)
    assert reason.code in {ReasonCode.UNREADABLE, ReasonCode.NO_PIXEL_DATA, ReasonCode.NOT_HU}


def test_a_refusal_says_how_many_files_it_is_about(tmp_path):
    files = write_series(ct_series(SPEC), tmp_path)
    for file in files[2:4]:
        file.write_bytes(file.read_bytes()[:-100])

    reason = load_series(files)

    assert isinstance(reason, Reason)
    assert reason.detail.startswith("2 of 8 image files cannot be used: An image's pixel data must have 720 bytes")


def test_a_refusal_says_how_many_files_have_pixels_that_cannot_be_decoded(tmp_path):
    datasets = ct_series(SPEC, noise(SPEC))
    for dataset in datasets:
        dataset.compress(RLELossless)
    datasets[3].PixelData = encapsulate([bytes(64)])

    assert refusal(datasets, tmp_path).detail.startswith("1 of 8 image files cannot be used: ")


def test_a_compressed_frame_that_is_cut_off_is_refused(tmp_path):
    datasets = ct_series(SPEC, noise(SPEC))
    for dataset in datasets:
        dataset.compress(RLELossless)
    whole = datasets[3].PixelData
    datasets[3].PixelData = encapsulate([whole[16 : 16 + len(whole) // 2]])

    assert refusal(datasets, tmp_path).code is ReasonCode.UNREADABLE


@pytest.mark.parametrize("form", ["classic", "enhanced", "compressed"])
def test_a_damaged_file_gives_a_volume_or_a_reason_and_nothing_else(form, tmp_path):
    chance = random.Random(7)
    datasets = [enhanced_ct(SPEC)] if form == "enhanced" else ct_series(SPEC, noise(SPEC))
    if form == "compressed":
        for dataset in datasets:
            dataset.compress(RLELossless)
    files = write_series(datasets, tmp_path)
    whole = files[0].read_bytes()

    for _ in range(60):
        files[0].write_bytes(damaged(whole, chance))
        assert isinstance(load_series(files), LoadedSeries | Reason)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The content with a few bytes changed, lost or put in."""
    damaged = bytearray(content)
    for _ in range(chance.choice([1, 2, 8])):
        place = chance.randrange(128, len(damaged))
        lost = chance.choice([1, 1, 1, 0, 4])
        damaged[place : place + lost] = chance.randbytes(chance.choice([1, 1, 1, 0, 4]))
    return bytes(damaged)


def test_a_file_that_is_gone_is_no_result_but_a_failure(tmp_path):
    files = write_series(ct_series(SPEC), tmp_path)
    files[0].unlink()

    with pytest.raises(TransientFailure):
        load_series(files)


def test_a_volume_above_the_limit_is_refused_before_it_is_read(tmp_path):
    reason = refusal(ct_series(SPEC), tmp_path, max_voxels=8 * 18 * 20 - 1)

    assert reason.code is ReasonCode.VOLUME_TOO_LARGE


def series_of(spec: CtSpec, multi_frame: bool) -> list[Dataset]:
    return [enhanced_ct(spec)] if multi_frame else ct_series(spec)


@pytest.mark.parametrize("multi_frame", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize(
    ("spacing_mm", "came"),
    [
        ((2.5, 5000.0, 5000.0), "Pixel spacing 5000 x 5000 mm"),
        ((2.5, 100.0, 100.0), "20 x 1800 x 2000 mm"),
        ((2.5, 0.8, 51.0), "20 x 14 x 1020 mm"),
        ((313.0, 0.8, 0.7), "2504 x 14 x 14 mm"),
        ((2.5, 0.019, 0.7), "Pixel spacing 0.019 x 0.7 mm"),
        ((2.5, 1e-9, 1e-9), "Pixel spacing 1e-09 x 1e-09 mm"),  # voxels without a volume make no grid at all
    ],
)
def test_a_volume_of_a_size_that_no_ct_has_is_refused_with_its_size(spacing_mm, came, multi_frame, tmp_path):
    reason = refusal(series_of(replace(SPEC, spacing_mm=spacing_mm), multi_frame), tmp_path)

    assert reason.code is ReasonCode.IMPLAUSIBLE_GEOMETRY
    assert came in reason.detail
    assert "accepted" in reason.detail


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


def test_an_axial_image_may_not_be_as_wide_as_a_body_is_long(tmp_path):
    spec = replace(SPEC, spacing_mm=(2.5, 1500 / 18, 500 / 20))

    assert refusal(ct_series(spec), tmp_path).code is ReasonCode.IMPLAUSIBLE_GEOMETRY


def test_slices_beyond_any_table_are_refused(tmp_path):
    datasets = ct_series(SPEC)
    for dataset in datasets:
        dataset.ImagePositionPatient = ["1e200", "0", dataset.ImagePositionPatient[2]]

    assert refusal(datasets, tmp_path).code is ReasonCode.IMPLAUSIBLE_GEOMETRY


def test_direction_cosines_that_overflow_are_no_unit_vectors(tmp_path):
    datasets = ct_series(SPEC)
    for dataset in datasets:
        dataset.ImageOrientationPatient = ["1e200", "1e200", "0", "1e200", "-1e200", "0"]

    assert refusal(datasets, tmp_path).code is ReasonCode.MISSING_GEOMETRY


def test_a_series_without_files_is_refused():
    reason = load_series([])

    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.NO_PIXEL_DATA
