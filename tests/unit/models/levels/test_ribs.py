"""Ribs belong to the body at which they begin, also where their beginning was missed."""

from __future__ import annotations

import numpy as np
import pytest

from models.instances import Instances, find_instances
from models.levels.ribs import find_ribs
from models.tissues import Tissue
from node.domain.levels import VertebralLevel
from tests.builders.spine_classes import SPACING_MM, Built, Scene, build

T12 = 2  # index of T12 in the scene, from the head


@pytest.fixture(scope="module")
def scene() -> tuple[Built, Instances]:
    built = build(Scene(top=VertebralLevel.T10, bottom=VertebralLevel.L2, sacrum=False, last_rib_mm=70.0))
    instances = find_instances(built.probabilities, SPACING_MM)
    assert instances is not None
    return built, instances


def test_each_thoracic_body_has_its_own_two_ribs(scene: tuple[Built, Instances]) -> None:
    built, instances = scene

    ribs = find_ribs(built.probabilities[int(Tissue.RIB)], instances)

    np.testing.assert_array_equal(ribs.reach_mm > 0.0, [[True, True]] * 3 + [[False, False]] * 2)


def test_a_rib_reaches_as_far_as_it_is_long(scene: tuple[Built, Instances]) -> None:
    built, instances = scene

    ribs = find_ribs(built.probabilities[int(Tissue.RIB)], instances)

    np.testing.assert_allclose(ribs.reach_mm[T12], 70.0, atol=8.0)
    assert not ribs.cut[T12].any()


def test_ribs_that_leave_the_picture_are_marked(scene: tuple[Built, Instances]) -> None:
    built, instances = scene

    assert find_ribs(built.probabilities[int(Tissue.RIB)], instances).cut[:T12].all()


def test_a_rib_whose_beginning_was_missed_still_belongs_to_its_body(scene: tuple[Built, Instances]) -> None:
    built, instances = scene
    rib = built.probabilities[int(Tissue.RIB)].copy()
    middle = round(built.centres_lps_mm[VertebralLevel.T12][0] / 3.0)
    rib[:, :, middle - 15 : middle + 16] = 0.0

    ribs = find_ribs(rib, instances)

    np.testing.assert_array_equal(ribs.reach_mm > 0.0, [[True, True]] * 3 + [[False, False]] * 2)


def test_a_faint_rib_is_found_where_no_sure_one_is(scene: tuple[Built, Instances]) -> None:
    built, instances = scene

    faint = find_ribs(0.4 * built.probabilities[int(Tissue.RIB)], instances)

    assert (faint.reach_mm[:3] > 40.0).all()


def test_specks_are_no_ribs(scene: tuple[Built, Instances]) -> None:
    built, instances = scene
    rib = np.zeros_like(built.probabilities[int(Tissue.RIB)])
    k, j, i = (round(place / 3.0) for place in built.centres_lps_mm[VertebralLevel.L1][::-1])
    rib[k : k + 1, j + 4 : j + 6, i + 9 : i + 11] = 1.0

    assert not find_ribs(rib, instances).reach_mm.any()
