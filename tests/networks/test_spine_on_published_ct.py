"""The networks of the project against another's, on real scans that both can be asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial.transform import Rotation

from models.bone import measure_bone
from models.choice import load_spine_model
from models.crops import box_in, crop_bodies
from models.spine import SpineModel, segment_spine
from models.vertebra import SpineSegmentation
from node.domain.finding import Status
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.volume import Volume
from tests import peers
from tests.builders.acquisitions import AT_120_KV
from tests.builders.published_ct import published_abdomen, published_chest
from training.evaluation.case import Case
from training.evaluation.scores import Naming, score_case

#: Half the height of a thoracic body: the middle of a whole vertebra, arch included, lies lower than that of its body.
_SAME_LEVEL_MM = 12.0


#: A quarter of the height of a lumbar body.
_SAME_PLACE_MM = 6.0


@pytest.fixture(scope="module")
def networks() -> SpineModel:
    return load_spine_model(torch.device("cpu"))


def test_lumbar_bodies_of_an_abdomen_are_those_of_another_network_under_the_same_names(networks: SpineModel) -> None:
    case = published_abdomen(peers.require_totalsegmentator())

    spine = segment_spine(case.volume, networks)

    assert isinstance(spine, SpineSegmentation), spine
    whole = [body for body in score_case(case, spine).bodies if body.is_whole]
    assert [str(body.level) for body in whole] == ["L1", "L2", "L3", "L4", "L5"]
    assert {body.naming for body in whole} == {Naming.RIGHT}
    assert np.mean([body.dice for body in whole]) >= 0.94
    assert min(body.dice for body in whole) >= 0.9


def test_the_likeliest_t12_of_a_chest_with_contrast_and_stents_is_that_of_another_network_and_l1_has_no_number(
    networks: SpineModel,
) -> None:
    scan = published_chest(peers.require_totalsegmentator())

    spine = segment_spine(scan.volume, networks)

    assert isinstance(spine, SpineSegmentation), spine
    likeliest = {vertebra.likeliest: vertebra for vertebra in spine.vertebrae}
    away = np.subtract(likeliest[VertebralLevel.T12].centroid_lps_mm, scan.t12_lps_mm)
    assert abs(away[2]) < _SAME_LEVEL_MM
    # It ends in L1, of which it shows a centimetre: names may be withheld; the likeliest are counted up from T12.
    t12 = likeliest[VertebralLevel.T12].ordinal
    thoracic = [likeliest[VertebralLevel(f"T{number}")].ordinal for number in range(4, 13)]
    assert thoracic == list(range(t12 - 8, t12 + 1))
    findings = measure_bone(crop_bodies(scan.volume, spine), AT_120_KV).vertebrae
    below = [each for each in findings if each.segment_value is not None and each.ordinal > t12]
    assert [each.status for each in below] == [Status.NOT_EVALUABLE]
    assert below[0].measurements == ()


def with_slices_of_6_mm(volume: Volume) -> Volume:
    """Means of every two slices."""
    count = volume.shape[0] // 2
    matrix = volume.affine.matrix.copy()
    matrix[:3, 3] += 0.5 * matrix[:3, 0]
    matrix[:3, 0] *= 2.0
    hu = volume.hu[: 2 * count].reshape(count, 2, *volume.shape[1:]).mean(1)
    return replace(volume, hu=hu, affine=Affine(matrix))


def with_slices_of_half_a_mm(volume: Volume) -> Volume:
    """Five slices between every two."""
    matrix = volume.affine.matrix.copy()
    matrix[:3, 0] /= 6.0
    shape = (6 * (volume.shape[0] - 1) + 1, *volume.shape[1:])
    hu = ndimage.affine_transform(volume.hu, np.diag((1.0 / 6.0, 1.0, 1.0)), output_shape=shape, order=1)
    return replace(volume, hu=hu, affine=Affine(matrix))


def in_oblique_sagittal_slices(volume: Volume) -> Volume:
    """The scan on a grid that is turned by 12 degrees about two axes, its slices from right to left."""
    turned = Rotation.from_euler("xz", (12.0, 12.0), degrees=True).as_matrix() @ volume.affine.matrix[:3, :3]
    middle = (np.array(volume.shape) - 1.0) / 2.0
    matrix = np.eye(4)
    matrix[:3, :3] = turned
    matrix[:3, 3] = volume.affine.to_lps(middle) - turned @ middle
    mapping = np.linalg.inv(volume.affine.matrix) @ matrix
    hu = ndimage.affine_transform(volume.hu, mapping[:3, :3], offset=mapping[:3, 3], order=1, cval=-1024.0)
    order = (2, 0, 1)
    matrix[:3, :3] = matrix[:3, :3][:, order]
    return replace(volume, hu=np.ascontiguousarray(hu.transpose(order)), affine=Affine(matrix))


@pytest.mark.parametrize("changed", [with_slices_of_6_mm, with_slices_of_half_a_mm, in_oblique_sagittal_slices])
def test_lumbar_bodies_have_their_names_and_places_in_other_slices(
    networks: SpineModel, changed: Callable[[Volume], Volume]
) -> None:
    case = published_abdomen(peers.require_totalsegmentator())

    spine = segment_spine(changed(case.volume), networks)

    assert isinstance(spine, SpineSegmentation), spine
    named = {vertebra.level: vertebra for vertebra in spine.vertebrae if vertebra.level is not None}
    for level in case.levels[1:]:
        place = case.volume.affine.to_lps(np.argwhere(case.truth == level.number).mean(0))
        assert np.linalg.norm(np.subtract(named[level].centroid_lps_mm, place)) < _SAME_PLACE_MM, level


def test_bodies_are_the_same_in_single_and_in_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    case = published_abdomen(peers.require_totalsegmentator())

    found = {half: _found_in(case.volume, half=half, monkeypatch=monkeypatch) for half in (True, False)}

    assert [each.level for each in found[True].vertebrae] == [each.level for each in found[False].vertebrae]
    # The end of the scan cuts T12, which is not measured: what lies beyond is not known, and the network wavers there.
    single = score_case(_as_truth(case, found[False]), found[True])
    assert min(body.dice for body in single.bodies if body.is_whole) >= 0.999
    assert min(body.dice for body in single.bodies) >= 0.98


def _found_in(volume: Volume, *, half: bool, monkeypatch: pytest.MonkeyPatch) -> SpineSegmentation:
    for module in ("models.sliding", "models.views"):
        monkeypatch.setattr(f"{module}.half_precision_pays", lambda device: half)
    spine = segment_spine(volume, load_spine_model(torch.device("cpu")))
    assert isinstance(spine, SpineSegmentation), spine
    return spine


def _as_truth(case: Case, spine: SpineSegmentation) -> Case:
    """The case with what was found for its truth."""
    levels = {each.segment_value: each.level for each in spine.vertebrae}
    truth = np.zeros(case.truth.shape, dtype=np.uint8)
    view = truth[box_in(case.volume, spine.label_map)]
    for value, level in levels.items():
        assert level is not None
        view[spine.label_map.labels == value] = level.number
    return replace(case, truth=truth)
