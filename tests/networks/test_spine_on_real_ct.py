"""The network of the project on real scans: what they are known to show, and nothing that they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from models.bone import measure_bone
from models.box import grown
from models.choice import load_spine_model
from models.crops import SpineCrops, crop_bodies, cut_body
from models.references import read_references
from models.resample import to_network_grid
from models.spine import segment_spine
from models.vertebra import SpineSegmentation
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.height_loss import GenantGrade
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.measurement import Quantity
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ReferenceTissue
from node.domain.volume import Volume
from tests.builders.acquisitions import AT_120_KV
from tests.builders.body_crops import Body, crop_of
from tests.builders.lone_vertebra import lone_vertebra
from tests.builders.real_ct import read_series
from training.evaluation.scores import Naming, score_case

L1, L2 = VertebralLevel.L1, VertebralLevel.L2


def spine_in(volume: Volume) -> SpineSegmentation:
    spine = segment_spine(volume, load_spine_model(torch.device("cpu")))
    assert isinstance(spine, SpineSegmentation), spine
    return spine


def entry(findings: CtBoneFindings, level: VertebralLevel) -> VertebraFinding:
    return next(vertebra for vertebra in findings.vertebrae if vertebra.level is level)


@pytest.mark.parametrize(("level", "hu"), [(L1, 147.0), (L2, 140.0)])
def test_l1_and_l2_of_a_trunk_read_what_was_read_by_eye(
    trunk: CtBoneFindings, level: VertebralLevel, hu: float
) -> None:
    vertebra = entry(trunk, level)

    assert vertebra.status is Status.ASSESSED
    assert vertebra.value(Quantity.CORE_MEAN_HU) == pytest.approx(hu, abs=10.0)


@pytest.mark.parametrize("level", [L1, L2])
def test_l1_and_l2_of_a_trunk_are_sound(trunk: CtBoneFindings, level: VertebralLevel) -> None:
    vertebra = entry(trunk, level)

    assert vertebra.height_loss is not None
    assert vertebra.height_loss.grade is GenantGrade.NORMAL


def test_t10_to_l5_of_a_trunk_are_separated_and_named(trunk: CtBoneFindings) -> None:
    named = [
        vertebra for vertebra in trunk.vertebrae if vertebra.level is not None and vertebra.segment_value is not None
    ]

    # L1 and L2 are told by what was read there by eye, the others by their order
    assert [str(each.level) for each in named][-8:] == ["T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5"]
    ordinals = [each.ordinal for each in named]
    assert ordinals == list(range(ordinals[0], ordinals[0] + len(ordinals)))


def test_the_vertebrae_of_a_trunk_follow_each_other_downwards(trunk: CtBoneFindings) -> None:
    heights = [vertebra.centroid_lps_mm[2] for vertebra in trunk.vertebrae if vertebra.centroid_lps_mm is not None]

    assert len(heights) >= 10
    assert heights == sorted(heights, reverse=True)
    assert -np.diff(heights).max() > 11.0


def test_a_chest_that_ends_in_l1_gives_no_number_of_l1_or_below(chest: CtBoneFindings) -> None:
    assert chest.screening is None
    for level in (L1, L2):
        vertebra = entry(chest, level)
        assert vertebra.status is Status.NOT_EVALUABLE
        assert vertebra.measurements == ()


def test_a_chest_that_ends_in_l1_offers_the_nearest_vertebra_whose_level_is_certain(chest: CtBoneFindings) -> None:
    measured = [each.level for each in chest.vertebrae if each.status is Status.ASSESSED]

    assert chest.offered is measured[-1]
    assert chest.offered is VertebralLevel.T12
    assert "The limits of L1 do not hold for it" in chest.offer


def test_a_chest_that_ends_in_l1_says_that_l1_is_cut_or_that_its_level_is_uncertain(chest: CtBoneFindings) -> None:
    codes = {reason.code for reason in entry(chest, L1).reasons}

    assert codes & {ReasonCode.LEVEL_TRUNCATED, ReasonCode.LEVEL_UNCERTAIN}
    lowest = max((each for each in chest.vertebrae if each.segment_value is not None), key=lambda each: each.ordinal)
    assert ReasonCode.LEVEL_TRUNCATED in {reason.code for reason in lowest.reasons}


def test_vertebrae_of_a_chest_that_ends_in_l1_have_their_own_names_or_none(chest_spine: SpineSegmentation) -> None:
    """Counted by the ribs in the pictures the lowest body, which is cut, is L1."""
    true = [L1, *reversed([level for level in USUAL_LEVELS if level.is_thoracic])]
    upwards = sorted(chest_spine.vertebrae, key=lambda vertebra: -vertebra.ordinal)[: len(true)]

    assert [vertebra.likeliest for vertebra in upwards] == true
    assert all(vertebra.level in {None, level} for vertebra, level in zip(upwards, true, strict=True))
    assert all(vertebra.level is None for vertebra in chest_spine.vertebrae if vertebra not in upwards)


def test_a_chest_with_head_and_foot_exchanged_is_mirrored(shared_data: Path) -> None:
    volume = read_series(shared_data / "ct" / "lung1-007")
    mirrored = replace(volume, hu=volume.hu[::-1].copy())

    answer = segment_spine(mirrored, load_spine_model(torch.device("cpu")))

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED


@pytest.fixture(scope="module")
def trunk_volume(shared_data: Path) -> Volume:
    """A trunk from about T3 to S1; spheres placed by eye read about 147 HU in L1 and 140 HU in L2."""
    return read_series(shared_data / "ct" / "matrad-liver")


@pytest.fixture(scope="module")
def trunk_spine(trunk_volume: Volume) -> SpineSegmentation:
    return spine_in(trunk_volume)


@pytest.fixture(scope="module")
def trunk(trunk_volume: Volume, trunk_spine: SpineSegmentation) -> CtBoneFindings:
    return measure_bone(crop_bodies(trunk_volume, trunk_spine), AT_120_KV)


@pytest.fixture(scope="module")
def chest_volume(shared_data: Path) -> Volume:
    """A chest that stops at about L1."""
    return read_series(shared_data / "ct" / "lung1-007")


@pytest.fixture(scope="module")
def chest_spine(chest_volume: Volume) -> SpineSegmentation:
    return spine_in(chest_volume)


@pytest.fixture(scope="module")
def chest(chest_volume: Volume, chest_spine: SpineSegmentation) -> CtBoneFindings:
    return measure_bone(crop_bodies(chest_volume, chest_spine), AT_120_KV)


def read_in(volume: Volume, spine: SpineSegmentation) -> dict[ReferenceTissue, float]:
    references = read_references(volume, to_network_grid(volume, (2.5, 2.5, 2.5)), spine.vertebrae)
    readings = {tissue: references.reading(tissue) for tissue in ReferenceTissue}
    return {tissue: reading.mean_hu for tissue, reading in readings.items() if reading is not None}


def test_tissues_of_a_trunk_and_of_a_chest_read_what_such_tissues_have(
    trunk_volume: Volume, trunk_spine: SpineSegmentation, chest_volume: Volume, chest_spine: SpineSegmentation
) -> None:
    """Neither shows contrast agent; the regions were looked at in pictures."""
    for volume, spine in ((trunk_volume, trunk_spine), (chest_volume, chest_spine)):
        hu = read_in(volume, spine)

        assert hu[ReferenceTissue.AIR] == pytest.approx(-1000.0, abs=10.0)
        assert -120.0 < hu[ReferenceTissue.FAT] < -85.0
        assert 25.0 < hu[ReferenceTissue.MUSCLE] < 65.0
        assert 20.0 < hu[ReferenceTissue.BLOOD] < 60.0


def test_an_osteoporotic_l3_given_its_mask_is_sound_and_reads_what_its_eroded_body_does(shared_data: Path) -> None:
    case = lone_vertebra(shared_data / "ct" / "tptbox-l3")
    body = case.truth == VertebralLevel.L3.number
    vertebra = crop_of(Body(level=VertebralLevel.L3)).vertebra
    (box,) = ndimage.find_objects(body.view(np.uint8))
    window = grown(box, by=[7, 7, 7], shape=body.shape)
    crop = cut_body(case.volume, window, body[window], vertebra=vertebra)

    (l3, *_) = measure_bone(SpineCrops(crops=(crop,)), AT_120_KV).vertebrae

    assert l3.status is Status.ASSESSED
    assert l3.height_loss is not None
    assert l3.height_loss.grade is GenantGrade.NORMAL
    assert l3.value(Quantity.CORE_MEAN_HU) == pytest.approx(51.0, abs=8.0)


def test_a_lone_vertebra_in_an_empty_trunk_is_found_and_gets_no_level(shared_data: Path) -> None:
    case = lone_vertebra(shared_data / "ct" / "tptbox-l3")

    spine = segment_spine(case.volume, load_spine_model(torch.device("cpu")))

    assert isinstance(spine, SpineSegmentation), spine
    assert {vertebra.level for vertebra in spine.vertebrae} == {None}
    l3 = next(body for body in score_case(case, spine).bodies if body.level is VertebralLevel.L3)
    assert l3.naming is Naming.WITHHELD
    assert l3.dice >= 0.9
