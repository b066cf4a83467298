"""Heights of bodies whose heights are known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.crops import BodyCrop
from models.heights import BodyHeights, body_heights, height_measurements
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.reasons import Reason, ReasonCode
from tests.builders.body_crops import Body, crop_of

#: Half of the depth and of the width of a box, mm.
HALF_DEPTH, HALF_WIDTH = 15.0, 20.0


def box_of(
    front: float,
    middle: float,
    rear: float,
    *,
    spacing: tuple[float, float, float] = (1.0, 0.7, 0.7),
    lean: float = 0.0,
) -> BodyCrop:
    """A box whose height goes in straight lines from front to middle to rear, its axis leaning back by some degrees."""
    counts = [round(70.0 / step) for step in spacing]
    affine = Affine.from_spacing(spacing, tuple(-35.0 + 0.13 for _ in range(3)))  # type: ignore[arg-type]
    index = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).astype(np.float64)
    x, y, z = np.moveaxis(affine.to_lps(index), -1, 0)
    cosine, sine = np.cos(np.radians(lean)), np.sin(np.radians(lean))
    up, back = cosine * z + sine * y, cosine * y - sine * z
    height = np.interp(back, (-HALF_DEPTH, 0.0, HALF_DEPTH), (front, middle, rear))
    body = (np.abs(up) <= 0.5 * height) & (np.abs(back) <= HALF_DEPTH) & (np.abs(x) <= HALF_WIDTH)
    crop = crop_of(Body())
    vertebra = replace(crop.vertebra, up_lps=(0.0, float(sine), float(cosine)))
    return BodyCrop(hu=np.zeros(body.shape, dtype=np.int16), body=body, affine=affine, vertebra=vertebra)


def seen(
    front: float, middle: float, rear: float, *, drawn: tuple[float, float, float], slices: float, noise_hu: float = 0.0
) -> BodyCrop:
    """A box as CT shows it, with a shell of 1 mm and a mask that is drawn with other heights."""
    crop = box_of(*drawn, spacing=(slices, 0.7, 0.7))
    index = np.stack(np.meshgrid(*map(np.arange, crop.body.shape), indexing="ij"), -1).astype(np.float64)
    x, y, z = np.moveaxis(crop.affine.to_lps(index), -1, 0)
    outside = np.abs(z) - 0.5 * np.interp(y, (-HALF_DEPTH, 0.0, HALF_DEPTH), (front, middle, rear))
    bone, marrow = (np.clip(0.5 - (outside + shell) / slices, 0.0, 1.0) for shell in (0.0, 1.0))
    beside = (np.abs(y) <= HALF_DEPTH) & (np.abs(x) <= HALF_WIDTH)
    hu = 80.0 + beside * (marrow * (150.0 - 80.0) + (bone - marrow) * (800.0 - 80.0))
    hu += noise_hu * np.random.default_rng(3).standard_normal(hu.shape)
    return replace(crop, hu=np.rint(hu).astype(np.int16))


def heights(crop: BodyCrop) -> tuple[float, float, float]:
    found = body_heights(crop)
    assert isinstance(found, BodyHeights)
    return found.anterior, found.middle, found.posterior


def expected(front: float, middle: float, rear: float) -> tuple[float, float, float]:
    """Two of the 15 mm between edge and middle inside the edges."""
    inset = 2.0 / HALF_DEPTH
    return front + inset * (middle - front), middle, rear + inset * (middle - rear)


@pytest.mark.parametrize("shape", [(26.0, 26.0, 26.0), (18.0, 22.0, 26.0), (26.0, 16.0, 26.0), (15.0, 15.0, 15.0)])
@pytest.mark.parametrize("lean", [0.0, 20.0, -35.0])
def test_a_body_is_as_high_as_it_was_drawn_however_it_leans(shape: tuple[float, float, float], lean: float) -> None:
    assert heights(box_of(*shape, lean=lean)) == pytest.approx(expected(*shape), abs=0.7)


@pytest.mark.parametrize("slices", [0.6, 1.5, 3.0])
def test_heights_are_not_bound_to_whole_slices(slices: float) -> None:
    found = heights(box_of(18.0, 22.0, 26.0, spacing=(slices, 0.7, 0.7), lean=12.0))

    assert found == pytest.approx(expected(18.0, 22.0, 26.0), abs=0.35 * slices + 0.6)


def test_slices_that_are_too_thick_give_no_height_but_a_reason_for_each() -> None:
    measured = height_measurements(body_heights(box_of(26.0, 26.0, 26.0, spacing=(5.2, 0.7, 0.7))), VertebralLevel.L1)

    assert [each.quantity for each in measured] == [
        Quantity.ANTERIOR_HEIGHT,
        Quantity.MIDDLE_HEIGHT,
        Quantity.POSTERIOR_HEIGHT,
    ]
    for each in measured:
        assert isinstance(each, NotMeasurable)
        assert each.reason.code is ReasonCode.SLICES_TOO_THICK
        assert "these are 5.2 mm" in each.reason.detail


def test_heights_are_measurements_in_mm_of_their_level() -> None:
    for each in height_measurements(body_heights(crop_of(Body(height_mm=26.0))), VertebralLevel.L1):
        assert isinstance(each, Measurement)
        assert (each.unit, each.site, each.method) == (Unit.MM, VertebralLevel.L1, "mid-sagittal-heights-3")
        assert each.value == pytest.approx(26.0, abs=0.5)
        assert each.standard_uncertainty == pytest.approx(0.4)


def test_a_sliver_has_no_heights() -> None:
    crop = box_of(26.0, 26.0, 26.0)
    y = crop.affine.to_lps(np.argwhere(crop.body).astype(np.float64))[:, 1]
    body = crop.body.copy()
    body[tuple(np.argwhere(crop.body)[np.abs(y) > 4.0].T)] = False

    found = body_heights(replace(crop, body=body))

    assert isinstance(found, Reason)
    assert found.code is ReasonCode.IMPLAUSIBLE_ANATOMY


def test_a_body_without_voxels_has_no_heights() -> None:
    crop = box_of(26.0, 26.0, 26.0)

    found = body_heights(replace(crop, body=np.zeros_like(crop.body)))

    assert isinstance(found, Reason)
    assert found.code is ReasonCode.ROI_TOO_SMALL


@pytest.mark.parametrize("slices", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("shape", [(26.0, 20.0, 26.0), (18.0, 22.0, 26.0), (26.0, 15.0, 26.0), (22.0, 22.0, 22.0)])
def test_heights_are_those_of_the_endplates_and_not_of_a_mask_that_is_too_flat(
    shape: tuple[float, float, float], slices: float
) -> None:
    crop = seen(*shape, drawn=(shape[0] + 1.0, max(shape), shape[2] + 1.0), slices=slices)

    # twice the standard uncertainty of 0.4 slices
    assert heights(crop) == pytest.approx(expected(*shape), abs=0.8 * slices)


@pytest.mark.parametrize("slices", [4.0, 5.0])
@pytest.mark.parametrize("shape", [(26.0, 26.0, 26.0), (14.0, 20.0, 26.0), (26.0, 20.0, 26.0)])
def test_heights_by_thick_slices_are_within_their_wider_intervals(
    shape: tuple[float, float, float], slices: float
) -> None:
    found = body_heights(seen(*shape, drawn=(shape[0] + 1.0, max(shape), shape[2] + 1.0), slices=slices))

    assert isinstance(found, BodyHeights)
    assert found.thick
    assert min(found.uncertainty) >= 0.5 * slices
    heights_mm = (found.anterior, found.middle, found.posterior)
    for height, truth, uncertainty in zip(heights_mm, expected(*shape), found.uncertainty, strict=True):
        assert abs(height - truth) < 1.96 * uncertainty


def test_slices_of_3_mm_are_not_thick_however_headers_round() -> None:
    found = body_heights(box_of(26.0, 26.0, 26.0, spacing=(3.005, 0.7, 0.7)))

    assert isinstance(found, BodyHeights)
    assert not found.thick


def test_noise_of_40_hu_does_not_move_heights() -> None:
    crop = seen(26.0, 20.0, 26.0, drawn=(26.0, 25.0, 26.0), slices=1.0, noise_hu=40.0)

    assert heights(crop) == pytest.approx(expected(26.0, 20.0, 26.0), abs=0.6)


def test_a_height_that_the_image_does_not_show_is_that_of_the_mask_and_says_that_it_is_less_sure() -> None:
    crop = seen(26.0, 20.0, 26.0, drawn=(26.0, 25.0, 26.0), slices=1.0)
    blank = replace(crop, hu=np.full_like(crop.hu, 100))

    found = body_heights(blank)
    shown = body_heights(crop)

    assert isinstance(found, BodyHeights)
    assert isinstance(shown, BodyHeights)
    assert found.middle == pytest.approx(25.0, abs=0.7)
    assert min(found.uncertainty) > 1.5 * max(shown.uncertainty)


def test_the_end_of_the_scan_is_no_endplate() -> None:
    crop = seen(26.0, 26.0, 26.0, drawn=(26.0, 26.0, 26.0), slices=1.0)
    rows = np.flatnonzero(crop.body.any((1, 2)))
    first = int(rows[0]) - 1
    affine = crop.affine.shifted((first, 0, 0))

    found = heights(replace(crop, hu=crop.hu[first:], body=crop.body[first:], affine=affine))

    assert found == pytest.approx((26.0, 26.0, 26.0), abs=0.7)


def test_endplates_that_meet_are_none() -> None:
    crop = box_of(14.0, 14.0, 14.0)
    index = np.argwhere(np.ones_like(crop.body)).astype(np.float64)
    z = crop.affine.to_lps(index)[:, 2].reshape(crop.body.shape)
    sheet = np.where(np.abs(z) < 1.2, 900.0, 40.0)

    found = body_heights(replace(crop, hu=sheet.astype(np.int16)))

    assert isinstance(found, Reason)
    assert found.code is ReasonCode.IMPLAUSIBLE_ANATOMY
