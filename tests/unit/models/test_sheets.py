"""Sheets show the scan as a radiologist looks at it, and each pixel the place that it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from models.resample import OUTSIDE_HU
from models.sheets import axial_sheet, sagittal_sheet, seen, share_inside
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.volume import Volume

#: HU a millimetre to the left, to the back and to the head: linear interpolation is exact in such a field.
SLOPES = np.array((0.5, -1.5, 2.0))
AXIAL = Affine.from_spacing((2.0, 1.0, 1.0), (-30.0, -20.0, 100.0))
#: k runs to the patient's right, j to the feet, i to the front.
TURNED = Affine.from_steps(
    k=np.array((-1.0, 0.0, 0.0)),
    j=np.array((0.0, 0.0, -2.0)),
    i=np.array((0.0, -1.0, 0.0)),
    origin=np.array((29.0, 39.0, 178.0)),
)


def field(affine: Affine, shape: tuple[int, int, int]) -> Volume:
    index = np.moveaxis(np.indices(shape), 0, -1).astype(np.float64)
    hu = (affine.to_lps(index) @ SLOPES).astype(np.float32)
    return Volume(hu=hu, affine=affine, frame_of_reference=Uid("1.2.3"))


SCANS = pytest.mark.parametrize(
    "volume", [pytest.param(field(AXIAL, (40, 60, 60)), id="axial"), pytest.param(field(TURNED, (60, 40, 60)), id="t")]
)


@SCANS
def test_an_axial_sheet_has_the_right_side_at_the_left_and_the_front_at_the_top(volume: Volume) -> None:
    centre = np.array((0.0, 10.0, 140.0))

    picture = seen(volume, axial_sheet(centre, half_mm=5.0, step_mm=0.5), slab_mm=3.0)

    assert picture.shape == (21, 21)
    for (row, column), (left, back) in {(0, 0): (-5.0, -5.0), (0, 20): (5.0, -5.0), (20, 0): (-5.0, 5.0)}.items():
        place = centre + np.array((left, back, 0.0))
        assert picture[row, column] == pytest.approx(place @ SLOPES, abs=1e-3)


@SCANS
def test_a_sagittal_sheet_follows_the_bodies_with_the_head_up_and_the_front_at_the_left(volume: Volume) -> None:
    middles = np.array(((-6.0, 10.0, 120.0), (6.0, 10.0, 160.0)))

    sheet = sagittal_sheet(middles, heights_mm=(110.0, 170.0), half_mm=8.0, step_mm=1.0)
    picture = seen(volume, sheet, slab_mm=2.0)

    assert picture.shape == (61, 17)
    # above and below the bodies it goes straight on, and is in the middle of them between
    for row, left, up in ((0, 6.0, 170.0), (30, 0.0, 140.0), (60, -6.0, 110.0)):
        assert picture[row, 0] == pytest.approx(np.array((left, 2.0, up)) @ SLOPES, abs=1e-3)
        assert picture[row, 16] == pytest.approx(np.array((left, 18.0, up)) @ SLOPES, abs=1e-3)


def test_beyond_the_scan_there_is_air() -> None:
    volume = field(AXIAL, (40, 60, 60))

    picture = seen(volume, axial_sheet(np.array((0.0, 10.0, 400.0)), half_mm=5.0, step_mm=1.0), slab_mm=3.0)

    assert (picture == OUTSIDE_HU).all()


def test_a_mask_shows_where_it_lies() -> None:
    mask = np.zeros((40, 60, 60), dtype=np.bool_)
    mask[:, 20:41, 25:36] = True  # 0 to 20 mm to the back, -5 to 5 mm to the left

    share = share_inside(mask, AXIAL, axial_sheet(np.array((0.0, 10.0, 140.0)), half_mm=15.0, step_mm=1.0))

    inside = np.argwhere(share > 0.5)
    assert inside.min(0).tolist() == [5, 10]
    assert inside.max(0).tolist() == [25, 20]
