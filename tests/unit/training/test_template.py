"""A whole trunk: what must be in it, and that its truth is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.tissues import Tissue
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.anatomy.labels import (
    BODIES,
    BONE_OF_LABEL,
    RIBS,
    TISSUE_OF_LABEL,
    Part,
    Side,
    body_label,
    disc_label,
    posterior_label,
    rib_label,
)
from training.anatomy.template import (
    DEPTH_STEP_MM,
    Template,
    bone_depth,
    build_template,
    load_template,
    save_template,
)

SPACING_MM = 3.0


@pytest.fixture(scope="module")
def template() -> Template:
    return build_template(np.random.default_rng(5), spacing_mm=SPACING_MM, levels=USUAL_LEVELS, scale=1.0)


def centre_of(template: Template, label: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    centre: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = (
        np.argwhere(template.labels == label).mean(0) * template.spacing_mm
    )
    return centre


def test_every_vertebra_has_a_body_an_arch_and_a_disc(template: Template) -> None:
    present = set(np.unique(template.labels).tolist())

    for level in USUAL_LEVELS:
        assert {body_label(level), posterior_label(level), disc_label(level)} <= present, level


def test_there_are_twelve_pairs_of_ribs_each_on_its_side(template: Template) -> None:
    middle = template.centreline_mm[:, 1].mean()

    for number in range(1, 13):
        left, right = (centre_of(template, rib_label(number, side))[2] for side in (Side.LEFT, Side.RIGHT))
        assert right < middle < left
    assert not (template.labels == rib_label(13, Side.LEFT)).any()


def test_the_trunk_holds_its_organs(template: Template) -> None:
    present = set(np.unique(template.labels).tolist())

    organs = {Part.LUNG, Part.HEART, Part.AORTA, Part.LIVER, Part.SPLEEN, Part.KIDNEY, Part.PSOAS, Part.STERNUM}
    assert organs | {Part.SKIN, Part.FAT, Part.MUSCLE, Part.AIR, Part.TABLE, Part.FEMUR, Part.CANAL} <= present


def test_the_liver_lies_right_and_the_spleen_left(template: Template) -> None:
    assert centre_of(template, Part.LIVER)[2] < centre_of(template, Part.SPLEEN)[2]


def test_a_bodys_centre_is_the_centre_of_its_voxels(template: Template) -> None:
    for truth in template.levels:
        found = centre_of(template, body_label(truth.level))
        assert found == pytest.approx(truth.centre_mm, abs=2.0), truth.level


def test_bodies_follow_each_other_from_head_to_foot_with_room_for_discs(template: Template) -> None:
    for upper, lower in zip(template.levels, template.levels[1:], strict=False):
        distance = float(np.linalg.norm(upper.centre_mm - lower.centre_mm))
        bodies = 0.5 * (upper.body.mean_height + lower.body.mean_height)
        assert 1.0 < distance - bodies < 14.0, upper.level


def test_the_spine_bends_back_in_the_chest_and_forward_in_the_loins(template: Template) -> None:
    back = {truth.level: truth.centre_mm[1] for truth in template.levels}

    assert back[VertebralLevel.T7] > back[VertebralLevel.T1]
    assert back[VertebralLevel.T7] > back[VertebralLevel.L3]
    assert centre_of(template, Part.SACRUM)[1] > back[VertebralLevel.L3]


def test_the_same_seed_gives_the_same_trunk() -> None:
    first, second = (build_template(np.random.default_rng(6), spacing_mm=6.0) for _ in range(2))

    assert np.array_equal(first.labels, second.labels)


def test_the_grid_does_not_move_the_bones(template: Template) -> None:
    coarse = build_template(np.random.default_rng(5), spacing_mm=6.0, levels=USUAL_LEVELS, scale=1.0)

    for fine_truth, coarse_truth in zip(template.levels, coarse.levels, strict=True):
        assert np.array_equal(fine_truth.centre_mm, coarse_truth.centre_mm)


def test_a_body_holds_the_volume_that_its_shape_promises(template: Template) -> None:
    for truth in template.levels[-5:]:
        body = truth.body
        box = body.width * body.depth * body.mean_height

        volume = float((template.labels == body_label(truth.level)).sum()) * template.spacing_mm**3

        # A superellipse of exponent 2.4 fills 0.83 of its box; waist, hollow rear wall and end plates take some more.
        assert 0.5 * box < volume < 0.83 * box, truth.level


def test_a_template_survives_its_file(template: Template, tmp_path: Path) -> None:
    save_template(template, tmp_path / "trunk.npz")

    loaded = load_template(tmp_path / "trunk.npz")

    assert np.array_equal(loaded.labels, template.labels)
    assert np.array_equal(loaded.depth, template.depth)
    assert [truth.level for truth in loaded.levels] == [truth.level for truth in template.levels]
    assert loaded.levels[3].body == template.levels[3].body
    assert np.array_equal(loaded.levels[3].frame.axes, template.levels[3].frame.axes)
    assert np.array_equal(loaded.levels[3].centre_mm, template.levels[3].centre_mm)
    assert loaded.sacrum_mm == template.sacrum_mm


def test_the_depth_inside_a_block_of_bone_is_the_distance_from_its_surface() -> None:
    labels = np.zeros((21, 21, 21), dtype=np.uint8)
    labels[5:16, 5:16, 5:16] = body_label(VertebralLevel.L1)

    depth = bone_depth(labels, 2.0).astype(float) * DEPTH_STEP_MM

    assert depth[10, 10, 10] == pytest.approx(10.0, abs=0.1)
    assert depth[5, 10, 10] <= 0.1
    assert depth[0, 0, 0] == 0.0


def test_bones_that_touch_have_a_surface_between_them_but_arch_and_body_have_none() -> None:
    labels = np.zeros((21, 21, 21), dtype=np.uint8)
    labels[:, :11], labels[:, 11:] = body_label(VertebralLevel.L1), posterior_label(VertebralLevel.L1)
    one_bone = bone_depth(labels, 1.0)[10, 10, 10]
    labels[:, 11:] = body_label(VertebralLevel.L2)

    two_bones = bone_depth(labels, 1.0)[10, 10, 10]

    assert two_bones == 0
    assert one_bone > 0


def test_values_of_labels_are_given_once() -> None:
    values = [*BODIES, *RIBS, *(posterior_label(level) for level in VertebralLevel)]
    values += [*(disc_label(level) for level in VertebralLevel), *(int(part) for part in Part)]

    assert len(values) == len(set(values))
    assert max(values) <= 255


def test_labels_become_the_classes_of_the_network() -> None:
    assert TISSUE_OF_LABEL[body_label(VertebralLevel.T13)] == Tissue.THORACIC_BODY
    assert TISSUE_OF_LABEL[body_label(VertebralLevel.L6)] == Tissue.LUMBAR_BODY
    assert TISSUE_OF_LABEL[posterior_label(VertebralLevel.L1)] == Tissue.POSTERIOR_ELEMENTS
    assert TISSUE_OF_LABEL[Part.FEMUR] == Tissue.SACRUM_OR_HIP
    assert TISSUE_OF_LABEL[Part.CERVICAL] == Tissue.POSTERIOR_ELEMENTS
    assert TISSUE_OF_LABEL[Part.CERVICAL_BODY] == Tissue.CERVICAL_BODY
    assert TISSUE_OF_LABEL[Part.S1_BODY] == Tissue.S1_BODY
    assert BONE_OF_LABEL[Part.S1_BODY] == BONE_OF_LABEL[Part.SACRUM]


def test_a_rib_with_an_impossible_number_is_refused() -> None:
    with pytest.raises(ValueError, match="from 1 to 13, got 14"):
        rib_label(14, Side.LEFT)
