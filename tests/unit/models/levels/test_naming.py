"""Names of vertebrae: right where something seen fixes them, and none where nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from models.instances import find_instances
from models.levels.evidence import Evidence, gather_evidence
from models.levels.model import Calibration
from models.levels.naming import LAST_RIBS_ALONE, Label, counted_upwards, name_levels
from models.levels.plausible import PLAUSIBLE
from models.levels.rule import LEAST_SCORE, LevelRule
from node.domain.errors import ConfigurationError
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.networks import SpineChoice
from node.domain.reasons import ReasonCode
from tests.builders.level_chains import chain, lowered, places
from tests.builders.spine_classes import SPACING_MM, Scene, build
from tests.builders.spine_network import A_RULE

T7, T10, T12, L1, L2, L3, L5 = (VertebralLevel(name) for name in ("T7", "T10", "T12", "L1", "L2", "L3", "L5"))


PLAUSIBLE_AND_CALIBRATED = replace(
    PLAUSIBLE, calibration=Calibration(slope=1.0, intercept=0.0, scans=1_000_000, data="none")
)


def evidence_of(scene: Scene) -> tuple[Evidence, ...]:
    built = build(scene)
    instances = find_instances(built.probabilities, SPACING_MM)
    assert instances is not None
    return gather_evidence(built.probabilities, instances)


def named_by_default(chain: Sequence[Evidence]) -> tuple[Label, ...]:
    return name_levels(chain, A_RULE).labels


def named(labels: tuple[Label, ...]) -> list[VertebralLevel | None]:
    return [label.level for label in labels if label.is_vertebra]


def codes(labels: tuple[Label, ...]) -> set[ReasonCode]:
    return {reason.code for label in labels for reason in label.reasons}


def usual(first: VertebralLevel, last: VertebralLevel) -> list[VertebralLevel]:
    return list(USUAL_LEVELS[USUAL_LEVELS.index(first) : USUAL_LEVELS.index(last) + 1])


def test_ribs_and_sacrum_name_the_whole_chain() -> None:
    labels = named_by_default(evidence_of(Scene()))

    assert named(labels) == usual(T7, L5)
    assert not labels[-1].is_vertebra
    assert min(label.confidence.value for label in labels if label.confidence is not None) >= LEAST_SCORE


def test_the_last_ribs_name_a_scan_that_ends_at_l2() -> None:
    assert named(named_by_default(evidence_of(Scene(sacrum=False, bottom=L2)))) == usual(T7, L2)


@pytest.mark.parametrize("side", [0, 1])
def test_a_last_rib_of_one_side_is_a_landmark_where_the_other_is_a_stub(side: int) -> None:
    chain = list(evidence_of(Scene(sacrum=False, bottom=L2)))
    lost = [rib if side == which else 10.0 for which, rib in enumerate(chain[5].rib_mm)]
    chain[5] = replace(chain[5], rib_mm=(lost[0], lost[1]))

    labels = name_levels(chain, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.9)).labels

    assert named(labels) == usual(T7, L2)


def test_a_rib_of_one_side_below_is_no_sign_that_the_last_pair_was_seen() -> None:
    chain = list(evidence_of(Scene(sacrum=False, bottom=L2)))
    chain[6:] = [replace(body, rib_mm=(40.0, 0.0)) for body in chain[6:]]

    assert set(named(name_levels(chain, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels)) == {None}


def test_the_sacrum_alone_leaves_a_doubt_that_a_site_may_accept() -> None:
    chain = evidence_of(Scene(top=L2))
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.9)

    cautious = named_by_default(chain)

    assert set(named(cautious)) == {None}
    assert "four or six lumbar" in cautious[0].reasons[0].detail
    assert named(name_levels(chain, bold).labels) == usual(L2, L5)


def test_a_body_that_the_scan_cuts_below_the_last_ribs_is_named() -> None:
    labels = named_by_default(evidence_of(Scene(sacrum=False, bottom=L1, below_mm=-14.0)))

    assert named(labels) == usual(T7, L1)


@pytest.mark.parametrize(
    "scene",
    [Scene(sacrum=False, bottom=T10), Scene(sacrum=False, top=L1, bottom=L5), Scene(sacrum=False, bottom=T12)],
    ids=["ribs everywhere", "no ribs and no sacrum", "nothing below the last ribs"],
)
def test_without_sacrum_and_last_ribs_no_vertebra_is_named(scene: Scene) -> None:
    labels = named_by_default(evidence_of(scene))

    assert set(named(labels)) == {None}
    assert codes(labels) == {ReasonCode.LEVEL_UNCERTAIN}


def test_missed_ribs_of_t12_make_levels_uncertain_not_wrong() -> None:
    chain = evidence_of(Scene(sacrum=False, bottom=L2, last_rib_mm=0.0))
    doubtful = [replace(body, thoracic=0.5, lumbar=0.5) if index == 5 else body for index, body in enumerate(chain)]

    labels = named_by_default(doubtful)

    assert set(named(labels)) == {None}


def test_transverse_processes_are_no_ribs() -> None:
    labels = named_by_default(evidence_of(Scene(transverse_mm=20.0)))

    assert named(labels) == usual(T7, L5)


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


def test_a_chest_up_to_the_first_rib_is_counted_from_both_ends() -> None:
    true = places("C7", "L2")

    names = name_levels(chain(true), LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8))

    assert [label.level for label in names.labels] == [place.level for place in true]
    assert names.premises == ()


def test_eleven_thoracic_vertebrae_by_the_count_from_t1_alone_are_told_and_not_named() -> None:
    true = places("C7", "L2", thoracic=11)

    labels = name_levels(chain(true), LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.7)).labels

    thoracic, lumbar = labels[1:-2], labels[-2:]
    assert [label.level for label in lumbar] == [L1, L2]
    assert {label.level for label in thoracic} == {None}
    assert [label.likeliest for label in thoracic] == [place.level for place in true[1:-2]]
    assert "there are 11 thoracic vertebrae" in thoracic[0].reasons[0].detail


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


def test_a_site_that_wants_to_be_surer_gets_fewer_names() -> None:
    shown = chain(places("T9", "S1"))

    asked = [LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=value) for value in (0.5, 0.9, 0.999_99)]
    given = [sum(label.level is not None for label in name_levels(shown, rule).labels) for rule in asked]

    assert given[0] == given[1] == 9
    assert given[2] == 0


@pytest.mark.parametrize("asked", [0.49, 1.0])
def test_a_level_cannot_be_asked_for_with_certainty_nor_against_the_odds(asked: float) -> None:
    with pytest.raises(ConfigurationError, match="levels must be asked for"):
        SpineChoice(level_probability=asked)


def test_a_site_cannot_ask_for_more_than_a_calibration_can_tell() -> None:
    calibrated = replace(PLAUSIBLE, calibration=Calibration(slope=1.0, intercept=0.0, scans=198, data="none"))

    assert LevelRule(model=calibrated, asked=0.995).confidence(1.0).value == 0.995
    with pytest.raises(ConfigurationError, match=r"198 scans and can tell nothing above 0\.9950"):
        LevelRule(model=calibrated, asked=0.996)


def test_where_nothing_is_calibrated_a_site_may_ask_for_more_but_not_for_less() -> None:
    usual, bold, wary = (LevelRule(model=PLAUSIBLE, asked=asked).least for asked in (0.99, 0.5, 0.999))

    assert usual == bold == pytest.approx(LEAST_SCORE)
    # 999 to 1 are 10.1 times the odds of 99 to 1
    assert wary / (1.0 - wary) == pytest.approx(19.0 * 999.0 / 99.0)


def test_a_rib_that_leaves_the_scan_at_once_is_not_the_lack_of_one() -> None:
    """T5 to T12 in a narrow or short scan, T12 with lumbar votes and the stubs of ribs."""
    shown = list(chain(places("T5", "T12")))
    shown[-1] = replace(shown[-1], lumbar=1.0, thoracic=0.0, rib_mm=(20.0, 20.0), rib_cut=(True, True))
    shown[-2] = replace(shown[-2], rib_mm=(105.0, 105.0))

    labels = named_by_default(shown)

    assert {label.level for label in labels} == {None}


@pytest.mark.parametrize(("height_mm", "expected"), [(25.0, usual(T7, L1)), (18.0, [None] * 7)])
def test_a_body_without_ribs_at_the_end_of_the_scan_is_one_only_where_it_is_whole(
    height_mm: float, expected: list[VertebralLevel | None]
) -> None:
    """Ribs fall on their way outwards: of a body that the scan cuts they may lie outside."""
    shown = list(chain(places("T7", "L1")))
    shown[-1] = replace(shown[-1], length_mm=height_mm, sacrum_below=None)

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert named(labels) == expected


def test_a_fractured_t11_does_not_make_a_cut_t12_a_body_without_ribs() -> None:
    shown = list(chain(places("T4", "T12")))
    shown[-2] = replace(shown[-2], length_mm=15.0)
    shown[-1] = replace(
        shown[-1], length_mm=14.0, sacrum_below=None, rib_mm=(0.0, 0.0), lumbar=0.7, thoracic=0.3, volume_mm3=12_600.0
    )

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert {label.level for label in labels} == {None}


def test_a_fractured_l1_is_whole_where_the_scan_goes_on() -> None:
    shown = list(chain(places("T7", "L1")))
    shown[-1] = replace(shown[-1], length_mm=17.0, volume_mm3=15_300.0)

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.8)).labels

    assert named(labels) == usual(T7, L1)


@pytest.mark.parametrize(
    ("last_mm", "below_mm", "is_named"), [(20.0, 0.0, True), (20.0, 12.0, False), (8.0, 0.0, False)]
)
def test_short_last_ribs_count_where_they_are_far_longer_than_what_begins_below(
    last_mm: float, below_mm: float, is_named: bool
) -> None:
    shown = list(chain(places("T7", "L3")))
    shown[5] = replace(shown[5], rib_mm=(last_mm, last_mm))
    shown[6] = replace(shown[6], rib_mm=(below_mm, below_mm))

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert labels[5].likeliest is T12
    assert (labels[5].level is T12) is is_named


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


def test_a_model_that_nobody_compared_with_truth_gives_scores() -> None:
    shown = chain(places("T9", "S1"))

    scores = {label.confidence.word for label in name_levels(shown, A_RULE).labels if label.confidence}
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.9)
    probabilities = {label.confidence.word for label in name_levels(shown, bold).labels if label.confidence}

    assert (scores, probabilities) == ({"score"}, {"probability"})
