"""Nothing is counted across a gap, a jump, or a body that is two or a half."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.levels.naming import LAST_RIBS_ALONE, counted_upwards, name_levels
from models.levels.rule import LevelRule
from node.domain.levels import VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.level_chains import chain, lowered, places
from tests.builders.level_names import PLAUSIBLE_AND_CALIBRATED, codes, evidence_of, named, named_by_default, usual
from tests.builders.spine_classes import Scene

T7, T10, L1, L2, L3, L5 = (VertebralLevel(name) for name in ("T7", "T10", "L1", "L2", "L3", "L5"))


def test_a_missing_body_leaves_a_gap_and_names_on_the_side_of_the_ribs() -> None:
    labels = named_by_default(evidence_of(Scene(skipped=(L3,))))

    assert named(labels) == [*usual(T7, L2), None, None]
    assert "It cannot be counted across the break" in labels[-2].reasons[0].detail


def test_a_lump_beyond_a_gap_gets_no_name() -> None:
    chain = evidence_of(Scene(top=T10))
    k, j, i = chain[0].centre_mm
    lump = replace(chain[0], centre_mm=(k + 75.0, j, i), rib_mm=(0.0, 0.0), rib_cut=(False, False))

    labels = named_by_default([lump, *chain])

    assert named(labels) == [None, *usual(T10, L5)]
    assert codes(labels) == {ReasonCode.IMPLAUSIBLE_ANATOMY}


def test_a_chain_longer_than_a_spine_is_implausible() -> None:
    body = evidence_of(Scene(top=T10))[0]
    chain = [replace(body, centre_mm=(900.0 - 30.0 * index, 120.0, 120.0)) for index in range(30)]

    labels = named_by_default(chain)

    assert set(named(labels)) == {None}
    assert codes(labels) == {ReasonCode.IMPLAUSIBLE_ANATOMY}


def test_two_bodies_that_were_taken_for_one_get_no_name() -> None:
    true = list(chain(places("T9", "S1")))
    merged = replace(true[7], length_mm=55.0, centre_mm=(true[7].centre_mm[0] - 15.0, 100.0, 100.0), sacrum_below=0.8)
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)

    labels = name_levels([*true[:7], merged, *true[9:]], bold).labels

    assert labels[7].level is None
    assert labels[7].reasons[0].code is ReasonCode.IMPLAUSIBLE_ANATOMY
    assert "55 mm high" in labels[7].reasons[0].detail
    assert [str(label.level) for label in labels[:7]] == ["T9", "T10", "T11", "T12", "L1", "L2", "L3"]


def test_a_body_that_was_taken_for_two_is_not_counted_twice() -> None:
    true = list(chain(places("T9", "S1")))
    middle = true[6]
    halves = [
        replace(middle, length_mm=12.0, centre_mm=(middle.centre_mm[0] + shift, 100.0, 100.0)) for shift in (6.5, -6.5)
    ]
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)

    labels = name_levels([*true[:6], *halves, *true[7:]], bold).labels

    assert [label.level for label in labels[6:8]] == [None, None]
    assert "taken for two" in labels[6].reasons[0].detail
    true_levels = [place.level for place in places("T9", "S1")]
    outside = [*labels[:6], *labels[8:]]
    expected = [*true_levels[:6], *true_levels[7:]]
    assert [label.level for label in outside] == [
        level if label.level is not None else None for label, level in zip(outside, expected, strict=True)
    ]
    assert sum(label.level is not None for label in outside) >= 6


@pytest.mark.parametrize("upper_mm", [5.0, 8.0, 11.0, 14.0, 17.0, 20.0])
@pytest.mark.parametrize("body", range(1, 9))
def test_no_level_is_given_to_two_bodies_however_one_was_split(body: int, upper_mm: float) -> None:
    true = list(chain(places("T9", "S1")))
    whole = true[body]
    lower_mm = whole.length_mm - upper_mm
    pieces = [
        replace(whole, length_mm=length, centre_mm=(whole.centre_mm[0] + shift, 100.0, 100.0))
        for length, shift in ((upper_mm, 0.5 * lower_mm), (lower_mm, -0.5 * upper_mm))
    ]
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)

    given = [
        label.level
        for label in name_levels([*true[:body], *pieces, *true[body + 1 :]], bold).labels
        if label.level is not None
    ]

    assert len(given) == len(set(given))


@pytest.mark.parametrize(("missing", "fits"), [(0, False), (1, True), (2, False)])
def test_what_was_counted_on_both_sides_of_a_gap_must_fit_to_it(missing: int, fits: bool) -> None:
    """T9 to L1 above the gap and L3 to L5 below it: one vertebra is missing."""
    true = list(chain(places("T9", "S1")))
    below = lowered(true[6:], 30.0 * (missing - 1))
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)
    if missing == 0:
        # neighbours by their distance, and one jumps aside
        below = [replace(each, centre_mm=(each.centre_mm[0] + 10.0, 100.0, 140.0)) for each in below]

    labels = name_levels([*true[:5], *below], bold).labels

    given = {str(label.level) for label in labels if label.level is not None}
    assert given == ({"T9", "T10", "T11", "T12", "L1", "L3", "L4", "L5"} if fits else set())
    if not fits:
        assert codes(labels) >= {ReasonCode.IMPLAUSIBLE_ANATOMY}


@pytest.mark.parametrize(("thoracic", "fits"), [(11, False), (12, True), (13, False)])
@pytest.mark.parametrize("lost", ["missed", "taken for one"])
def test_thoracic_names_counted_from_the_last_ribs_must_fit_to_a_first_one_beyond_a_break(
    thoracic: int, *, fits: bool, lost: str
) -> None:
    """C6 to L3; T3 was missed, or is one body with T4."""
    true = places("C6", "L3", thoracic=thoracic)
    shown = list(chain(true))
    if lost == "taken for one":
        shown[4] = replace(shown[4], length_mm=55.0, centre_mm=(shown[4].centre_mm[0] - 15.0, 100.0, 100.0))
        del shown[5]
    else:
        del shown[4]
    kept = shown[5:]

    names = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8))

    labels = names.labels[-len(kept) :]
    assert named(labels[-3:]) == usual(L1, L3)
    given = [label.level for label in labels[:-3] if label.level is not None]
    if fits:
        assert given == [place.level for place in true[-len(kept) : -3]]
        assert names.premises == (LAST_RIBS_ALONE, counted_upwards(12))
    else:
        assert given == []
        assert "T1 seems to be in view" in labels[0].reasons[0].detail
        assert names.premises == (LAST_RIBS_ALONE,)
