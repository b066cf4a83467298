"""Single bodies from class probabilities: the right number in the right place, and nothing that only looks like one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from models.instances import Instances, find_instances
from models.levels.anatomy import breaks
from models.levels.evidence import gather_evidence
from models.tissues import BODY_TISSUES, Tissue
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from tests.builders.spine_classes import SPACING_MM, Built, Scene, build

LUMBAR = Scene(top=VertebralLevel.T11, bottom=VertebralLevel.L4, sacrum=False)


def found(built: Built) -> Instances:
    instances = find_instances(built.probabilities, SPACING_MM)
    assert instances is not None
    return instances


def centres_mm(instances: Instances) -> np.ndarray:
    numbers = range(1, len(instances.spans_mm) + 1)
    return np.array(ndimage.center_of_mass(instances.labels > 0, instances.labels, numbers)) * SPACING_MM


@pytest.mark.parametrize("lean", [0.0, 12.0, 30.0])
def test_every_body_is_found_once_from_the_head_along_a_bent_spine(lean: float) -> None:
    built = build(Scene(lean=lean, sacrum=False))

    centres = centres_mm(found(built))

    truth = np.array([built.centres_lps_mm[level][::-1] for level in USUAL_LEVELS if level in built.centres_lps_mm])
    np.testing.assert_allclose(centres, truth, atol=2.5)


def test_the_first_sacral_body_ends_the_chain() -> None:
    built = build(Scene(top=VertebralLevel.L1))

    instances = found(built)

    assert len(instances.spans_mm) == 6
    below = built.tissue[instances.labels == 6]
    assert np.bincount(below, minlength=len(Tissue)).argmax() == Tissue.S1_BODY


def test_a_ring_of_bone_has_no_body() -> None:
    """As a skull may look to a network that never saw one."""
    classes = np.zeros((len(Tissue), 40, 40, 40), dtype=np.float32)
    j, i = np.meshgrid(*(np.arange(40) * 3.0 - 58.5,) * 2, indexing="ij")
    ring = np.broadcast_to(np.abs(np.hypot(j, i) - 28.0) < 6.0, (40, 40, 40))
    disc = ring & (np.arange(40) % 10 < 3)[:, None, None]
    classes[int(Tissue.LUMBAR_BODY)] = ring & ~disc
    classes[int(Tissue.DISC)] = disc
    classes[int(Tissue.BACKGROUND)] = ~ring

    assert find_instances(classes, SPACING_MM) is None


def test_two_balls_beside_the_spine_are_no_bodies() -> None:
    built = build(LUMBAR)
    classes = built.probabilities.copy()
    place = np.stack(np.meshgrid(*(np.arange(size) * 3.0 for size in classes.shape[1:]), indexing="ij"), -1)
    for side in (35.0, 205.0):
        ball = np.linalg.norm(place - (24.0, 110.0, side), axis=-1) < 22.0
        classes[:, ball] = 0.0
        classes[int(Tissue.LUMBAR_BODY), ball] = 1.0

    instances = find_instances(classes, SPACING_MM)

    assert instances is not None
    np.testing.assert_array_equal(instances.labels, found(built).labels)


def test_lone_lumps_are_no_spine() -> None:
    classes = np.zeros((len(Tissue), 60, 60, 60), dtype=np.float32)
    classes[int(Tissue.BACKGROUND)] = 1.0
    for start in (10, 40):
        classes[:, 20:35, 20:35, start : start + 14] = 0.0
        classes[int(Tissue.LUMBAR_BODY), 20:35, 20:35, start : start + 14] = 1.0

    assert find_instances(classes, SPACING_MM) is None


def test_background_alone_is_no_spine() -> None:
    classes = np.zeros((len(Tissue), 40, 40, 40), dtype=np.float32)
    classes[int(Tissue.BACKGROUND)] = 1.0

    assert find_instances(classes, SPACING_MM) is None


def test_a_void_inside_a_body_does_not_split_it() -> None:
    built = build(LUMBAR)
    classes = built.probabilities.copy()
    x, y, z = built.centres_lps_mm[VertebralLevel.L2] / 3.0
    void = (slice(int(z) - 1, int(z) + 1), slice(int(y) - 6, int(y) + 7), slice(int(x) - 7, int(x) + 8))
    classes[(slice(None), *void)] = 0.0
    classes[(int(Tissue.BACKGROUND), *void)] = 1.0

    assert len(found(replace(built, probabilities=classes)).spans_mm) == len(found(built).spans_mm)


def test_a_disc_that_was_missed_still_separates_two_bodies() -> None:
    built = build(LUMBAR)
    classes = built.probabilities.copy()
    below = round((built.centres_lps_mm[VertebralLevel.L1][2] + built.centres_lps_mm[VertebralLevel.L2][2]) / 6.0)
    rows = slice(below - 4, below + 5)
    disc = classes[int(Tissue.DISC), rows].copy()
    classes[int(Tissue.DISC), rows] = 0.3 * disc
    classes[int(Tissue.LUMBAR_BODY), rows] += 0.7 * disc

    instances = found(replace(built, probabilities=classes))

    assert len(instances.spans_mm) == len(found(built).spans_mm)


def test_a_gap_in_the_chain_is_bridged() -> None:
    built = build(Scene(top=VertebralLevel.T11, sacrum=False, skipped=(VertebralLevel.L2,)))

    instances = found(built)

    assert len(instances.spans_mm) == 6
    steps = -np.diff(centres_mm(instances)[:, 0])
    assert steps.argmax() == 2


def test_a_small_piece_at_the_end_is_dropped() -> None:
    built = build(LUMBAR)
    classes = built.probabilities.copy()
    top = int(built.centres_lps_mm[VertebralLevel.T11][2] / 3.0) + 6
    classes = np.pad(classes, ((0, 0), (0, 12), (0, 0), (0, 0)), mode="edge")
    middle = built.centres_lps_mm[VertebralLevel.T11] / 3.0
    speck = (
        slice(top + 4, top + 8),
        slice(int(middle[1]) - 2, int(middle[1]) + 2),
        slice(int(middle[0]) - 2, int(middle[0]) + 2),
    )
    classes[(slice(None), *speck)] = 0.0
    classes[(int(Tissue.THORACIC_BODY), *speck)] = 1.0

    instances = find_instances(classes, SPACING_MM)

    assert instances is not None
    assert len(instances.spans_mm) == len(found(built).spans_mm)


def test_a_body_of_which_no_voxel_is_sure_is_a_gap() -> None:
    """The column holds it together with its discs, and on the average it looks more like a body than like a disc."""
    built = build(LUMBAR)
    classes = built.probabilities.copy()
    middle = round(built.centres_lps_mm[VertebralLevel.L2][2] / 3.0)
    rows = slice(middle - 7, middle + 8)
    for tissue in BODY_TISSUES:
        seen = classes[int(tissue), rows].copy()
        classes[int(tissue), rows] = 0.45 * seen
        classes[int(Tissue.DISC), rows] += 0.15 * seen
        classes[int(Tissue.BACKGROUND), rows] += 0.4 * seen

    instances = found(replace(built, probabilities=classes))

    assert len(instances.spans_mm) == len(found(built).spans_mm) - 1
    evidence = gather_evidence(classes, instances)
    assert len(evidence) == len(instances.spans_mm)
    assert min(body.volume_mm3 for body in evidence) > 0.0
    assert len(breaks(evidence)) == 1
