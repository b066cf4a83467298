"""The second family of synthetic scans: true to its truth, the same for the same seed, and strange to training."""

import numpy as np
import pytest
from scipy import ndimage

from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.evaluation.case import Case
from training.heldout.cage import rib_rods
from training.heldout.posture import draw_posture
from training.heldout.scan import Coverage, HeldOutSpec, draw_case, frozen_specs
from training.heldout.solids import capsule, ellipsoid, joined

UNUSUAL = {"fractured body in view", "screws in view", "contrast agent", "field narrower than 300 mm"}


@pytest.fixture(scope="module")
def lumbar() -> Case:
    return draw_case(HeldOutSpec(seed=5, coverage=Coverage.LUMBAR))


def line(start: float, stop: float) -> np.ndarray:
    return np.arange(start, stop, 1.0, dtype=np.float32)


def test_a_rod_is_as_thick_as_its_radii_and_round_at_its_ends():
    up, zero = line(-5.0, 16.0), np.zeros(1, np.float32)

    distance = capsule((up, zero, zero), (0.0, 0.0, 0.0), (10.0, 0.0, 0.0), (2.0, 4.0))

    assert distance[0] == pytest.approx(3.0)  # 5 mm below the thin end
    assert distance[5 + 10] == pytest.approx(-4.0)
    assert distance[-1] == pytest.approx(1.0)  # 5 mm above the thick end


def test_an_ellipsoid_ends_at_its_radii():
    zero = np.zeros(1, np.float32)

    for axis, radius in enumerate((3.0, 5.0, 8.0)):
        points = [zero, zero, zero]
        points[axis] = np.array([radius], np.float32)
        assert ellipsoid(tuple(points), (0.0, 0.0, 0.0), (3.0, 5.0, 8.0))[0] == pytest.approx(0.0, abs=1e-5)


def test_joined_solids_hold_both_and_no_more_than_the_blend():
    first, second = line(-10.0, 10.0), line(-10.0, 10.0)[::-1].copy()

    union = joined(first, second, 2.0)

    assert (union <= np.minimum(first, second) + 1e-5).all()
    assert (union >= np.minimum(first, second) - 0.5).all()  # a quarter of the blend at most


def test_the_same_specification_gives_the_same_voxels():
    spec = HeldOutSpec(seed=9, coverage=Coverage.LUMBAR, odd=True)

    first, second = draw_case(spec), draw_case(spec)

    assert np.array_equal(first.volume.hu, second.volume.hu)
    assert np.array_equal(first.truth, second.truth)


def test_a_scan_says_what_is_unusual_in_it():
    crushed = draw_case(HeldOutSpec(seed=2031, coverage=Coverage.UPPER_ABDOMEN, odd=True))
    screwed = draw_case(HeldOutSpec(seed=2045, coverage=Coverage.UPPER_ABDOMEN, odd=True))

    t7, t8, t9 = (int((crushed.truth == VertebralLevel(name).number).sum()) for name in ("T7", "T8", "T9"))
    assert t8 < 0.6 * min(t7, t9)
    assert crushed.volume.hu.max() < 2000.0 < screwed.volume.hu.max()
    assert crushed.volume.shape[2] * crushed.volume.affine.spacing_mm[2] < 300.0
    assert UNUSUAL & set(crushed.groups) == {"fractured body in view", "field narrower than 300 mm"}
    assert UNUSUAL & set(screwed.groups) == {"screws in view", "contrast agent"}


def test_a_usual_scan_has_nothing_unusual(lumbar):
    assert not UNUSUAL & set(lumbar.groups)


def test_another_seed_gives_another_person(lumbar):
    assert draw_case(HeldOutSpec(seed=6, coverage=Coverage.LUMBAR)).volume.shape != lumbar.volume.shape


def test_bodies_lie_from_head_to_foot_each_in_one_piece(lumbar):
    heights = []
    for level in lumbar.levels:
        inside = lumbar.truth == level.number
        assert ndimage.label(inside)[1] == 1, level
        heights.append(float(np.argwhere(inside)[:, 0].mean()))

    assert heights == sorted(heights, reverse=True)
    assert set(lumbar.levels) >= {level for level in USUAL_LEVELS if str(level).startswith("L")}


def test_the_shell_of_a_body_is_denser_than_its_core(lumbar):
    body = lumbar.truth == VertebralLevel.L3.number
    core = ndimage.binary_erosion(body, iterations=2)
    rim = body & ~ndimage.binary_erosion(body, structure=np.ones((1, 3, 3)))

    assert lumbar.volume.hu[rim].mean() > lumbar.volume.hu[core].mean()


def test_the_last_lumbar_body_follows_the_slope_of_the_sacrum():
    apart = []
    for seed in range(40):
        posture = draw_posture(np.random.default_rng(seed), USUAL_LEVELS)
        last, sacrum = (placed.axes[0] for placed in (posture.vertebrae[-1], posture.sacrum))
        apart.append(float(np.degrees(np.arccos(np.clip(last @ sacrum, -1.0, 1.0)))))

    assert 10.0 < np.mean(apart) < 18.0  # drawn 14 degrees apart
    assert max(apart) < 25.0


def test_a_scan_of_the_middle_of_the_chest_shows_neither_the_last_rib_nor_the_sacrum():
    case = draw_case(HeldOutSpec(seed=301, coverage=Coverage.MIDDLE))

    assert VertebralLevel.L1 not in case.levels
    assert VertebralLevel.T12 not in case.levels
    assert VertebralLevel.T7 in case.levels


def test_a_chest_that_ends_in_l1_is_told_from_scans_that_show_it_whole(lumbar):
    chest = draw_case(HeldOutSpec(seed=1010, coverage=Coverage.CHEST))

    heights = [int((chest.truth == level.number).any(axis=(1, 2)).sum()) for level in chest.levels[-2:]]
    assert chest.levels[-2:] == (VertebralLevel.T12, VertebralLevel.L1)
    assert heights[1] < 0.6 * heights[0]
    assert "no whole vertebra below the last ribs" in chest.groups
    assert "no whole vertebra below the last ribs" not in lumbar.groups


def test_last_ribs_are_short_and_others_reach_around_the_chest():
    rng = np.random.default_rng(4)
    rods = list(rib_rods(draw_posture(rng, USUAL_LEVELS), rng))

    lengths, end = [0.0], rods[0].start
    for rod in rods:
        if not np.allclose(end, rod.start):
            lengths.append(0.0)
        lengths[-1] += float(np.linalg.norm(rod.end - rod.start))
        end = rod.end

    first_to_tenth, last = lengths[:20], lengths[22:24]
    assert min(first_to_tenth) > 100.0
    assert max(last) < 170.0


def test_the_frozen_set_has_three_hundred_scans_and_fifty_without_a_landmark():
    specs = list(frozen_specs())

    shown = [spec for spec in specs if spec.coverage is not Coverage.MIDDLE]
    assert len(specs) == len(set(specs)) == 350
    assert len(shown) == 300
    assert sum(spec.odd for spec in shown) == 100
    assert {spec.coverage for spec in shown if spec.odd} == set(Coverage) - {Coverage.MIDDLE}
