"""What fractures and variants do to a body of the synthetic chest, beside its heights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from node.domain.levels import VertebralLevel
from training.anatomy.marks import Mark, with_marks
from training.anatomy.vertebra import VertebraShape, body_distance, draw_vertebra, half_height
from training.phantom import Fracture, FractureKind, Phantom, PhantomSpec, Variant, VariantKind, make_chest_ct
from training.phantom.broken_bone import compacted_hu, marks_of
from training.phantom.heights import broken, retropulsion_mm

L1, L2 = VertebralLevel.L1, VertebralLevel.L2
SMALL = PhantomSpec(
    size=160, slice_mm=1.5, noise_hu=0.0, trabecular_hu=95.0, first=VertebralLevel.T12, last=VertebralLevel.L3
)

#: A fine grid in the frame of a body: up, back and left, mm.
STEP_MM = 0.5
GRID = np.meshgrid(*(np.arange(-32.0, 32.0, STEP_MM, dtype=np.float32) for _ in range(3)), indexing="ij")
UP, BACK, LEFT = GRID


def shape_of(fracture: Fracture | None = None) -> VertebraShape:
    whole = draw_vertebra(np.random.default_rng(3), L2, 13.0, 1.0)
    return whole if fracture is None else broken(whole, fracture)


def inside(shape: VertebraShape, spec: PhantomSpec) -> np.ndarray:
    return with_marks(body_distance(shape.body, UP, BACK, LEFT), marks_of(shape, spec), (UP, BACK, LEFT)) < 0.0


def changed(spec: PhantomSpec, fracture: Fracture | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The body without marks, and with them."""
    shape = shape_of(fracture)
    return inside(shape, SMALL), inside(shape, spec)


@pytest.mark.parametrize("retropulsion", [0.15, 0.35, 0.6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fragment_stands_as_far_behind_the_rear_edge_as_it_was_asked_to(retropulsion: float, seed: int) -> None:
    fracture = Fracture(level=L2, kind=FractureKind.BURST, percent=30.0, retropulsion=retropulsion)
    spec = replace(SMALL, seed=seed, fractures=(fracture,))
    shape = shape_of(fracture)

    _, body = changed(spec, fracture)

    behind = BACK[body].max() - 0.46 * shape.body.depth
    assert behind == pytest.approx(retropulsion_mm(shape, fracture), abs=STEP_MM)
    assert behind == pytest.approx(retropulsion * shape.arch.canal_depth, abs=STEP_MM)


def test_a_fragment_is_one_piece_with_its_body_and_leaves_the_front_alone() -> None:
    fracture = Fracture(level=L2, kind=FractureKind.BURST, percent=30.0)

    without, body = changed(replace(SMALL, fractures=(fracture,)), fracture)

    np.testing.assert_array_equal(without[BACK < 0.0], body[BACK < 0.0])
    assert not (without & ~body).any()


@pytest.mark.parametrize("kind", [FractureKind.WEDGE, FractureKind.BICONCAVE, FractureKind.CRUSH])
def test_only_a_burst_body_has_a_fragment(kind: FractureKind) -> None:
    fracture = Fracture(level=L2, kind=kind, percent=40.0)

    assert marks_of(shape_of(fracture), replace(SMALL, fractures=(fracture,))) == ()


@pytest.mark.parametrize("seed", range(6))
def test_a_pit_is_as_deep_as_it_was_asked_to_be(seed: int) -> None:
    variant = Variant(level=L2, kind=VariantKind.SCHMORL_NODE, mm=6.0)

    spec = replace(SMALL, seed=seed, variants=(variant,))
    without, body = changed(spec)

    missing = without & ~body
    (hole,) = marks_of(shape_of(), spec)
    column = missing & (np.abs(BACK - hole.centre[1]) < STEP_MM) & (np.abs(LEFT - hole.centre[2]) < STEP_MM)
    assert np.ptp(UP[column]) + STEP_MM == pytest.approx(6.0, abs=1.0)
    # bone is left beneath, and everywhere on the other side
    assert not missing[np.sign(UP) != np.sign(hole.centre[0])].any()


def test_a_missing_corner_is_the_upper_front_one() -> None:
    variant = Variant(level=L2, kind=VariantKind.LIMBUS, mm=7.0)

    without, body = changed(replace(SMALL, variants=(variant,)))

    missing = without & ~body
    assert missing.any()
    assert UP[missing].min() > 0.0
    assert BACK[missing].max() < -0.2 * shape_of().body.depth


def test_a_body_without_changes_has_no_marks() -> None:
    spec = replace(SMALL, variants=(Variant(level=L1, kind=VariantKind.LIMBUS, mm=5.0),))

    assert marks_of(shape_of(), spec) == ()


def test_the_same_seed_gives_the_same_marks_and_another_one_others() -> None:
    variants = (Variant(level=L2, kind=VariantKind.SCHMORL_NODE, mm=5.0),)
    first, again, other = (marks_of(shape_of(), replace(SMALL, seed=seed, variants=variants)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("kind", "both"),
    [
        (FractureKind.WEDGE, False),
        (FractureKind.CRUSH, False),
        (FractureKind.BURST, False),
        (FractureKind.BICONCAVE, True),
    ],
)
def test_bone_is_pressed_together_beneath_the_endplates_that_gave_way(kind: FractureKind, both: bool) -> None:
    fracture = Fracture(level=L2, kind=kind, percent=40.0, compacted_hu=300.0)
    shape = shape_of(fracture)

    added = compacted_hu(shape, replace(SMALL, fractures=(fracture,)), (UP, BACK, LEFT))

    plate = half_height(shape.body, BACK, LEFT)
    beneath = [np.abs(plate - sign * UP - 3.5) < 0.3 for sign in (1.0, -1.0)]
    within = np.hypot(BACK, LEFT) < 10.0
    upper, lower = (float(added[where & within].mean()) for where in beneath)
    assert upper > 250.0
    assert (lower > 250.0) is both
    assert added.max() <= 300.0


def test_a_healed_fracture_adds_no_density() -> None:
    fracture = Fracture(level=L2, kind=FractureKind.CRUSH, percent=40.0)

    assert not compacted_hu(shape_of(fracture), replace(SMALL, fractures=(fracture,)), (UP, BACK, LEFT)).any()


def test_a_hole_takes_and_a_block_adds_in_the_order_that_they_are_given() -> None:
    block = Mark(centre=(0.0, 0.0, 0.0), half=(10.0, 10.0, 10.0), adds=True)
    hole = Mark(centre=(0.0, 0.0, 0.0), half=(5.0, 5.0, 5.0), adds=False)
    nothing = np.full(UP.shape, 50.0, dtype=np.float32)
    middle = np.abs(UP) + np.abs(BACK) + np.abs(LEFT) < 1.0

    hollow, filled = (with_marks(nothing, marks, (UP, BACK, LEFT)) < 0.0 for marks in ((block, hole), (hole, block)))

    assert not hollow[middle].any()
    assert filled[middle].all()
    assert hollow.sum() == pytest.approx(4.0 / 3.0 * np.pi * (1000.0 - 125.0) / STEP_MM**3, rel=0.02)


@pytest.fixture(scope="module")
def chest() -> Phantom:
    """L1 is burst and pressed together, L2 has a deep pit."""
    burst = Fracture(level=L1, kind=FractureKind.BURST, percent=30.0, compacted_hu=300.0, retropulsion=0.5)
    pit = Variant(level=L2, kind=VariantKind.SCHMORL_NODE, mm=9.0)
    return make_chest_ct(replace(SMALL, seed=5, fractures=(burst,), variants=(pit,)))


def test_the_truth_tells_what_was_drawn(chest: Phantom) -> None:
    assert chest.truth.of(L1).fracture == chest.spec.fractures[0]
    assert chest.truth.of(L2).variant == chest.spec.variants[0]
    assert chest.truth.of(VertebralLevel.L3).variant is None


def test_heights_of_a_body_with_a_pit_are_those_of_the_body(chest: Phantom) -> None:
    assert chest.truth.of(L2).heights == chest.truth.of(L2).intact


def test_a_pit_holds_disc_and_no_fat(chest: Phantom) -> None:
    plain = make_chest_ct(replace(chest.spec, variants=()))
    missing = (plain.labels.labels == L2.number) & (chest.labels.labels != L2.number)

    assert missing.sum() > 50
    # edges of pits are bone in part
    assert np.percentile(chest.volume.hu[missing], 5) > 30.0


def test_bone_that_is_pressed_together_keeps_its_density(chest: Phantom) -> None:
    assert chest.truth.of(L1).core_hu > chest.spec.trabecular_hu + 20.0
    assert chest.truth.of(L2).core_hu == pytest.approx(chest.spec.trabecular_hu, abs=0.5)
