"""Persons differ in how their spines curve, as living ones do."""

import numpy as np

from node.domain.levels import USUAL_LEVELS
from training.anatomy.spine import Spine, draw_shapes, stack


def a_spine(seed: int) -> Spine:
    rng = np.random.default_rng(seed)
    return stack(rng, draw_shapes(rng, USUAL_LEVELS, 1.0), s1=np.zeros(3), scale=1.0)


def lean_degrees(up: np.ndarray) -> float:
    """Forward lean of an axis (k, j, i)."""
    return float(np.degrees(np.arctan2(-up[1], up[0])))


def test_sacral_slopes_reach_from_flat_to_steep_and_lie_about_forty_degrees():
    slopes = [lean_degrees(a_spine(seed).sacrum[0].frame.axes[0]) for seed in range(150)]

    assert 35.0 < np.mean(slopes) < 42.0
    assert min(slopes) < 20.0
    assert max(slopes) > 55.0


def test_most_backs_are_a_little_round_and_some_very():
    leans = [lean_degrees(a_spine(seed).named[0][1].frame.axes[0]) for seed in range(200)]

    assert 24.0 < np.median(leans) < 33.0
    assert 0.02 < np.mean(np.array(leans) > 54.0) < 0.08


def test_neighbours_lean_alike_however_bent_the_spine_is():
    for seed in range(50):
        leans = [lean_degrees(placed.frame.axes[0]) for placed in a_spine(seed).vertebrae]

        assert np.abs(np.diff(leans)).max() < 40.0
