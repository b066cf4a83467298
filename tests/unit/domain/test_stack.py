"""How slices lie over each other, against closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.domain.reasons import Reason, ReasonCode
from node.domain.stack import SliceStack, slice_normal, stack_affine, stack_slices
from tests.builders.index import AXIAL

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def stack(depths, orientation=AXIAL, **others):
    return stack_slices([(0.0, 0.0, float(z)) for z in depths], [orientation] * len(depths), **others)


def code(answer) -> ReasonCode:
    assert isinstance(answer, Reason)
    return answer.code


def test_axial_slices_form_a_stack_towards_the_head():
    answer = stack([0, 2, 4, 6])

    assert answer == SliceStack(order=(0, 1, 2, 3), duplicates=(), spacing_mm=2.0, normal=(0.0, 0.0, 1.0))
    assert answer.coverage_mm == 8.0


def test_slices_are_put_in_order_along_the_normal():
    answer = stack([4, 0, 6, 2])

    assert answer.order == (1, 3, 0, 2)


def test_a_coronal_stack_runs_along_the_patients_depth():
    positions = [(0.0, float(y), 0.0) for y in (9, 3, 6)]

    answer = stack_slices(positions, [CORONAL] * 3)

    assert answer.spacing_mm == 3.0
    assert answer.normal == (0.0, 1.0, 0.0)
    assert answer.order == (1, 2, 0)


def test_of_slices_at_one_position_the_first_given_is_kept():
    answer = stack([0, 2, 2, 4])

    assert (answer.order, answer.duplicates) == ((0, 1, 3), (2,))


def test_a_missing_slice_is_seen_and_told():
    answer = stack([0, 2, 4, 8, 10])

    assert code(answer) is ReasonCode.MISSING_SLICES
    assert answer.detail == "1 of 4 steps are not 2.00 mm; the largest is 4.00 mm."


def test_steps_within_the_tolerance_are_even():
    assert isinstance(stack([0, 2.0, 4.15, 6.0, 8.0]), SliceStack)


def test_one_slice_is_no_stack():
    assert code(stack([0])) is ReasonCode.TOO_FEW_SLICES


def test_slices_that_all_lie_at_one_position_are_no_stack():
    assert code(stack([5, 5, 5])) is ReasonCode.DUPLICATE_SLICES


def test_two_orientations_are_no_stack():
    answer = stack_slices([(0.0, 0.0, 0.0), (0.0, 0.0, 2.0)], [AXIAL, CORONAL])

    assert code(answer) is ReasonCode.MIXED_ORIENTATIONS


@pytest.mark.parametrize(("angle_deg", "tilted"), [(0.4, False), (0.6, True), (20.0, True)])
def test_a_stack_that_leans_is_a_tilted_gantry(angle_deg, tilted):
    shift = math.tan(math.radians(angle_deg))
    positions = [(0.0, shift * z, float(z)) for z in range(0, 40, 2)]

    answer = stack_slices(positions, [AXIAL] * len(positions))

    assert (isinstance(answer, Reason) and answer.code is ReasonCode.GANTRY_TILT) == tilted


def test_rounding_of_thin_slices_is_no_tilt():
    positions = [(0.005 * (k % 2), 0.0, 0.5 * k) for k in range(40)]

    assert isinstance(stack_slices(positions, [AXIAL] * 40), SliceStack)


@pytest.mark.parametrize("angle_deg", [5.0, 30.0, -45.0])
def test_an_oblique_stack_is_straight_where_it_follows_its_own_normal(angle_deg):
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    orientation = (1.0, 0.0, 0.0, 0.0, c, s)
    positions = [(0.0, -s * 2.0 * k, c * 2.0 * k) for k in range(10)]

    answer = stack_slices(positions, [orientation] * 10)

    assert isinstance(answer, SliceStack)
    assert answer.spacing_mm == pytest.approx(2.0)


def test_positions_without_orientations_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="as many"):
        stack_slices([(0.0, 0.0, 0.0)], [])


def test_a_normal_of_nothing_is_nothing():
    assert slice_normal((0.0,) * 6).tolist() == [0.0, 0.0, 0.0]


@given(st.permutations(range(12)), st.floats(0.5, 5.0), st.floats(-2000, 2000))
def test_any_order_of_arrival_gives_the_same_stack(order, spacing, start):
    depths = [start + spacing * k for k in order]

    answer = stack(depths)

    assert [order[place] for place in answer.order] == list(range(12))
    assert answer.spacing_mm == pytest.approx(spacing)


def test_the_grid_of_a_stack_runs_through_its_slices_as_they_lie():
    # 0.1 degrees over 300 mm: the last slice lies half a millimetre beside the normal through the first
    shift = math.tan(math.radians(0.1))
    positions = [(-5.0, shift * z, float(z)) for z in range(300, -1, -2)]
    orientations = [AXIAL] * len(positions)

    affine = stack_affine(stack_slices(positions, orientations), positions, orientations, spacing_mm=(0.8, 0.7))

    assert affine.to_lps(np.array((150.0, 0.0, 0.0))) == pytest.approx(positions[0], abs=1e-9)
    assert affine.to_lps(np.array((0.0, 10.0, 20.0))) == pytest.approx((-5.0 + 14.0, 8.0, 0.0), abs=1e-9)


def test_the_grid_of_a_stack_has_the_spacing_of_its_header_however_the_cosines_were_rounded():
    c, s = round(math.cos(math.radians(31.0)), 3), round(math.sin(math.radians(31.0)), 3)
    orientations = [(c, s, 0.0, -s, c, 0.0)] * 3
    positions = [(0.0, 0.0, 2.0 * k) for k in range(3)]

    affine = stack_affine(stack_slices(positions, orientations), positions, orientations, spacing_mm=(0.8, 0.7))

    assert math.hypot(c, s) != 1.0
    assert affine.spacing_mm == pytest.approx((2.0, 0.8, 0.7), abs=1e-12)
