"""The image of a body is the same on every grid, and lies along the body's own axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.screening.case import SIDE
from models.screening.image import body_image
from tests.builders.body_crops import Body, crop_of

MIDDLE = SIDE // 2


@pytest.mark.parametrize("spacing_mm", [(1.0, 0.8, 0.8), (5.0, 0.7, 0.7), (2.5, 3.0, 3.0)])
def test_the_planes_show_the_body_in_millimetres(spacing_mm: tuple[float, float, float]) -> None:
    image = body_image(crop_of(Body(spacing_mm=spacing_mm)))

    axial, coronal, sagittal = image.body
    extents = [np.ptp(np.argwhere(plane), axis=0) + 1 for plane in (axial, coronal, sagittal)]

    # an ellipse of 32 by 42 mm, 26 mm high, along (back, left), (foot, left) and (foot, back)
    for found, expected in zip(extents, ((32, 42), (26, 42), (26, 32)), strict=True):
        assert np.abs(found - expected).max() <= max(spacing_mm) + 1.0


def test_marrow_keeps_its_ct_number() -> None:
    image = body_image(crop_of(Body(marrow_hu=137.0)))

    assert (image.hu[:, MIDDLE - 5 : MIDDLE + 5, MIDDLE - 5 : MIDDLE + 5] == 137).all()


def test_the_vein_lies_towards_the_back_in_the_axial_and_the_sagittal_plane() -> None:
    axial, _, sagittal = body_image(crop_of(Body(vein_hu=-50.0))).hu

    assert axial[MIDDLE + 10, MIDDLE] == -50
    assert sagittal[MIDDLE, MIDDLE + 10] == -50
    assert axial[MIDDLE - 10, MIDDLE] == 150


def test_noise_falls_by_averaging_over_the_slab() -> None:
    image = body_image(crop_of(Body(noise_hu=30.0)))

    spread = image.hu[:, MIDDLE - 6 : MIDDLE + 6, MIDDLE - 6 : MIDDLE + 6].std()

    assert spread < 20.0


def test_a_tilted_body_stands_upright_in_its_image() -> None:
    crop = crop_of(Body(spacing_mm=(1.0, 1.0, 1.0)))
    tilt = np.deg2rad(15.0)
    up = (0.0, float(np.sin(tilt)), float(np.cos(tilt)))
    turned = replace(crop, vertebra=replace(crop.vertebra, up_lps=up))

    _, _, sagittal = body_image(turned).body

    # what is upright in the patient leans by the tilt along the axes that the vertebra gives
    tops = [np.flatnonzero(sagittal[:, column]).min() for column in (MIDDLE - 8, MIDDLE + 8)]
    assert abs(tops[0] - tops[1]) == pytest.approx(16.0 * np.tan(tilt), abs=1.5)


def test_what_lies_beyond_the_crop_is_air() -> None:
    image = body_image(crop_of(Body()))

    assert image.hu[2, 0, 0] == -1024


def test_a_body_without_voxels_has_no_image() -> None:
    crop = crop_of(Body())

    with pytest.raises(ValueError, match="without voxels"):
        body_image(replace(crop, body=np.zeros_like(crop.body)))
