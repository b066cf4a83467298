"""What the network sees of a body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.backbone.slices import SLICES, body_slices
from models.radiomics.definition import own_definition
from models.radiomics.region import BodyRegion

DEFINITION = own_definition().slices
SIDE = round(DEFINITION.side_mm)


def region_of(size: tuple[int, int, int], *, pad: int = 7) -> BodyRegion:
    """A block of 300 HU, widest in the middle from left to right, in water."""
    body = np.zeros(tuple(extent + 2 * pad for extent in size), dtype=np.bool_)
    k, j, i = (slice(pad, pad + extent) for extent in size)
    body[k, j, i] = True
    body[pad : pad + 2, j, pad : pad + size[2] // 3] = False
    return BodyRegion(hu=np.where(body, 300.0, 0.0), body=body, spacing_mm=1.0)


def test_the_body_stands_upright_in_the_middle_with_its_front_on_the_left() -> None:
    region = region_of((20, 30, 40))
    hu = region.hu.copy()
    hu[-7 - 1, 7] = 800.0  # the highest and foremost voxels
    shown = body_slices(replace(region, hu=hu), DEFINITION)[1]

    rows, columns = np.nonzero(shown > 0.3)

    assert (rows.min(), rows.max()) == ((SIDE - 20) // 2, (SIDE + 20) // 2 - 1)
    assert (columns.min(), columns.max()) == ((SIDE - 30) // 2, (SIDE + 30) // 2 - 1)
    assert shown[rows.min(), columns.min()] == pytest.approx(1.0)
    assert shown[rows.max(), columns.max()] == pytest.approx(0.5)


def test_slices_lie_through_most_of_the_body_and_beside_it() -> None:
    region = region_of((20, 30, 40))
    hu = np.broadcast_to(np.arange(region.hu.shape[2], dtype=np.float64), region.hu.shape)

    shown = body_slices(replace(region, hu=hu), replace(DEFINITION, window_hu=(0.0, 100.0)))

    middles = 100.0 * shown[:, SIDE // 2, SIDE // 2]
    # the left two thirds hold more body: their middle
    expected = 7 + (13 + 39) / 2
    assert len(shown) == SLICES
    assert middles[1] == pytest.approx(expected, abs=0.5)
    assert np.diff(middles).tolist() == pytest.approx([3.0, 3.0], abs=1e-3)


def test_what_lies_beyond_the_region_is_black_and_the_window_is_kept() -> None:
    region = region_of((20, 30, 40))
    hu = np.where(region.body, 3000.0, -1000.0)

    shown = body_slices(replace(region, hu=hu), DEFINITION)

    assert shown.dtype == np.float32
    assert shown.shape == (SLICES, SIDE, SIDE)
    assert (float(shown.min()), float(shown.max())) == (0.0, 1.0)
    assert not shown[:, 0].any()


def test_a_body_larger_than_the_square_is_cut_around_its_middle() -> None:
    shown = body_slices(region_of((90, 80, 40)), DEFINITION)

    assert shown.shape == (SLICES, SIDE, SIDE)
    assert shown.min() == pytest.approx(0.5)


def test_a_thin_body_is_seen_in_its_outermost_slices() -> None:
    shown = body_slices(region_of((20, 30, 3)), DEFINITION)

    assert (shown[:, SIDE // 2, SIDE // 2] == 0.5).all()
