"""A series that makes no volume gives a coded reason; never a wrong volume."""

import random
from dataclasses import replace

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    RLELossless,
)

from node.domain.reasons import Reason, ReasonCode
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.builders.enhanced_ct import enhanced_ct
from tests.builders.loading import noise, refusal, series_of
from workers.volume_io import LoadedSeries, load_series

SPEC = CtSpec()


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


def test_a_volume_above_the_limit_is_refused_before_it_is_read(tmp_path):
    reason = refusal(ct_series(SPEC), tmp_path, max_voxels=8 * 18 * 20 - 1)

    assert reason.code is ReasonCode.VOLUME_TOO_LARGE


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
