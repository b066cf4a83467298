"""Scans that show no spine, or not as they should: refused with a reason, and never a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.choice import load_spine_model
from models.orientation import LEFT_AND_RIGHT
from models.spine import SpineModel, segment_spine
from models.vertebra import SpineSegmentation
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Volume
from tests import peers
from tests.builders.published_ct import published_abdomen, published_chest
from tests.builders.real_ct import read_series

Shape = tuple[int, int, int]


@pytest.fixture(scope="module")
def networks() -> SpineModel:
    return load_spine_model(torch.device("cpu"))


def a_volume(hu: NDArray[np.float64], spacing_mm: float = 2.0) -> Volume:
    noise = np.random.default_rng(1).normal(0.0, 12.0, hu.shape)
    affine = Affine.from_spacing((spacing_mm,) * 3)
    return Volume(hu=(hu + noise).astype(np.float32), affine=affine, frame_of_reference=Uid("1.2.3"))


def places(shape: Shape, spacing_mm: float = 2.0) -> tuple[NDArray[np.float64], ...]:
    """Distance of every voxel from the middle along k, j and i, mm."""
    axes = [(np.arange(size) - (size - 1) / 2.0) * spacing_mm for size in shape]
    return tuple(np.meshgrid(*axes, indexing="ij"))


def a_head() -> Volume:
    """A skull with brain and nasal air, on a neck with a column in it."""
    k, j, i = places((120, 120, 100))
    hu = np.full(k.shape, -1000.0)
    hu[(np.hypot(j - 25.0, i) < 55.0) & (k < 0.0)] = 45.0
    hu[(np.hypot(j - 35.0, i) < 11.0) & (k < -20.0)] = 250.0
    radius = np.sqrt(((k - 20.0) / 90.0) ** 2 + (j / 105.0) ** 2 + (i / 80.0) ** 2)
    hu[radius < 1.0] = 45.0
    hu[(radius > 0.88) & (radius < 0.96)] = 950.0
    hu[radius < 0.88] = 35.0
    hu[np.sqrt((k + 20.0) ** 2 + (j + 70.0) ** 2 + i**2) < 22.0] = -950.0
    return a_volume(hu)


def knees() -> Volume:
    """Two legs with thigh bone, joint and shin bone."""
    k, j, i = places((120, 90, 150))
    hu = np.full(k.shape, -1000.0)
    for side in (-65.0, 65.0):
        away = np.hypot(j, i - side)
        hu[away < 55.0] = np.where(away[away < 55.0] < 48.0, 50.0, -100.0)
        width = np.where(np.abs(k) < 35.0, 34.0, 14.0)
        bone = (away < width) & (np.abs(k) > 4.0)
        hu[bone] = np.where(away[bone] > width[bone] - 4.0, 800.0, 120.0)
    return a_volume(hu)


def metal_everywhere() -> Volume:
    """A trunk drowned in streaks of metal."""
    _, j, i = places((80, 110, 150))
    hu = np.where((j / 95.0) ** 2 + (i / 140.0) ** 2 < 1.0, 40.0, -1000.0)
    generator = np.random.default_rng(2)
    for _ in range(60):
        angle, offset = generator.uniform(0.0, np.pi), generator.uniform(-90.0, 90.0)
        streak = np.abs(np.cos(angle) * j + np.sin(angle) * i - offset) < generator.uniform(2.0, 6.0)
        hu[streak] = generator.choice((3071.0, -1024.0))
    return a_volume(hu)


@pytest.mark.parametrize(
    ("build", "code"),
    [(a_head, ReasonCode.NO_SPINE), (knees, ReasonCode.NO_SPINE), (metal_everywhere, ReasonCode.NOT_HU)],
)
def test_what_is_no_trunk_is_refused_with_its_reason(
    networks: SpineModel, build: Callable[[], Volume], code: ReasonCode
) -> None:
    answer = segment_spine(build(), networks)

    assert isinstance(answer, Reason)
    assert answer.code is code


def test_a_real_head_has_no_spine(shared_data: Path, networks: SpineModel) -> None:
    # its gantry is tilted, which is refused before a network sees it: here its slices are stacked as if it were not
    answer = segment_spine(read_series(shared_data / "dicom" / "gantry-tilt"), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NO_SPINE


@pytest.mark.parametrize(("first", "slices"), [(50, 141), (50, 90)])
def test_a_real_chest_without_a_lumbar_vertebra_gets_no_level(networks: SpineModel, first: int, slices: int) -> None:
    chest = published_chest(peers.require_totalsegmentator()).volume

    answer = segment_spine(part(chest, (first, 0, 0), (slices, *chest.shape[1:])), networks)

    assert isinstance(answer, SpineSegmentation)
    assert len(answer.vertebrae) >= 6
    assert {vertebra.level for vertebra in answer.vertebrae} == {None}
    codes = {reason.code for vertebra in answer.vertebrae for reason in vertebra.reasons}
    assert ReasonCode.LEVEL_UNCERTAIN in codes


def test_a_real_chest_without_last_ribs_and_sacrum_gets_no_level(trunk: Volume, networks: SpineModel) -> None:
    answer = segment_spine(part(trunk, (85, 0, 0), (trunk.shape[0] - 85, *trunk.shape[1:])), networks)

    assert isinstance(answer, SpineSegmentation)
    assert {vertebra.level for vertebra in answer.vertebrae} == {None}


def test_a_scan_of_air_says_that_it_holds_no_tissue(networks: SpineModel) -> None:
    answer = segment_spine(a_volume(np.full((60, 60, 60), -1000.0)), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NOT_HU


def test_a_trunk_without_bone_has_no_spine(networks: SpineModel) -> None:
    _, j, i = places((100, 110, 150))

    answer = segment_spine(a_volume(np.where((j / 95.0) ** 2 + (i / 140.0) ** 2 < 1.0, 40.0, -1000.0)), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NO_SPINE


@pytest.fixture(scope="module")
def trunk(shared_data: Path) -> Volume:
    return read_series(shared_data / "ct" / "matrad-liver")


def part(volume: Volume, first: Shape, shape: Shape) -> Volume:
    box = tuple(slice(start, start + size) for start, size in zip(first, shape, strict=True))
    return replace(volume, hu=np.ascontiguousarray(volume.hu[box]), affine=volume.affine.shifted(first))


@pytest.fixture(scope="module")
def abdomen() -> Volume:
    return published_abdomen(peers.require_totalsegmentator()).volume


@pytest.mark.parametrize("offset", [1024.0, -1024.0, 150.0, -150.0])
def test_a_trunk_whose_values_are_all_off_is_not_in_hu(trunk: Volume, networks: SpineModel, offset: float) -> None:
    answer = segment_spine(replace(trunk, hu=trunk.hu + np.float32(offset)), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NOT_HU


def test_a_trunk_as_it_is_displayed_is_not_in_hu(trunk: Volume, networks: SpineModel) -> None:
    displayed = np.round(np.clip((trunk.hu + 160.0) / 400.0, 0.0, 1.0) * 255.0).astype(np.float32)

    answer = segment_spine(replace(trunk, hu=displayed), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NOT_HU


@pytest.mark.parametrize("slices", [1, 5])
def test_a_few_slices_hold_no_chain_of_bodies(trunk: Volume, networks: SpineModel, slices: int) -> None:
    answer = segment_spine(part(trunk, (60, 0, 0), (slices, *trunk.shape[1:])), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NO_SPINE


def test_a_single_sagittal_slice_holds_no_chain_of_bodies(trunk: Volume, networks: SpineModel) -> None:
    middle = trunk.shape[2] // 2

    answer = segment_spine(part(trunk, (0, 0, middle), (*trunk.shape[:2], 1)), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NO_SPINE


def test_three_thousand_slices_of_repeated_spine_get_no_level_and_say_why(trunk: Volume, networks: SpineModel) -> None:
    middle = part(trunk, (0, 80, 60), (trunk.shape[0], 100, 100))
    repeats = int(np.ceil(3000 / middle.shape[0]))
    tall = np.concatenate([middle.hu] * repeats)[:3000]
    tall[:, :8] = -1000.0  # nothing else tells thin lung from air whose CT number is off
    matrix = middle.affine.matrix.copy()
    matrix[:3, 0] *= 0.2

    answer = segment_spine(replace(middle, hu=tall, affine=Affine(matrix)), networks)

    assert isinstance(answer, SpineSegmentation)
    assert {vertebra.level for vertebra in answer.vertebrae} == {None}
    codes = {reason.code for vertebra in answer.vertebrae for reason in vertebra.reasons}
    assert ReasonCode.IMPLAUSIBLE_ANATOMY in codes


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_an_abdomen_mirrored_from_head_to_foot_or_front_to_back_or_both_is_refused(
    abdomen: Volume, networks: SpineModel, axes: tuple[int, ...]
) -> None:
    answer = segment_spine(replace(abdomen, hu=np.ascontiguousarray(np.flip(abdomen.hu, axes))), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED


def test_a_real_chest_with_front_and_back_exchanged_is_refused(networks: SpineModel) -> None:
    chest = published_chest(peers.require_totalsegmentator()).volume

    answer = segment_spine(replace(chest, hu=np.ascontiguousarray(np.flip(chest.hu, 1))), networks)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED


def test_left_and_right_exchanged_are_not_seen_and_every_answer_says_so(abdomen: Volume, networks: SpineModel) -> None:
    exchanged = replace(abdomen, hu=np.ascontiguousarray(np.flip(abdomen.hu, 2)))

    answers = [segment_spine(each, networks) for each in (abdomen, exchanged)]

    names = []
    for answer in answers:
        assert isinstance(answer, SpineSegmentation)
        assert LEFT_AND_RIGHT in answer.limitations
        names.append([vertebra.level for vertebra in answer.vertebrae])
    assert names[0] == names[1]


@pytest.fixture(scope="module")
def supine(abdomen: Volume, networks: SpineModel) -> SpineSegmentation:
    answer = segment_spine(abdomen, networks)
    assert isinstance(answer, SpineSegmentation)
    assert VertebralLevel.L1 in {vertebra.level for vertebra in answer.vertebrae}
    return answer


@pytest.mark.parametrize(
    "reversed_axes", [(1, 2), (0, 2), (0, 1)], ids=["head first, prone", "feet first, supine", "feet first, prone"]
)
def test_a_patient_who_lies_prone_or_feet_first_is_the_same_patient(
    abdomen: Volume, networks: SpineModel, supine: SpineSegmentation, reversed_axes: tuple[int, ...]
) -> None:
    # rows, columns and slices as a scanner writes them for this position, and the header says so
    matrix = abdomen.affine.matrix.copy()
    last = [abdomen.shape[axis] - 1.0 if axis in reversed_axes else 0.0 for axis in range(3)]
    matrix[:3, 3] = abdomen.affine.to_lps(np.array(last))
    matrix[:3, list(reversed_axes)] *= -1.0
    turned = replace(abdomen, hu=np.ascontiguousarray(np.flip(abdomen.hu, reversed_axes)), affine=Affine(matrix))

    answer = segment_spine(turned, networks)

    assert isinstance(answer, SpineSegmentation)
    assert [vertebra.level for vertebra in answer.vertebrae] == [vertebra.level for vertebra in supine.vertebrae]
    for one, other in zip(supine.vertebrae, answer.vertebrae, strict=True):
        np.testing.assert_allclose(one.centroid_lps_mm, other.centroid_lps_mm, atol=0.1)
