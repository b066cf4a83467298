"""Images and label maps are valid once built."""

import numpy as np
import pytest

from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.volume import LabelMap, Segment, Structure, Volume

AFFINE = Affine.from_spacing((1.0, 1.0, 1.0))
FRAME = Uid("1.2.3")
L1 = Segment(value=20, level=VertebralLevel.L1)
CORE = Segment(value=120, level=VertebralLevel.L1, structure=Structure.TRABECULAR_CORE)


def labels(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.uint8).reshape(1, 1, -1)


def label_map(array: np.ndarray, *segments: Segment) -> LabelMap:
    return LabelMap(labels=array, affine=AFFINE, frame_of_reference=FRAME, segments=segments)


def test_a_volume_knows_its_shape():
    volume = Volume(hu=np.zeros((2, 3, 4), dtype=np.float32), affine=AFFINE, frame_of_reference=FRAME)

    assert volume.shape == (2, 3, 4)


@pytest.mark.parametrize(
    "hu",
    [np.zeros((2, 3)), np.zeros((2, 3, 4)), np.zeros((2, 3, 4), dtype=np.int16), np.zeros((0, 3, 4), np.float32)],
    ids=["two dimensions", "float64", "int16", "empty"],
)
def test_what_is_no_volume_is_refused(hu):
    with pytest.raises(ValueError, match="three-dimensional float32"):
        Volume(hu=hu, affine=AFFINE, frame_of_reference=FRAME)


def test_a_mask_is_true_inside_its_segment():
    made = label_map(labels(0, 20, 120), L1, CORE)

    assert made.mask(L1).tolist() == [[[False, True, False]]]


def test_a_segment_may_have_no_voxels():
    assert not label_map(labels(0, 20), L1, CORE).mask(CORE).any()


@pytest.mark.parametrize(
    ("array", "segments", "message"),
    [
        (np.zeros((1, 1), np.uint8), (), "three-dimensional uint8"),
        (np.zeros((1, 1, 1), np.int64), (), "three-dimensional uint8"),
        (labels(0, 7), (L1,), r"\[7\] without one"),
        (labels(0), (CORE, L1), "ascend"),
        (labels(0), (L1, L1), "each once"),
    ],
)
def test_what_is_no_label_map_is_refused(array, segments, message):
    with pytest.raises(ValueError, match=message):
        label_map(array, *segments)


@pytest.mark.parametrize(
    ("segment", "label"),
    [
        (L1, "L1"),
        (CORE, "L1 trabecular core"),
        (Segment(value=1, level=None, ordinal=3), "vertebra 3"),
    ],
)
def test_a_label_is_the_level_and_what_it_is_of(segment, label):
    assert segment.label == label


@pytest.mark.parametrize("wrong", [{"value": 0}, {"value": 256}, {"level": None}, {"level": None, "ordinal": 0}])
def test_a_segment_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Segment(**{"value": 20, "level": VertebralLevel.L1, **wrong})
