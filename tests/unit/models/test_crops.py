"""Crops: what measuring needs, small, and the same after a journey as a file."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from models.crops import MARGIN_MM, SpineCrops, crop_bodies, crops_from_bytes, crops_to_bytes
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.confidence import LevelConfidence
from node.domain.errors import Bug
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import LabelMap, Segment, Volume
from tests.builders.body_crops import Body, crop_of

FRAME = Uid("1.2.3")
AFFINE = Affine.from_spacing((2.0, 1.0, 1.0), (-10.0, 5.0, 100.0))


def a_spine() -> tuple[Volume, SpineSegmentation]:
    hu = np.random.default_rng(1).normal(100.0, 30.0, (40, 60, 60)).astype(np.float32)
    labels = np.zeros(hu.shape, dtype=np.uint8)
    labels[20:30, 25:45, 20:45] = 20
    volume = Volume(hu=hu, affine=AFFINE, frame_of_reference=FRAME)
    segments = (Segment(value=20, level=VertebralLevel.L1, ordinal=1),)
    label_map = LabelMap(labels=labels, affine=AFFINE, frame_of_reference=FRAME, segments=segments)
    vertebra = Vertebra(
        level=VertebralLevel.L1,
        ordinal=1,
        confidence=LevelConfidence(value=0.9, calibrated=False),
        centroid_lps_mm=(22.0, 39.5, 149.0),
        up_lps=(0.0, 0.0, 1.0),
        segment_value=20,
    )
    return volume, SpineSegmentation(label_map=label_map, vertebrae=(vertebra,), limitations=("one",))


def test_a_crop_shows_the_body_where_it_lies_in_the_patient() -> None:
    volume, spine = a_spine()

    (crop,) = crop_bodies(volume, spine).crops

    inside = np.argwhere(crop.body)
    assert len(inside) == 10 * 20 * 25
    np.testing.assert_allclose(crop.affine.to_lps(inside.mean(0)), AFFINE.to_lps(np.array((24.5, 34.5, 32.0))))
    np.testing.assert_allclose(crop.hu[crop.body], volume.hu[spine.label_map.labels == 20], atol=0.5)


def test_a_crop_keeps_a_margin_on_every_side() -> None:
    volume, spine = a_spine()

    (crop,) = crop_bodies(volume, spine).crops

    assert crop.hu.shape == (10 + 2 * MARGIN_MM / 2.0, 20 + 2 * MARGIN_MM, 25 + 2 * MARGIN_MM)


def test_crops_survive_as_bytes() -> None:
    reasons = (Reason(code=ReasonCode.LEVEL_UNCERTAIN, detail="neither"), Reason(code=ReasonCode.LEVEL_TRUNCATED))
    sent = SpineCrops(
        crops=(crop_of(Body()), crop_of(Body(level=None, reasons=reasons))), limitations=("No air.", "Left.")
    )

    received = crops_from_bytes(crops_to_bytes(sent))

    assert received.limitations == sent.limitations
    for one, two in zip(sent.crops, received.crops, strict=True):
        np.testing.assert_array_equal(one.hu, two.hu)
        np.testing.assert_array_equal(one.body, two.body)
        assert one.affine == two.affine
        assert one.vertebra == two.vertebra


def test_nothing_found_survives_as_bytes_too() -> None:
    assert crops_from_bytes(crops_to_bytes(SpineCrops(crops=()))).crops == ()


def test_pickled_objects_are_refused() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, record=np.array([{"vertebrae": []}], dtype=object))

    with pytest.raises(Bug, match="body crops"):
        crops_from_bytes(buffer.getvalue())


@pytest.mark.parametrize("content", [b"", b"not a file of crops", crops_to_bytes(SpineCrops(crops=()))[:40]])
def test_a_damaged_file_is_a_bug(content: bytes) -> None:
    with pytest.raises(Bug, match="body crops"):
        crops_from_bytes(content)


def test_a_file_holds_two_bytes_a_voxel_and_one_for_the_mask() -> None:
    content = crops_to_bytes(SpineCrops(crops=tuple(crop_of(Body(noise_hu=20.0)) for _ in range(3))))

    assert zipfile.is_zipfile(io.BytesIO(content))
    assert len(content) == pytest.approx(3 * 1.5 * crop_of(Body()).hu.nbytes, rel=0.01)
