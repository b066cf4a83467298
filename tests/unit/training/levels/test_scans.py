"""Whole synthetic scans carry the truth of every body, and a network's bodies are compared with it."""

from __future__ import annotations

import numpy as np
import pytest

from models.levels.placements import Kind
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from tests.builders.spine_classes import Built, Scene, build
from tests.builders.spine_network import painted_model, painted_ribs, painted_volume
from training.anatomy.labels import Part
from training.anatomy.template import Template, build_template
from training.levels.chains import TruthMap, see_chain
from training.levels.scans import View, draw_level_scan, places_of

PLACES = places_of(USUAL_LEVELS)


@pytest.fixture(scope="module")
def template() -> Template:
    return build_template(np.random.default_rng(7), spacing_mm=4.0, levels=USUAL_LEVELS)


def seen_levels(template: Template, view: View) -> set[int]:
    scan = draw_level_scan(template, np.random.default_rng(3), view)
    assert scan.volume.shape == scan.truth.values.shape
    return set(np.unique(scan.truth.values).tolist())


def test_each_view_shows_its_part_of_the_spine(template: Template) -> None:
    number = {str(level): level.number for level in VertebralLevel}

    shown = {view: seen_levels(template, view) for view in View}

    assert {number["T2"], number["T12"]} <= shown[View.CHEST]
    assert not {number["L4"], Part.S1_BODY} & shown[View.CHEST]
    assert {number["T11"], number["L5"], Part.S1_BODY} <= shown[View.ABDOMEN]
    assert {number["T11"], number["L2"]} <= shown[View.UPPER_ABDOMEN]
    assert not {number["T1"], Part.S1_BODY} & shown[View.UPPER_ABDOMEN]
    assert {number["L1"], Part.S1_BODY} <= shown[View.LUMBAR]
    assert number["T5"] not in shown[View.LUMBAR]
    assert {number["T7"]} <= shown[View.MIDDLE]
    assert not {number["T12"], Part.S1_BODY} & shown[View.MIDDLE]
    assert len(shown[View.TRUNK]) > len(shown[View.ABDOMEN])


def test_the_same_state_draws_the_same_scan(template: Template) -> None:
    first, second = (draw_level_scan(template, np.random.default_rng(9), View.LUMBAR) for _ in range(2))

    assert np.array_equal(first.volume.hu, second.volume.hu)
    assert np.array_equal(first.truth.values, second.truth.values)


def test_a_spine_of_eleven_has_its_last_ribs_at_the_eleventh() -> None:
    levels = tuple(VertebralLevel(f"T{number}") for number in range(1, 12)) + USUAL_LEVELS[12:]

    places = places_of(levels)

    assert places[VertebralLevel.T11.number].kind is Kind.LAST_THORACIC
    assert places[Part.S1_BODY].kind is Kind.SACRAL
    assert VertebralLevel.T12.number not in places


def truth_of(built: Built, *, shift: int = 0) -> TruthMap:
    """A ball in each body; `shift` moves all by so many voxels to the side."""
    truth = np.zeros(built.tissue.shape, dtype=np.uint8)
    voxels = np.argwhere(np.ones(truth.shape, dtype=np.bool_))
    points = built.affine.to_lps(voxels.astype(np.float64))
    for level, centre in built.centres_lps_mm.items():
        near = voxels[np.linalg.norm(points - centre, axis=1) < 15.0]
        truth[tuple((near + np.array((0, 0, shift))).T)] = level.number
    return TruthMap(values=truth, places=PLACES, thoracic=12, lumbar=5)


def test_found_bodies_are_those_that_lie_in_them() -> None:
    built = build(Scene(top=VertebralLevel.T10, sacrum=False, bottom=VertebralLevel.L2))

    chain = see_chain(painted_volume(built), truth_of(built), painted_model().tissue, painted_ribs())

    assert chain is not None
    assert [str(place.level) for place in chain.truth if place] == ["T10", "T11", "T12", "L1", "L2"]
    assert chain.is_sound


def test_a_body_beside_the_truth_is_none() -> None:
    built = build(Scene(top=VertebralLevel.T10, sacrum=False, bottom=VertebralLevel.L2))

    chain = see_chain(painted_volume(built), truth_of(built, shift=15), painted_model().tissue, painted_ribs())

    assert chain is not None
    assert set(chain.truth) == {None}


def test_a_scan_without_a_spine_has_no_chain() -> None:
    built = build(Scene(top=VertebralLevel.L1, bottom=VertebralLevel.L1, sacrum=False))

    assert see_chain(painted_volume(built), truth_of(built), painted_model().tissue, painted_ribs()) is None
