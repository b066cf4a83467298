"""The body on the grid that features are taken on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.crops import BodyCrop
from models.radiomics.definition import own_definition
from models.radiomics.region import BodyRegion, body_region
from node.domain.reasons import Reason, ReasonCode
from tests.builders.body_crops import Body, crop_of
from tests.builders.textured_body import cropped, stored_backwards, whole_scan

GRID = own_definition().grid
GRIDS = [(1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (3.0, 0.45, 0.45), (0.6, 0.9, 0.9), (2.0, 1.3, 1.3)]


def region_of(crop: BodyCrop) -> BodyRegion:
    region = body_region(crop, GRID)
    assert isinstance(region, BodyRegion), region
    return region


def refusal_of(crop: BodyCrop) -> Reason:
    region = body_region(crop, GRID)
    assert isinstance(region, Reason)
    return region


@pytest.mark.parametrize("spacing_mm", GRIDS, ids=str)
def test_a_crop_and_the_whole_scan_give_the_same_voxels(spacing_mm: tuple[float, float, float]) -> None:
    scan = whole_scan(spacing_mm, origin=(-20.3, 117.9, -431.15))

    whole, piece = region_of(scan), region_of(cropped(scan))

    np.testing.assert_array_equal(whole.body, piece.body)
    np.testing.assert_array_equal(whole.hu, piece.hu)


def test_how_a_scan_is_stored_changes_nothing() -> None:
    scan = cropped(whole_scan((2.0, 0.8, 0.8), origin=(3.0, -7.0, 11.0)))

    forwards, backwards = region_of(scan), region_of(stored_backwards(scan))

    np.testing.assert_array_equal(forwards.body, backwards.body)
    np.testing.assert_array_equal(forwards.hu, backwards.hu)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (2.5, 0.7, 0.7)], ids=str)
def test_a_body_keeps_its_volume(spacing_mm: tuple[float, float, float]) -> None:
    scan = whole_scan(spacing_mm)
    mm3 = np.count_nonzero(scan.body) * scan.affine.voxel_volume_mm3

    assert np.count_nonzero(region_of(scan).body) == pytest.approx(mm3, rel=0.02)


def test_the_pad_lies_around_the_smallest_box_that_holds_the_body() -> None:
    region = region_of(cropped(whole_scan((3.0, 0.7, 0.7))))

    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        inside = np.flatnonzero(region.body.any(axis=others))
        assert inside[0] == GRID.pad
        assert region.body.shape[axis] - 1 - inside[-1] == GRID.pad


def test_voxels_that_are_not_resampled_keep_their_ct_numbers() -> None:
    scan = cropped(whole_scan((1.0, 1.0, 1.0)))

    region = region_of(scan)

    np.testing.assert_array_equal(np.sort(region.hu[region.body]), np.sort(scan.hu[scan.body]))


def test_what_metal_writes_is_cut_to_what_scanners_write() -> None:
    scan = cropped(whole_scan((1.0, 1.0, 1.0)))
    hu = scan.hu.copy()
    hu[scan.body] = 30000

    assert region_of(replace(scan, hu=hu)).hu.max() == GRID.highest_hu


def test_where_the_scan_ends_its_last_voxels_go_on() -> None:
    scan = whole_scan((1.0, 1.0, 1.0))
    first = int(np.flatnonzero(scan.body.any(axis=(1, 2)))[0])
    cut = replace(scan, hu=scan.hu[first - 2 :], body=scan.body[first - 2 :])

    region = region_of(cut)

    np.testing.assert_array_equal(region.hu[0], region.hu[GRID.pad - 2])
    assert not np.array_equal(region.hu[0], region.hu[GRID.pad - 1])


def test_a_mask_of_ten_voxels_is_too_small() -> None:
    crop = crop_of(Body())
    body = np.zeros_like(crop.body)
    body[20, 20, 20:30] = True

    reason = refusal_of(replace(crop, body=body))

    assert reason.code is ReasonCode.ROI_TOO_SMALL
    assert "10 voxels" in reason.detail


def test_an_empty_mask_is_too_small() -> None:
    crop = crop_of(Body())

    assert refusal_of(replace(crop, body=np.zeros_like(crop.body))).code is ReasonCode.ROI_TOO_SMALL


def test_a_mask_too_thin_for_the_grid_is_too_small() -> None:
    """A sheet of 0.4 mm is nowhere half of a voxel of 1 mm."""
    crop = crop_of(Body(spacing_mm=(0.4, 0.8, 0.8), height_mm=25.0))
    body = np.zeros_like(crop.body)
    body[30] = True

    assert refusal_of(replace(crop, body=body)).code is ReasonCode.ROI_TOO_SMALL


def test_a_mask_of_two_pieces_is_refused() -> None:
    crop = crop_of(Body())
    body = crop.body.copy()
    body[18:22] = False

    reason = refusal_of(replace(crop, body=body))

    assert reason.code is ReasonCode.MASK_IN_PIECES
    assert "2 pieces" in reason.detail


def test_a_crumb_beside_the_body_is_left_out() -> None:
    crop = crop_of(Body())
    body = crop.body.copy()
    body[1, 1, 1:4] = True

    np.testing.assert_array_equal(region_of(replace(crop, body=body)).body, region_of(crop).body)
