"""Back to the scan's grid: masks come back where they came from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from models.interpolate import box_on_grid, on_grid
from node.domain.geometry import Affine

COARSE = Affine.from_spacing((3.0, 3.0, 3.0), (-30.0, -30.0, -30.0))
SHAPE = (21, 21, 21)


def a_ball(radius_mm: float) -> np.ndarray:
    """Probability of a ball around the origin with soft edges."""
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1).astype(np.float64)
    distance = np.linalg.norm(COARSE.to_lps(index), axis=-1)
    return np.clip((radius_mm - distance) / 3.0 + 0.5, 0.0, 1.0).astype(np.float32)


def fine_grid(kind: str) -> Affine:
    c, s = (math.cos(math.radians(20.0)), math.sin(math.radians(20.0))) if kind == "oblique" else (1.0, 0.0)
    sign = -1.0 if kind == "reversed" else 1.0
    return Affine.from_steps(
        k=sign * np.array((0.0, -s, c)),
        j=sign * 0.8 * np.array((0.0, c, s)),
        i=np.array((0.8, 0.0, 0.0)),
        origin=np.array((-24.0, -sign * 24.0, -sign * 24.0)),
    )


@pytest.mark.parametrize("kind", ["axial", "reversed", "oblique"])
def test_a_ball_has_the_same_place_and_volume_on_the_fine_grid(kind: str) -> None:
    grid = fine_grid(kind)
    box = (slice(2, 46), slice(3, 58), slice(1, 58))

    mask = on_grid(a_ball(14.0), COARSE, grid=grid, box=box) > 0.5

    places = grid.to_lps(np.argwhere(mask) + np.array([2.0, 3.0, 1.0]))
    np.testing.assert_allclose(places.mean(0), 0.0, atol=0.1)
    assert mask.sum() * grid.voxel_volume_mm3 == pytest.approx(4.0 / 3.0 * math.pi * 14.0**3, rel=0.03)


def test_the_fast_way_agrees_with_scipy() -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(1).random(SHAPE).astype(np.float32), 1.5)
    grid = fine_grid("axial")
    box = (slice(5, 40), slice(5, 50), slice(5, 50))

    fast = on_grid(field, COARSE, grid=grid, box=box)

    mapping = np.linalg.inv(COARSE.matrix) @ grid.shifted((5, 5, 5)).matrix
    expected = ndimage.affine_transform(
        field, mapping[:3, :3], offset=mapping[:3, 3], output_shape=fast.shape, order=1, mode="mirror"
    )
    np.testing.assert_allclose(fast, expected, atol=1e-5)


def test_the_box_of_some_voxels_holds_them_and_stays_in_the_grid() -> None:
    grid = fine_grid("reversed")

    box = box_on_grid((slice(9, 12), slice(9, 12), slice(0, 21)), COARSE, grid=grid, shape=(48, 60, 60))

    corner = grid.to_index(COARSE.to_lps(np.array((9.0, 11.0, 10.0))))
    assert all(part.start <= place < part.stop for part, place in zip(box, corner, strict=True))
    assert (box[2].start, box[2].stop) == (0, 60)
