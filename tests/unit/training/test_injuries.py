"""Broken bodies of the second family, and what looks like it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.heldout.bones import draw_injured
from training.heldout.imaging import Field, Slicing, painted_soft_tissue, slices_of, true_bodies
from training.heldout.injuries import WHOLE, Injury, added_hu, injured
from training.heldout.palette import WidePalette
from training.heldout.posture import Placed, Posture, draw_posture
from training.heldout.vertebra import BodyForm, body_distance, draw_form, half_height, heights_of

L1, L2 = VertebralLevel.L1, VertebralLevel.L2

STEP_MM = 0.5
UP, BACK, LEFT = np.meshgrid(*(np.arange(-32.0, 32.0, STEP_MM, dtype=np.float32) for _ in range(3)), indexing="ij")
MIDLINE = np.abs(LEFT) <= 0.5 * STEP_MM


def a_body(loss: tuple[float, float, float] = (0.0, 0.0, 0.0), seed: int = 4) -> tuple[Placed, BodyForm]:
    posture = draw_posture(np.random.default_rng(seed), USUAL_LEVELS)
    placed = next(each for each in posture.named if each.level is L2)
    return placed, replace(draw_form(np.random.default_rng(seed), placed, loss), spur=0.0)


def before_and_after(injury: Injury) -> tuple[np.ndarray, np.ndarray]:
    placed, form = a_body(injury.loss)
    body = body_distance(placed, form, (UP, BACK, LEFT))
    return body < 0.0, injured(body, placed, form, injury, (UP, BACK, LEFT)) < 0.0


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("fragment_mm", [2.0, 5.0, 8.0])
def test_a_fragment_stands_as_far_behind_the_rear_wall_as_it_was_asked_to(fragment_mm: float, seed: int) -> None:
    injury = Injury(loss=(0.3, 0.3, 0.1), fragment_mm=fragment_mm, seed=seed)
    placed, form = a_body(injury.loss)

    without, body = before_and_after(injury)

    wall = 0.5 * placed.depth - form.hollow
    assert BACK[body & MIDLINE].max() - wall == pytest.approx(fragment_mm, abs=2 * STEP_MM)
    assert not (without & ~body).any()
    assert BACK[body & ~without].min() > -0.1 * placed.depth


@pytest.mark.parametrize("seed", range(5))
def test_a_pit_is_as_deep_as_it_was_asked_to_be(seed: int) -> None:
    without, body = before_and_after(Injury(pit_mm=6.0, seed=seed))

    missing = without & ~body
    deepest = max(int(missing[:, j, i].sum()) for j, i in set(zip(*np.nonzero(missing)[1:], strict=True)))
    assert deepest * STEP_MM == pytest.approx(6.0, abs=1.5)
    assert len(set(np.sign(UP[missing]).tolist())) == 1


def test_a_missing_corner_is_the_upper_front_one() -> None:
    without, body = before_and_after(Injury(corner_mm=6.0))

    missing = without & ~body
    assert missing.any()
    assert UP[missing].min() > 0.0
    assert BACK[missing].max() < 0.0


def test_nothing_changes_a_whole_body() -> None:
    placed, form = a_body()
    without, body = before_and_after(WHOLE)

    np.testing.assert_array_equal(without, body)
    assert not added_hu(placed, form, WHOLE, (UP, BACK, LEFT)).any()
    assert not WHOLE.is_fracture


def test_bone_is_pressed_together_beneath_the_upper_endplate_alone() -> None:
    injury = Injury(loss=(0.4, 0.2, 0.0), pressed_hu=200.0)
    placed, form = a_body(injury.loss)

    added = added_hu(placed, form, injury, (UP, BACK, LEFT))

    plate = half_height(placed, form, BACK)
    assert (added[np.abs(plate - UP - 3.0) < 1.0] == 200.0).all()
    assert not added[UP < 0.0].any()
    assert injury.is_fracture


@pytest.mark.parametrize(
    "loss", [(0.4, 0.2, 0.0), (0.0, 0.4, 0.0), (0.3, 0.3, 0.3)], ids=["wedge", "biconcave", "crush"]
)
def test_a_loss_takes_its_share_of_each_height(loss: tuple[float, float, float]) -> None:
    """What a loss takes at a place lies between what it takes at the edge and in the middle of the endplates."""
    placed, form = a_body()
    whole, broken = (heights_of(*a_body(each)) for each in ((0.0, 0.0, 0.0), loss))

    rear = 0.5 * placed.depth - form.hollow
    places = (2.0 - 0.5 * placed.depth, 0.5 * (rear - 0.5 * placed.depth), rear - 2.0)
    edges = (-0.5 * placed.depth, 0.0, 0.5 * placed.depth)
    taken = [
        float(np.interp(place, edges, loss) * 2.0 * half_height(placed, form, np.float32(place))) for place in places
    ]
    found = [getattr(whole, name) - getattr(broken, name) for name in ("anterior", "middle", "posterior")]
    assert found == pytest.approx(taken, abs=0.6)


def test_heights_are_those_of_the_voxels() -> None:
    placed, form = a_body((0.3, 0.15, 0.0))
    fine = np.arange(-25.0, 25.0, 0.05, dtype=np.float32)
    backs = np.arange(-25.0, 25.0, 0.05, dtype=np.float32)
    inside = body_distance(placed, form, (fine[:, None], backs, np.zeros(1, dtype=np.float32))) < 0.0

    heights = heights_of(placed, form)

    columns = np.flatnonzero(inside.any(0))
    front, rear = columns[0], columns[-1]
    found = [inside[:, at].sum() * 0.05 for at in (front + 40, (front + rear) // 2, rear - 40)]
    assert found == pytest.approx([heights.anterior, heights.middle, heights.posterior], abs=0.25)


@pytest.mark.parametrize("wrong", [{"loss": (0.95, 0.0, 0.0)}, {"loss": (-0.1, 0.0, 0.0)}, {"pit_mm": -1.0}], ids=str)
def test_an_injury_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="body"):
        Injury(**wrong)


def painted(posture: Posture, injuries: dict[VertebralLevel, Injury]) -> tuple[np.ndarray, np.ndarray]:
    heights = {placed.level: float(placed.centre[0]) for placed in posture.named}
    slicing = Slicing(slice_mm=1.5, pixel_mm=1.2)
    field = Field(low=heights[L2] - 30.0, high=heights[L1] + 30.0, deep=240.0, wide=300.0, aside=0.0)
    rng, palette = np.random.default_rng(9), WidePalette(enhanced=False)
    canvas = painted_soft_tissue(posture, field, slicing, palette, rng)
    covers = draw_injured(canvas, posture, rng, palette=palette, injuries=injuries).covers
    hu = slices_of(canvas, slicing)
    return hu, true_bodies(covers, hu.shape, slicing)


def test_only_the_injured_body_is_another_one_in_the_scan() -> None:
    posture = draw_posture(np.random.default_rng(4), USUAL_LEVELS)

    hu, truth = painted(posture, {})
    injured_hu, injured_truth = painted(posture, {L2: Injury(loss=(0.4, 0.4, 0.2), fragment_mm=6.0, pressed_hu=200.0)})

    np.testing.assert_array_equal(truth == L1.number, injured_truth == L1.number)
    np.testing.assert_array_equal(hu[truth == L1.number], injured_hu[truth == L1.number])
    assert (injured_truth == L2.number).sum() < 0.85 * (truth == L2.number).sum()
    behind = (injured_truth == L2.number) & (truth != L2.number)
    assert behind.sum() > 50
    assert injured_hu[behind].mean() > hu[behind].mean() + 50.0
