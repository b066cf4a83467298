"""The network's grid: what lies where in the patient stays there, however the scan was taken."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models.resample import OUTSIDE_HU, to_network_grid
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.volume import Volume

FRAME = Uid("1.2.3")
SPACING = (3.0, 3.0, 3.0)
BALL_LPS = np.array((10.0, -20.0, 35.0))


def axial() -> Affine:
    return Affine.from_spacing((2.0, 0.9, 0.9), (-30.0, -60.0, -5.0))


def reversed_axes() -> Affine:
    return Affine.from_steps(
        k=np.array((0.0, 0.0, -2.0)),
        j=np.array((0.0, -0.9, 0.0)),
        i=np.array((-0.9, 0.0, 0.0)),
        origin=np.array((50.0, 20.0, 75.0)),
    )


def sagittal() -> Affine:
    return Affine.from_steps(
        k=np.array((2.0, 0.0, 0.0)),
        j=np.array((0.0, 0.0, -0.9)),
        i=np.array((0.0, 0.9, 0.0)),
        origin=np.array((-30.0, -60.0, 75.0)),
    )


def oblique() -> Affine:
    c, s = math.cos(math.radians(12.0)), math.sin(math.radians(12.0))
    return Affine.from_steps(
        k=2.0 * np.array((0.0, -s, c)),
        j=0.9 * np.array((0.0, c, s)),
        i=np.array((0.9, 0.0, 0.0)),
        origin=np.array((-30.0, -52.0, -15.0)),
    )


def scan_of_a_ball(affine: Affine, shape: tuple[int, int, int] = (50, 90, 90)) -> Volume:
    """A smooth ball of 12 mm with 1000 HU on 0 HU."""
    places = affine.to_lps(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).astype(np.float64))
    distance = np.linalg.norm(places - BALL_LPS, axis=-1)
    hu = 1000.0 / (1.0 + np.exp((distance - 12.0) / 1.0))
    return Volume(hu=hu.astype(np.float32), affine=affine, frame_of_reference=FRAME)


def centroid_lps(volume: Volume) -> np.ndarray:
    weight = np.clip(volume.hu, 0.0, None).astype(np.float64)
    index = [
        float((weight.sum(tuple({0, 1, 2} - {axis})) * np.arange(size)).sum()) for axis, size in enumerate(volume.shape)
    ]
    return volume.affine.to_lps(np.array(index) / weight.sum())


@pytest.mark.parametrize("affine", [axial(), reversed_axes(), oblique()], ids=["axial", "reversed", "oblique"])
def test_a_ball_keeps_its_place_in_the_patient(affine: Affine) -> None:
    volume = scan_of_a_ball(affine)

    grid = to_network_grid(volume, SPACING)

    np.testing.assert_allclose(centroid_lps(grid), BALL_LPS, atol=0.2)


def test_a_sagittal_scan_is_put_on_axial_axes() -> None:
    volume = scan_of_a_ball(sagittal(), (45, 90, 90))

    grid = to_network_grid(volume, SPACING)

    np.testing.assert_allclose(grid.affine.directions, np.eye(3)[::-1], atol=1e-9)
    np.testing.assert_allclose(centroid_lps(grid), BALL_LPS, atol=0.2)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_shift_by_one_voxel_moves_the_centroid_by_one_spacing(axis: int) -> None:
    volume = scan_of_a_ball(axial())
    moved = Volume(hu=np.roll(volume.hu, 1, axis), affine=volume.affine, frame_of_reference=FRAME)

    shift = centroid_lps(to_network_grid(moved, SPACING)) - centroid_lps(to_network_grid(volume, SPACING))

    np.testing.assert_allclose(shift, volume.affine.matrix[:3, axis], atol=0.05)


def test_a_new_voxel_is_the_mean_over_its_extent() -> None:
    hu = np.arange(6 * 6 * 6, dtype=np.float32).reshape(6, 6, 6)
    volume = Volume(hu=hu, affine=Affine.from_spacing((1.5, 1.5, 1.5)), frame_of_reference=FRAME)

    grid = to_network_grid(volume, SPACING)

    expected = hu.reshape(3, 2, 3, 2, 3, 2).mean((1, 3, 5))
    assert grid.shape == (3, 3, 3)
    np.testing.assert_allclose(grid.hu, expected, rtol=1e-5)


def test_averaging_lowers_noise_and_keeps_the_mean() -> None:
    noise = np.random.default_rng(1).normal(40.0, 30.0, (30, 60, 60)).astype(np.float32)
    volume = Volume(hu=noise, affine=Affine.from_spacing((1.0, 0.75, 0.75)), frame_of_reference=FRAME)

    grid = to_network_grid(volume, SPACING)

    assert grid.hu.mean() == pytest.approx(40.0, abs=0.5)
    assert grid.hu.std() < 30.0 / 5.0


def test_slices_thicker_than_the_grid_are_interpolated() -> None:
    ramp = np.broadcast_to(np.arange(10, dtype=np.float32)[:, None, None] * 5.0, (10, 8, 8)).copy()
    volume = Volume(hu=ramp, affine=Affine.from_spacing((5.0, 3.0, 3.0)), frame_of_reference=FRAME)

    grid = to_network_grid(volume, SPACING)

    heights = grid.affine.to_lps(np.array([(k, 0, 0) for k in range(grid.shape[0])], dtype=np.float64))[:, 2]
    np.testing.assert_allclose(grid.hu[1:-1, 4, 4], heights[1:-1], atol=0.3)


def test_what_an_oblique_scan_does_not_cover_is_air() -> None:
    volume = scan_of_a_ball(oblique())

    grid = to_network_grid(volume, SPACING)

    assert grid.hu[0, -1, 0] == OUTSIDE_HU


@pytest.mark.parametrize("spacing_mm", [SPACING, (1.3, 0.6, 4.0)], ids=["coarser", "finer in part"])
def test_the_number_of_threads_changes_no_value(spacing_mm):
    scan = scan_of_a_ball(axial())
    before = torch.get_num_threads()
    grids = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        grids.append(to_network_grid(scan, spacing_mm).hu)
    torch.set_num_threads(before)

    assert np.array_equal(*grids)
