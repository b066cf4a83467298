"""A volume in, named bodies out: the whole way with a network that reads painted classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import Bundle
from models.sliding import probabilities
from models.spine import segment_spine
from models.tissues import Tissue
from models.vertebra import FIRST_UNNAMED_VALUE, SpineSegmentation
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Volume
from tests.builders.spine_classes import SPACING_MM, Built, Scene, build
from tests.builders.spine_network import FRAME, BlindNetwork, painted_model, painted_volume

L1, L2, T10 = VertebralLevel.L1, VertebralLevel.L2, VertebralLevel.T10
SHORT = Scene(top=T10, bottom=L2, sacrum=False)


@pytest.fixture(scope="module")
def built() -> Built:
    return build(SHORT)


def spine_in(volume: Volume) -> SpineSegmentation:
    spine = segment_spine(volume, painted_model())
    assert isinstance(spine, SpineSegmentation), spine
    return spine


def refined(volume: Volume, factors: tuple[int, int, int]) -> Volume:
    """The same picture on a finer grid, nearest neighbour."""
    hu: NDArray[np.float32] = volume.hu
    for axis, factor in enumerate(factors):
        hu = np.repeat(hu, factor, axis)
    matrix = volume.affine.matrix.copy()
    matrix[:3, :3] /= np.array(factors)
    matrix[:3, 3] -= volume.affine.matrix[:3, :3] @ ((1.0 - 1.0 / np.array(factors)) / 2.0)
    return Volume(hu=hu, affine=Affine(matrix), frame_of_reference=volume.frame_of_reference)


def test_every_vertebra_has_its_name_and_place(built: Built) -> None:
    spine = spine_in(painted_volume(built))

    assert [str(vertebra.level) for vertebra in spine.vertebrae] == ["T10", "T11", "T12", "L1", "L2"]
    for vertebra in spine.vertebrae:
        assert vertebra.level is not None
        np.testing.assert_allclose(vertebra.centroid_lps_mm, built.centres_lps_mm[vertebra.level], atol=2.5)
        assert vertebra.segment_value == vertebra.level.number
        assert vertebra.is_measurable


def test_names_hang_on_the_close_look_at_the_last_ribs(built: Built) -> None:
    """To the network of the whole scan T12 has long ribs; where the other one sees none, nothing is named."""
    model = painted_model()

    spine = segment_spine(painted_volume(built), replace(model, ribs=replace(model.ribs, network=BlindNetwork())))

    assert isinstance(spine, SpineSegmentation)
    assert {vertebra.level for vertebra in spine.vertebrae} == {None}


def test_the_label_map_lies_on_voxels_of_the_scan(built: Built) -> None:
    volume = refined(painted_volume(built), (2, 3, 3))

    spine = spine_in(volume)

    affine = spine.label_map.affine
    corners = volume.affine.to_index(affine.to_lps(np.array([(0, 0, 0), spine.label_map.labels.shape])))
    np.testing.assert_allclose(corners, np.rint(corners), atol=1e-6)
    assert (np.rint(corners) >= 0).all()
    assert (np.rint(corners) <= volume.shape).all()
    np.testing.assert_allclose(affine.matrix[:3, :3], volume.affine.matrix[:3, :3])
    inside = np.argwhere(spine.label_map.labels == L1.number)
    centre = affine.to_lps(inside.mean(0))
    np.testing.assert_allclose(centre, built.centres_lps_mm[L1], atol=1.5)


def test_the_order_and_direction_of_axes_change_nothing(built: Built) -> None:
    volume = painted_volume(built)
    turned = Volume(
        hu=np.ascontiguousarray(volume.hu.transpose(2, 0, 1)[::-1, :, ::-1]),
        affine=Affine(
            np.column_stack(
                [
                    -volume.affine.matrix[:, 2],
                    volume.affine.matrix[:, 0],
                    -volume.affine.matrix[:, 1],
                    [*volume.affine.to_lps(np.array((0.0, volume.shape[1] - 1, volume.shape[2] - 1))), 1.0],
                ]
            )
        ),
        frame_of_reference=FRAME,
    )

    straight, other = spine_in(volume), spine_in(turned)

    for one, two in zip(straight.vertebrae, other.vertebrae, strict=True):
        assert one.level is two.level
        np.testing.assert_allclose(one.centroid_lps_mm, two.centroid_lps_mm, atol=0.3)


def test_a_body_at_the_end_of_the_scan_is_marked_as_cut() -> None:
    spine = spine_in(painted_volume(build(Scene(top=T10, bottom=L1, sacrum=False, below_mm=-14.0))))

    last = spine.vertebrae[-1]
    assert last.level is L1
    assert last.is_truncated
    assert [vertebra.is_truncated for vertebra in spine.vertebrae[:-1]] == [False] * 3


def test_vertebrae_without_a_name_are_counted_from_the_head() -> None:
    spine = spine_in(painted_volume(build(Scene(top=VertebralLevel.T7, bottom=T10, sacrum=False))))

    assert [vertebra.level for vertebra in spine.vertebrae] == [None] * 4
    assert [vertebra.segment_value for vertebra in spine.vertebrae] == [FIRST_UNNAMED_VALUE + n for n in range(4)]
    assert [segment.label for segment in spine.label_map.segments] == [f"vertebra {n}" for n in range(1, 5)]


def test_the_sacrum_is_no_segment() -> None:
    spine = spine_in(painted_volume(build(Scene(top=VertebralLevel.T12))))

    assert [str(vertebra.level) for vertebra in spine.vertebrae] == ["T12", "L1", "L2", "L3", "L4", "L5"]


def test_values_that_are_no_hu_are_refused(built: Built) -> None:
    volume = painted_volume(built)
    shifted = Volume(hu=volume.hu + 1024.0, affine=volume.affine, frame_of_reference=FRAME)

    answer = segment_spine(shifted, painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NOT_HU


def test_front_and_back_exchanged_is_seen_from_the_arches(built: Built) -> None:
    volume = painted_volume(built)
    mirrored = Volume(hu=volume.hu[:, ::-1].copy(), affine=volume.affine, frame_of_reference=FRAME)

    answer = segment_spine(mirrored, painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED


def test_head_and_foot_exchanged_is_seen_from_the_sacrum() -> None:
    volume = painted_volume(build(Scene(top=VertebralLevel.T12)))
    mirrored = Volume(hu=volume.hu[::-1].copy(), affine=volume.affine, frame_of_reference=FRAME)

    answer = segment_spine(mirrored, painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED


def test_head_and_foot_exchanged_is_seen_from_the_ribs() -> None:
    volume = painted_volume(build(Scene(top=VertebralLevel.T7, bottom=L2, sacrum=False)))
    mirrored = Volume(hu=volume.hu[::-1].copy(), affine=volume.affine, frame_of_reference=FRAME)

    answer = segment_spine(mirrored, painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED
    assert "head and foot" in answer.detail


def test_ribs_that_rise_a_little_say_nothing_where_the_sacrum_lies_below() -> None:
    """Those of a spine that leans far back do."""
    leaning = Scene(rib_fall=-0.15)

    names = [vertebra.level for vertebra in spine_in(painted_volume(build(leaning))).vertebrae]

    assert names[-5:] == [VertebralLevel(f"L{number}") for number in range(1, 6)]


@pytest.mark.parametrize("scene", [Scene(rib_fall=-0.3), Scene(bottom=L2, sacrum=False, rib_fall=-0.15)])
def test_ribs_that_rise_clearly_or_without_a_sacrum_show_a_mirrored_image(scene: Scene) -> None:
    answer = segment_spine(painted_volume(build(scene)), painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED


def test_a_spine_that_shows_only_in_the_turned_image_is_mirrored(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    # A network that knows no mirrored spine sees one only where front and back are right.
    volume = painted_volume(built)
    mirrored = Volume(hu=volume.hu[:, ::-1].copy(), affine=volume.affine, frame_of_reference=FRAME)

    def seen(hu: NDArray[np.float32], bundle: Bundle) -> NDArray[np.float32]:
        classes = probabilities(hu, bundle)
        is_mirrored = hu[:, 0].mean() > hu[:, -1].mean()  # the air lies in front
        return np.eye(len(Tissue), dtype=np.float32)[0][:, None, None, None] + 0.0 * classes if is_mirrored else classes

    monkeypatch.setattr("models.backends.own.probabilities", seen)
    answer = segment_spine(mirrored, painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED
    assert "front and back exchanged" in answer.detail


def test_bodies_that_are_seen_though_their_arches_are_not_show_a_mirrored_image(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Real networks find bodies in a mirrored image, and a few arches where they ought to be.
    volume = painted_volume(built)
    mirrored = Volume(hu=volume.hu[:, ::-1].copy(), affine=volume.affine, frame_of_reference=FRAME)

    def seen(hu: NDArray[np.float32], bundle: Bundle) -> NDArray[np.float32]:
        classes = probabilities(hu, bundle).copy()
        if hu[:, 0].mean() > hu[:, -1].mean():  # the air lies in front
            arches = classes[int(Tissue.POSTERIOR_ELEMENTS)]
            strewn = np.zeros_like(arches)
            strewn[::4, ::4, ::4] = np.roll(arches, round(-60.0 / SPACING_MM[1]), axis=1)[::4, ::4, ::4]
            classes[int(Tissue.BACKGROUND)] += arches - strewn
            classes[int(Tissue.POSTERIOR_ELEMENTS)] = strewn
        return classes

    monkeypatch.setattr("models.backends.own.probabilities", seen)
    answer = segment_spine(mirrored, painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.MIRRORED
    assert "front and back exchanged" in answer.detail


def test_a_spine_whose_arches_lie_outside_the_scan_is_not_taken_for_mirrored(built: Built) -> None:
    volume = painted_volume(built)
    behind = int(max(volume.affine.to_index(centre)[1] for centre in built.centres_lps_mm.values())) + 5
    cut = replace(volume, hu=np.ascontiguousarray(volume.hu[:, :behind]))

    names = [vertebra.level for vertebra in spine_in(cut).vertebrae]

    assert names == [vertebra.level for vertebra in spine_in(volume).vertebrae]


def test_a_scan_without_bone_has_no_spine() -> None:
    hu = np.zeros((40, 40, 40), dtype=np.float32)
    hu[:, :6] = -1000.0
    volume = Volume(hu=hu, affine=Affine.from_spacing((3.0, 3.0, 3.0)), frame_of_reference=FRAME)

    answer = segment_spine(volume, painted_model())

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NO_SPINE
