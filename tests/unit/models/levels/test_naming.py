"""Names of vertebrae: right where something seen fixes them, none where nothing does, and what they rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.levels.model import Calibration
from models.levels.naming import LAST_RIBS_ALONE, counted_upwards, name_levels
from models.levels.plausible import PLAUSIBLE
from models.levels.rule import LEAST_SCORE, LevelRule
from node.domain.levels import VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.level_chains import chain, places
from tests.builders.level_names import PLAUSIBLE_AND_CALIBRATED, codes, evidence_of, named, named_by_default, usual
from tests.builders.spine_classes import Scene
from tests.builders.spine_network import A_RULE

T7, T12, L1, L2, L3, L5 = (VertebralLevel(name) for name in ("T7", "T12", "L1", "L2", "L3", "L5"))


def test_ribs_and_sacrum_name_the_whole_chain() -> None:
    labels = named_by_default(evidence_of(Scene()))

    assert named(labels) == usual(T7, L5)
    assert not labels[-1].is_vertebra
    assert min(label.confidence.value for label in labels if label.confidence is not None) >= LEAST_SCORE


def test_the_sacrum_alone_leaves_a_doubt_that_a_site_may_accept() -> None:
    chain = evidence_of(Scene(top=L2))
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.9)

    cautious = named_by_default(chain)

    assert set(named(cautious)) == {None}
    assert "four or six lumbar" in cautious[0].reasons[0].detail
    assert named(name_levels(chain, bold).labels) == usual(L2, L5)


def test_a_sixth_vertebra_between_ribs_and_sacrum_makes_levels_uncertain() -> None:
    chain = list(evidence_of(Scene()))
    step = chain[8].centre_mm[0] - chain[9].centre_mm[0]
    k, j, i = chain[8].centre_mm
    above = [
        replace(body, centre_mm=(body.centre_mm[0] + step, body.centre_mm[1], body.centre_mm[2])) for body in chain[:9]
    ]

    labels = named_by_default([*above, replace(chain[8], centre_mm=(k, j, i)), *chain[9:]])

    assert set(named(labels)) == {None}
    assert codes(labels) == {ReasonCode.LEVEL_UNCERTAIN}


def test_a_chest_up_to_the_first_rib_is_counted_from_both_ends() -> None:
    true = places("C7", "L2")

    names = name_levels(chain(true), LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8))

    assert [label.level for label in names.labels] == [place.level for place in true]
    assert names.premises == ()


def test_eleven_thoracic_vertebrae_by_the_count_from_t1_alone_are_told_and_not_named() -> None:
    true = places("C7", "S1", thoracic=11)

    labels = name_levels(chain(true), LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.7)).labels

    thoracic, lumbar = labels[1:12], labels[12:17]
    assert named(lumbar) == usual(L1, L5)
    assert {label.level for label in thoracic} == {None}
    assert [label.likeliest for label in thoracic] == [place.level for place in true[1:12]]
    assert "there are 11 thoracic vertebrae" in thoracic[0].reasons[0].detail


@pytest.mark.parametrize("thoracic", [11, 13])
def test_without_the_sacrum_another_count_than_twelve_leaves_lumbar_vertebrae_without_names(thoracic: int) -> None:
    """A T12 without ribs, or whose ribs were missed, looks like L1."""
    true = places("C7", "L2", thoracic=thoracic)

    labels = name_levels(chain(true), LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.7)).labels

    assert {label.level for label in labels} == {None}
    assert [label.likeliest for label in labels[-2:]] == [L1, L2]
    assert "last one was mistaken for its neighbour" in labels[-1].reasons[0].detail


@pytest.mark.parametrize("first", ["C2", "C3", "C4", "C5"])
def test_a_spine_with_the_whole_neck_is_counted_as_one_without(first: str) -> None:
    true = places(first, "S1")

    labels = name_levels(chain(true), LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert [label.level for label in labels] == [place.level for place in true]


def test_six_lumbar_bodies_without_a_thoracic_one_are_not_counted_from_the_sacrum() -> None:
    shown = chain(places("L1", "S1", lumbar=6))

    labels = [label for label in named_by_default(shown) if label.is_vertebra]

    assert {label.level for label in labels} == {None}
    assert {label.confidence for label in labels} == {None}
    assert "There seem to be 6 lumbar vertebrae" in labels[0].reasons[0].detail
    assert "last ribs would settle it" in labels[0].reasons[0].detail


def test_thirteen_thoracic_vertebrae_are_named_where_four_lumbar_ones_say_so_too() -> None:
    true = places("C7", "S1", thoracic=13, lumbar=4)

    labels = name_levels(chain(true), LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert [label.level for label in labels] == [place.level for place in true]


def test_thoracic_names_that_were_counted_upwards_say_so() -> None:
    abdomen, lumbar = (name_levels(chain(places(first, "S1")), A_RULE) for first in ("T9", "L1"))

    assert abdomen.premises == (counted_upwards(12),)
    assert "last one as T12" in counted_upwards(12)
    assert lumbar.premises == ()


def test_names_that_hang_on_the_last_ribs_alone_say_so() -> None:
    names = name_levels(chain(places("T8", "L3")), A_RULE)

    assert named(names.labels) == usual(VertebralLevel.T8, L3)
    assert names.premises == (LAST_RIBS_ALONE, counted_upwards(12))


@pytest.mark.parametrize(
    ("first", "settled"), [("T8", "to the sacrum, or up to the first rib,"), ("C6", "to the sacrum")]
)
def test_last_ribs_that_are_not_sure_ask_for_the_ends_that_are_not_in_view(first: str, settled: str) -> None:
    doubting = replace(PLAUSIBLE, calibration=Calibration(slope=1.0, intercept=-20.0, scans=1_000_000, data="none"))

    labels = name_levels(chain(places(first, "L3")), LevelRule(model=doubting, asked=0.99)).labels

    told = next(label.reasons[0].detail for label in labels if label.likeliest is T12)
    assert f"A scan down {settled} would settle it." in told


@pytest.mark.parametrize(("first", "last", "lumbar", "reported"), [("C3", "T2", 5, 2), ("L1", "S1", 6, 6)])
def test_bodies_of_neck_and_sacrum_are_not_reported_where_no_level_is_sure(
    first: str, last: str, lumbar: int, reported: int
) -> None:
    labels = named_by_default(chain(places(first, last, lumbar=lumbar)))

    assert {label.level for label in labels} == {None}
    assert sum(label.is_vertebra for label in labels) == reported


def test_six_lumbar_vertebrae_between_ribs_and_sacrum_are_named_and_those_above_them_not() -> None:
    true = places("T9", "S1", lumbar=6)
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.7)

    names = name_levels(chain(true), bold)

    lumbar = [label.level for label in names.labels if label.is_vertebra][4:]
    assert [str(level) for level in lumbar] == ["L1", "L2", "L3", "L4", "L5", "L6"]
    assert {label.level for label in names.labels[:4]} == {None}
