"""Masks without dents and holes, on shapes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.closing import closed

BLOCK = np.s_[6:26, 6:26, 6:26]


def a_block() -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    mask = np.zeros((32, 32, 32), dtype=np.bool_)
    mask[BLOCK] = True
    return mask


def test_a_block_is_closed_already() -> None:
    np.testing.assert_array_equal(closed(a_block(), 3.0), a_block())


@pytest.mark.parametrize("radius", [2.0, 3.0])
def test_a_hole_is_filled_however_wide_it_is(radius: float) -> None:
    mask = a_block()
    mask[8:24, 8:24, 8:24] = False

    np.testing.assert_array_equal(closed(mask, radius), a_block())


def test_a_slot_narrower_than_the_ball_is_filled_but_for_its_rim() -> None:
    mask = a_block()
    mask[14:18, 6:20, 6:26] = False

    lost = a_block() & ~closed(mask, 3.0)

    # At the open ends of the slot the ball reaches in a little.
    assert not lost[:, 9:, 9:23].any()
    assert not (closed(mask, 3.0) & ~a_block()).any()


def test_a_slot_wider_than_the_ball_stays() -> None:
    mask = a_block()
    mask[11:21, 6:20, 6:26] = False

    kept = closed(mask, 3.0)

    assert not kept[14:18, 6:17, 6:26].any()


def test_a_mask_at_the_edge_does_not_grow_into_it() -> None:
    mask = np.zeros((12, 12, 12), dtype=np.bool_)
    mask[:5] = True

    np.testing.assert_array_equal(closed(mask, 3.0), mask)


def test_nothing_stays_nothing() -> None:
    assert not closed(np.zeros((4, 4, 4), dtype=np.bool_), 3.0).any()
