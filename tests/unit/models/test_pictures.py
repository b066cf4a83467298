"""The picture of what was found."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from models.pictures import draw_refused, draw_spine
from models.spine import segment_spine
from models.vertebra import SpineSegmentation
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Volume
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import FRAME, painted_model, painted_volume

_SCENE = Scene(top=VertebralLevel.T10, bottom=VertebralLevel.L1, sacrum=False, below_mm=-14.0)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    volume = painted_volume(build(_SCENE))
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


def test_what_is_said_of_a_cut_body_without_a_level_stays_on_the_picture() -> None:
    model = painted_model()
    model = replace(model, levels=replace(model.levels, asked=0.9999))
    volume = painted_volume(build(_SCENE))
    spine = segment_spine(volume, model)
    assert isinstance(spine, SpineSegmentation)
    assert spine.vertebrae[-1].level is None
    assert spine.vertebrae[-1].is_truncated

    drawn = draw_spine(volume, spine)

    red, green, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB")).astype(int), -1, 0)
    yellow = (red > 120) & (green > 80) & (blue < 80)
    assert yellow.any()
    assert not yellow[:, :3].any()


def test_no_name_stands_on_another_where_bodies_lie_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small bodies in a spine of six tenths of its height, 13 mm apart, and names of two lines."""
    model = painted_model()
    small = Scene(top=VertebralLevel.T2, bottom=VertebralLevel.T5, sacrum=False, below_mm=40.0, above_mm=40.0)
    volume = painted_volume(build(small))
    spine = segment_spine(volume, replace(model, levels=replace(model.levels, asked=0.999)))
    assert isinstance(spine, SpineSegmentation)
    flat = np.diag((1.0, 1.0, 0.6, 1.0))
    flattened = replace(
        spine,
        label_map=replace(spine.label_map, affine=Affine(flat @ spine.label_map.affine.matrix)),
        vertebrae=tuple(
            replace(each, centroid_lps_mm=tuple(flat[:3, :3] @ np.array(each.centroid_lps_mm)))
            for each in spine.vertebrae
        ),
    )
    written: list[tuple[str, float]] = []

    def write(axes: Axes, text: str, place: tuple[float, float], **_: object) -> None:
        if "vertebra" in text:
            written.append((text, place[1]))
            bottom, top = axes.get_ylim()
            assert top < place[1] < bottom

    monkeypatch.setattr("models.pictures.write", write)
    draw_spine(replace(volume, affine=Affine(flat @ volume.affine.matrix)), flattened)

    of_one_panel = written[: len(written) // 2]
    assert [text.split("\n")[0].split(",")[0] for text, _ in of_one_panel] == [
        f"vertebra {number}" for number in range(1, len(spine.vertebrae) + 1)
    ]
    two_lines_of_8_points_mm = 14.0
    assert min(np.diff([row for _, row in of_one_panel])) * 1.5 > two_lines_of_8_points_mm


@pytest.mark.parametrize("code", [ReasonCode.NO_SPINE, ReasonCode.NOT_HU])
@pytest.mark.parametrize("flipped", [(), (0, 1, 2)])
def test_a_refused_scan_is_shown_as_it_lies_and_says_why_in_yellow(flipped: tuple[int, ...], code: ReasonCode) -> None:
    volume = painted_volume(build(_SCENE))
    spine = segment_spine(volume, painted_model())
    assert isinstance(spine, SpineSegmentation)

    drawn = draw_refused(_flipped(_with_rods(volume, spine), flipped), Reason(code=code, detail="Nothing came."))
    picture = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB")).astype(int)

    red, green, blue = np.moveaxis(picture, -1, 0)
    yellow = (red > 200) & (green > 140) & (blue < 120)
    assert yellow[round(0.9 * len(yellow)) :].sum() > 100
    white = (picture.min(-1) == 255)[round(0.15 * len(picture)) : round(0.9 * len(picture))]
    projection = white[:, round(2 * white.shape[1] / 3.46) :]
    assert _share_on_the_left(np.delete(projection, _middle(projection), axis=1)) < 0.05


@pytest.mark.parametrize("shape", [(1, 40, 40), (40, 1, 40), (40, 40, 1), (2500, 8, 8)])
@pytest.mark.parametrize("value", [-1000.0, 0.0, 1e9])
def test_whatever_was_refused_can_be_drawn(shape: tuple[int, int, int], value: float) -> None:
    volume = Volume(
        hu=np.full(shape, value, dtype=np.float32),
        affine=Affine.from_spacing((2.0, 2.0, 2.0)),
        frame_of_reference=FRAME,
    )

    drawn = draw_refused(volume, Reason(code=ReasonCode.NOT_HU, detail="Nothing but one value. " * 20))

    width, height = Image.open(io.BytesIO(drawn)).size
    assert max(width, height) < 4000


@pytest.mark.parametrize("flipped", [(), (0,), (1,), (2,), (0, 1, 2)])
def test_front_is_left_from_the_side_and_the_patients_left_is_right_from_the_front(flipped: tuple[int, ...]) -> None:
    volume = painted_volume(build(_SCENE))
    spine = segment_spine(volume, painted_model())
    assert isinstance(spine, SpineSegmentation)

    drawn = draw_spine(_flipped(_with_rods(volume, spine), flipped), spine)
    white = np.asarray(Image.open(io.BytesIO(drawn)).convert("L")) == 255
    white = white[round(0.15 * len(white)) : round(0.9 * len(white))]  # without the title
    side, front, projection = np.split(white, [round(white.shape[1] / 3.46), round(2 * white.shape[1] / 3.46)], axis=1)

    assert _share_on_the_left(side) > 0.95
    assert _share_on_the_left(front) < 0.05
    # the rod in front lies in the middle here
    assert _share_on_the_left(np.delete(projection, _middle(projection), axis=1)) < 0.05


def _with_rods(volume: Volume, spine: SpineSegmentation) -> Volume:
    """The scan with metal along its whole length in front of the spine, and to its left."""
    x, y, z = np.mean([vertebra.centroid_lps_mm for vertebra in spine.vertebrae], axis=0)
    hu = volume.hu.copy()
    for place in ((x, y - 45.0, z), (x + 60.0, y, z)):
        _, j, i = np.rint(volume.affine.to_index(np.array([place]))[0]).astype(int)
        hu[:, j - 1 : j + 2, i - 1 : i + 2] = 3000.0
    return Volume(hu=hu, affine=volume.affine, frame_of_reference=volume.frame_of_reference)


def _flipped(volume: Volume, axes: tuple[int, ...]) -> Volume:
    """The same scan, its voxels stored in the other order."""
    matrix = volume.affine.matrix.copy()
    for axis in axes:
        matrix[:3, 3] += (volume.shape[axis] - 1) * matrix[:3, axis]
        matrix[:3, axis] *= -1.0
    return Volume(
        hu=np.flip(volume.hu, axes).copy(), affine=Affine(matrix=matrix), frame_of_reference=volume.frame_of_reference
    )


def _middle(panel: np.ndarray) -> slice:
    width = panel.shape[1]
    return slice(round(0.42 * width), round(0.58 * width))


def _share_on_the_left(white: np.ndarray) -> float:
    columns = np.flatnonzero(white) % white.shape[1]
    return float((columns < white.shape[1] / 2).mean()) if len(columns) else float("nan")
