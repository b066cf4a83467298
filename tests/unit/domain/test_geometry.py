"""Where voxels lie, against closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.domain.geometry import Affine

AXIAL = Affine.from_spacing((2.0, 0.5, 0.75), origin=(10.0, 20.0, 30.0))


def turned(angle_deg: float) -> Affine:
    """Axial voxels of 1 mm, turned about the patient's x axis."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return Affine.from_steps(
        k=np.array((0.0, -s, c)), j=np.array((0.0, c, s)), i=np.array((1.0, 0.0, 0.0)), origin=np.zeros(3)
    )


def test_axial_indices_run_to_the_head_the_back_and_the_left():
    assert AXIAL.to_lps(np.array((0, 0, 0))).tolist() == [10.0, 20.0, 30.0]
    assert AXIAL.to_lps(np.array((1, 0, 0))).tolist() == [10.0, 20.0, 32.0]
    assert AXIAL.to_lps(np.array((0, 1, 0))).tolist() == [10.0, 20.5, 30.0]
    assert AXIAL.to_lps(np.array((0, 0, 1))).tolist() == [10.75, 20.0, 30.0]


def test_spacing_and_volume_of_a_voxel():
    assert AXIAL.spacing_mm == (2.0, 0.5, 0.75)
    assert AXIAL.voxel_volume_mm3 == pytest.approx(0.75)
    assert turned(30.0).spacing_mm == pytest.approx((1.0, 1.0, 1.0))


@given(st.lists(st.floats(-500, 500), min_size=3, max_size=3), st.floats(-80, 80))
def test_an_index_comes_back_from_its_coordinates(index, angle_deg):
    affine = turned(angle_deg)

    assert affine.to_index(affine.to_lps(np.array(index))) == pytest.approx(index, abs=1e-9)


def test_many_indices_are_mapped_at_once():
    indices = np.arange(12.0).reshape(2, 2, 3)

    lps = AXIAL.to_lps(indices)

    assert lps.shape == (2, 2, 3)
    assert lps[1, 0].tolist() == AXIAL.to_lps(indices[1, 0]).tolist()


def test_a_crop_keeps_every_voxel_where_it_was():
    crop = AXIAL.shifted((3, 4, 5))

    assert crop.to_lps(np.array((1, 1, 1))).tolist() == AXIAL.to_lps(np.array((4, 5, 6))).tolist()
    assert crop.spacing_mm == AXIAL.spacing_mm


def test_directions_are_unit_vectors():
    assert np.linalg.norm(turned(25.0).directions, axis=0) == pytest.approx((1.0, 1.0, 1.0))
    assert AXIAL.directions.tolist() == [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_the_matrix_is_copied_and_cannot_be_changed():
    matrix = np.eye(4)
    affine = Affine(matrix)

    matrix[0, 3] = 99.0

    assert affine.matrix[0, 3] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        affine.matrix[0, 3] = 1.0


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), "4x4"),
        (np.full((4, 4), np.nan), "finite"),
        (np.ones((4, 4)), "last row"),
        (np.diag([1.0, 1.0, 0.0, 1.0]), "singular"),
    ],
)
def test_a_matrix_that_is_no_affine_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        Affine(matrix)
