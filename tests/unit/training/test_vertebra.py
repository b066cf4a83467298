"""The shape of one vertebra against the numbers that it was made from."""

from __future__ import annotations

import numpy as np
import pytest

from node.domain.levels import VertebralLevel
from training.anatomy.proportions import LAST_LUMBAR, proportions_at
from training.anatomy.vertebra import BodyShape, arch_distance, body_distance, draw_vertebra

STEP_MM = 0.05


def a_body(anterior: float = 26.0, middle: float = 24.0, posterior: float = 28.0) -> BodyShape:
    return BodyShape(width=44.0, depth=34.0, anterior=anterior, middle=middle, posterior=posterior, waist=0.1)


def height_at(body: BodyShape, back: float) -> float:
    up = np.arange(-30.0, 30.0, STEP_MM, dtype=np.float32)
    inside = body_distance(body, up, np.full_like(up, back), np.zeros_like(up)) < 0.0
    return float(inside.sum()) * STEP_MM


def test_a_body_is_as_high_at_its_rims_as_its_shape_says() -> None:
    body = a_body()

    # Inside the waist, so that no wall is cut; the dent of the end plates reaches there a little.
    front, rear = height_at(body, -14.5), height_at(body, 11.0)

    assert front == pytest.approx(26.0, abs=1.2)
    assert rear == pytest.approx(28.0, abs=1.2)


def test_a_body_is_lowest_in_its_middle() -> None:
    body = a_body(anterior=28.0, middle=24.0, posterior=28.0)

    assert height_at(body, 0.0) == pytest.approx(24.0, abs=0.2)


def test_a_wedge_is_lower_in_front_only() -> None:
    healthy, wedge = a_body(anterior=28.0, posterior=28.0), a_body(anterior=14.0, posterior=28.0)

    assert height_at(wedge, -14.5) < 0.65 * height_at(healthy, -14.5)
    assert height_at(wedge, 11.0) > 0.85 * height_at(healthy, 11.0)


def test_the_waist_is_narrower_than_the_end_plates() -> None:
    body = a_body()
    left = np.arange(0.0, 30.0, STEP_MM, dtype=np.float32)

    waist, rim = (
        float((body_distance(body, np.full_like(left, up), np.zeros_like(left), left) < 0).sum()) * STEP_MM
        for up in (0.0, 12.0)
    )

    assert waist == pytest.approx(0.9 * 22.0, abs=0.2)
    assert rim > waist


def test_arch_and_body_leave_the_canal_open() -> None:
    shape = draw_vertebra(np.random.default_rng(1), VertebralLevel.L3, 14.0, 1.0)
    back = np.float32(0.5 * shape.body.depth + 0.5 * shape.arch.canal_depth)
    here = (np.zeros(1, np.float32), np.full(1, back, np.float32), np.zeros(1, np.float32))

    assert arch_distance(shape, *here)[0] > 3.0
    assert body_distance(shape.body, *here)[0] > 3.0


def test_both_sides_of_an_arch_are_mirror_images() -> None:
    shape = draw_vertebra(np.random.default_rng(2), VertebralLevel.T7, 6.0, 1.0)
    points = np.random.default_rng(3).uniform(-40.0, 40.0, (3, 500)).astype(np.float32)

    right = arch_distance(shape, points[0], points[1], -points[2])

    assert np.array_equal(arch_distance(shape, *points), right)


def test_bodies_grow_from_the_first_thoracic_to_the_last_lumbar_level() -> None:
    volumes = [
        proportions.width * proportions.depth * proportions.height
        for proportions in map(proportions_at, range(LAST_LUMBAR + 1))
    ]

    assert volumes[0] < volumes[5] < volumes[11] < volumes[14]


def test_sizes_between_two_places_are_their_mean() -> None:
    between = proportions_at(12.5)

    assert between.width == pytest.approx(0.5 * (41.2 + 42.6))
    assert between.disc == pytest.approx(0.5 * (8.0 + 9.5))


def test_a_scaled_vertebra_is_the_same_one_enlarged() -> None:
    small = draw_vertebra(np.random.default_rng(4), VertebralLevel.L1, 12.0, 1.0)
    large = draw_vertebra(np.random.default_rng(4), VertebralLevel.L1, 12.0, 1.1)

    assert large.body.width == pytest.approx(1.1 * small.body.width)
    assert large.body.anterior == pytest.approx(1.1 * small.body.anterior)
    assert large.arch.canal_depth == pytest.approx(1.1 * small.arch.canal_depth)
