"""The picture of what was found."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from models.pictures import draw_spine
from models.spine import segment_spine
from models.vertebra import SpineSegmentation
from node.domain.levels import VertebralLevel
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import painted_model, painted_volume


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    volume = painted_volume(
        build(Scene(top=VertebralLevel.T10, bottom=VertebralLevel.L1, sacrum=False, below_mm=-14.0))
    )
    spine = segment_spine(volume, painted_model())
    assert isinstance(spine, SpineSegmentation)
    return np.asarray(Image.open(io.BytesIO(draw_spine(volume, spine))).convert("RGB")).astype(int)


def test_measured_bodies_are_green_and_refused_ones_yellow(picture: np.ndarray) -> None:
    red, green, blue = np.moveaxis(picture, -1, 0)

    assert ((green > 150) & (red < 120) & (blue < 160)).sum() > 200
    assert ((red > 200) & (green > 140) & (blue < 120)).sum() > 50


def test_the_bodies_are_outlined_from_the_side_from_the_front_and_in_the_projection(picture: np.ndarray) -> None:
    red, green, _ = np.moveaxis(picture, -1, 0)
    outlined = ((green > 150) & (red < 120)).any(0)

    # two cuts of equal width, and a projection that is half as wide again
    width = picture.shape[1]
    first, second = round(width / 3.46), round(2 * width / 3.46)
    assert all(part.any() for part in (outlined[:first], outlined[first:second], outlined[second:]))
