"""Nothing is counted across a gap, a jump, or a body that is two or a half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from models.levels.evidence import Evidence
from models.levels.naming import counted_upwards, name_levels
from models.levels.placements import Place
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


@pytest.fixture(params=["missed", "taken for one"])
def broken(request: pytest.FixtureRequest) -> Callable[..., list[Evidence]]:
    """Makes a chain of `places` whose body with an index was missed, or is one with the next."""

    def lose(shown: Sequence[Place], index: int) -> list[Evidence]:
        bodies = list(chain(tuple(shown)))
        if request.param == "missed":
            return bodies[:index] + bodies[index + 1 :]
        upper = bodies[index]
        merged = replace(upper, length_mm=55.0, centre_mm=(upper.centre_mm[0] - 15.0, 100.0, 100.0))
        return [*bodies[:index], merged, *bodies[index + 2 :]]

    return lose


@pytest.mark.parametrize("last", ["L3", "S1"])
@pytest.mark.parametrize("thoracic", [11, 12, 13])
def test_names_counted_from_the_last_ribs_must_fit_to_a_first_thoracic_vertebra_beyond_a_break(
    thoracic: int, last: str, broken: Callable[..., list[Evidence]]
) -> None:
    """C6 to L3, or to the sacrum, which names lumbar vertebrae whatever the count is; T3 is lost, or T3 and T4 are."""
    shown = broken(places("C6", last, thoracic=thoracic), 4)

    names = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8))

    given = [label.level for label in names.labels[5:] if label.level is not None]
    lumbar = usual(L1, L3) if last == "L3" else usual(L1, L5)
    if thoracic == 12:
        assert given[-len(lumbar) - 8 :] == usual(VertebralLevel.T5, lumbar[-1])
        assert counted_upwards(12) in names.premises
    else:
        assert given == (lumbar if last == "S1" else [])
        told = names.labels[6].reasons[0].detail
        assert f"the body that looks like T12 is thoracic vertebra {thoracic}." in told
        assert names.premises == ()


def test_ribs_of_t12_that_were_missed_do_not_make_it_l1_where_t1_beyond_a_break_tells() -> None:
    shown = list(chain(places("C6", "L3")))
    shown[13] = replace(shown[13], rib_mm=(0.0, 0.0), lumbar=0.99, thoracic=0.01)
    del shown[4]

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert {label.level for label in labels} == {None}


def test_a_part_with_its_own_first_thoracic_vertebra_is_not_held_to_another_one() -> None:
    """Seven cervical bodies before a break: the last of them can only be placed as T1, or as none."""
    shown = list(chain(places("C2", "S1")))
    neck = lowered([shown[0]] * 7, 0.0)
    neck = tuple(replace(each, centre_mm=(1200.0 - 20.0 * index, 100.0, 100.0)) for index, each in enumerate(neck))

    labels = name_levels([*neck, *shown[6:]], LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert [label.level for label in labels[7:-1]] == [place.level for place in places("T1", "L5")]


@pytest.mark.parametrize("ribs_mm", [40.0, 60.0])
def test_upper_bodies_that_only_may_be_t1_take_no_name(ribs_mm: float) -> None:
    """T4 and T5 with short ribs, T6 missed: the best of many placements has T1 there, and is hardly believed."""
    shown = list(chain(places("T4", "L3")))
    shown[:2] = [replace(each, rib_mm=(ribs_mm, ribs_mm)) for each in shown[:2]]
    del shown[2]

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert [label.level for label in labels[2:]] == usual(T7, L3)


@pytest.mark.parametrize("thoracic", [11, 12])
def test_a_first_thoracic_vertebra_between_two_breaks_counts_too(thoracic: int) -> None:
    """A lump above C4, and T3 missed."""
    shown = list(chain(places("C4", "L3", thoracic=thoracic)))
    lump = replace(shown[0], centre_mm=(shown[0].centre_mm[0] + 100.0, 100.0, 100.0))
    del shown[6]

    labels = name_levels([lump, *shown], LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert named(labels[-3:]) == (usual(L1, L3) if thoracic == 12 else [None] * 3)
    assert ("is thoracic vertebra 11." in labels[-1].reasons[0].detail) if thoracic == 11 else not labels[-1].reasons


@pytest.mark.parametrize("thoracic", [12, 13])
def test_which_of_two_bodies_is_t1_need_not_be_known_where_neither_fits(thoracic: int) -> None:
    """C6 to L3, long ribs on C7, and T3 missed: from C7 as T1 the last thoracic vertebra has one number more."""
    shown = list(chain(places("C6", "L3", thoracic=thoracic)))
    shown[1] = replace(shown[1], rib_mm=(40.0, 40.0), thoracic=shown[2].thoracic, lumbar=shown[2].lumbar)
    del shown[4]

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert named(labels[-3:]) == (usual(L1, L3) if thoracic == 12 else [None] * 3)
    assert (
        ("is thoracic vertebra 13 or 14." in labels[-1].reasons[0].detail) if thoracic == 13 else not labels[-1].reasons
    )


def test_what_is_sure_and_withheld_still_speaks_against_what_lies_beyond_a_break() -> None:
    """C7 to L2 of eleven thoracic and six lumbar vertebrae, a gap of one, and L4 to L6 on a sacrum."""
    spine = places("C7", "S1", thoracic=11, lumbar=6)
    shown = list(chain(spine))
    del shown[14]

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    true = [place.level for place in spine]
    del true[14]
    assert all(label.level in {None, level} for label, level in zip(labels, true, strict=True))
