"""The picture of a measurement shows where it was taken, from the side and across."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from models.bone import measure_bone
from models.core_map import map_cores
from models.crops import SpineCrops, crop_bodies
from models.measurement_picture import HEIGHT, WIDTH, draw_measurement
from models.spine import segment_spine
from models.vertebra import SpineSegmentation
from node.domain.finding import CtBoneFindings
from node.domain.levels import VertebralLevel
from node.domain.provenance import IntendedUse
from node.domain.volume import LabelMap, Volume
from tests.builders.acquisitions import AT_120_KV
from tests.builders.results import provenance
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import painted_model, painted_volume

#: From the side: left of this column. Across: L1 above this row, L2 below it, both left of the words. Below: colours.
_SIDE_ENDS, _WORDS_BEGIN, _L2_BEGINS, _KEYS_BEGIN = 520, 887, 412, 960


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A painted spine and what was measured in it."""

    volume: Volume
    crops: SpineCrops
    cores: LabelMap
    findings: CtBoneFindings

    def drawn(self, cores: LabelMap | None, use: IntendedUse = IntendedUse.RESEARCH) -> np.ndarray:
        """Red, green and blue of the picture, shape (row, column, 3)."""
        png = draw_measurement(self.volume, self.crops.crops, cores, self.findings, provenance(use))
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def measured() -> Measured:
    volume = painted_volume(build(Scene()))
    spine = segment_spine(volume, painted_model())
    assert isinstance(spine, SpineSegmentation)
    crops = crop_bodies(volume, spine)
    findings = measure_bone(crops, AT_120_KV)
    levels = {each.level for each in findings.vertebrae}
    assert {VertebralLevel.L1, VertebralLevel.L2} <= levels
    return Measured(volume=volume, crops=crops, cores=map_cores(crops, findings, spine.label_map), findings=findings)


@pytest.fixture(scope="module")
def picture(measured: Measured) -> np.ndarray:
    return measured.drawn(measured.cores)


def is_blue(picture: np.ndarray) -> np.ndarray:
    red, _, blue = np.moveaxis(picture, -1, 0)
    outlined: np.ndarray = (blue > 150) & (blue - red > 80)
    return outlined


def is_amber(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(picture, -1, 0)
    written: np.ndarray = (red > 150) & (green > 100) & (red - blue > 100)
    return written


def test_the_page_has_the_size_that_an_archive_is_told(picture: np.ndarray) -> None:
    assert picture.shape == (HEIGHT, WIDTH, 3)


def test_measured_cores_are_outlined_from_the_side_and_across_l1_and_l2(picture: np.ndarray) -> None:
    blue = is_blue(picture)[:_KEYS_BEGIN]

    assert blue[:, :_SIDE_ENDS].sum() > 300
    assert blue[:_L2_BEGINS, _SIDE_ENDS:_WORDS_BEGIN].sum() > 100
    assert blue[_L2_BEGINS:, _SIDE_ENDS:_WORDS_BEGIN].sum() > 100


def test_a_core_lies_inside_the_outline_of_its_body(picture: np.ndarray) -> None:
    across = picture[60:_L2_BEGINS, _SIDE_ENDS:_WORDS_BEGIN]
    red, green, blue = np.moveaxis(across, -1, 0)
    body = np.argwhere((green > 150) & (green - red > 80) & (green - blue > 40))
    core = np.argwhere(is_blue(across))

    assert (body.min(0) < core.min(0)).all()
    assert (body.max(0) > core.max(0)).all()


def test_where_nobody_left_cores_none_is_drawn(measured: Measured) -> None:
    blue = is_blue(measured.drawn(None))[:_KEYS_BEGIN, :_WORDS_BEGIN]

    assert blue.sum() == 0


def test_research_stands_on_the_picture_only_where_it_is_the_intended_use(
    measured: Measured, picture: np.ndarray
) -> None:
    corner = (slice(0, 50), slice(WIDTH // 2, WIDTH))
    clinical = measured.drawn(measured.cores, IntendedUse.CLINICAL)

    assert is_amber(picture[corner]).sum() > 200
    assert is_amber(clinical[corner]).sum() == 0
