"""What fixes a name: the sacrum, or the last pair of ribs with a vertebra below it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.levels.evidence import OwnRibs
from models.levels.landmarks import Landmark, landmarks
from models.levels.naming import name_levels
from models.levels.placements import Placement
from models.levels.plausible import PLAUSIBLE
from models.levels.rule import LevelRule
from node.domain.levels import VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.level_chains import chain, places
from tests.builders.level_names import PLAUSIBLE_AND_CALIBRATED, codes, evidence_of, named, named_by_default, usual
from tests.builders.spine_classes import Scene

T7, T10, T12, L1, L2, L3, L5 = (VertebralLevel(name) for name in ("T7", "T10", "T12", "L1", "L2", "L3", "L5"))


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


def test_a_body_that_ends_with_the_scan_below_the_last_ribs_is_named() -> None:
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


@pytest.mark.parametrize(("stubs_mm", "is_named"), [((20.0, 5.0), True), ((20.0, 14.0), False)])
def test_a_pair_of_stubs_below_long_ribs_may_be_the_last_pair(stubs_mm: tuple[float, float], is_named: bool) -> None:
    shown = list(chain(places("T7", "L3")))
    shown[6] = replace(shown[6], rib_mm=stubs_mm)

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert labels[5].likeliest is T12
    assert (labels[5].level is T12) is is_named


@pytest.mark.parametrize(("lumbar", "is_named"), [(0.9, True), (0.97, False)])
def test_last_ribs_on_a_body_that_looks_lumbar_through_and_through_fix_nothing(
    *, lumbar: float, is_named: bool
) -> None:
    """Either the votes are wrong or the ribs are the neighbour's."""
    shown = list(chain(places("T7", "L3")))
    shown[5] = replace(shown[5], lumbar=lumbar, thoracic=1.0 - lumbar)

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert named(labels) == (usual(T7, L3) if is_named else [None] * 9)


@pytest.mark.parametrize("first", ["T5", "T7", "T8"])
def test_ribs_that_all_lie_one_body_too_low_name_nothing(first: str) -> None:
    shown = list(chain(places(first, "L3")))
    ribs = [body.rib_mm for body in shown]
    shown = [replace(body, rib_mm=rib) for body, rib in zip(shown, [ribs[0], *ribs], strict=False)]

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert set(named(labels)) == {None}


def closely(volume_mm3: float) -> OwnRibs:
    return OwnRibs(volume_mm3=(volume_mm3, volume_mm3), cut=(False, False))


@pytest.mark.parametrize(
    ("t12_mm3", "l1_mm3", "are_last"),
    [
        (900.0, 230.0, True),
        (900.0, 250.0, False),
        (250.0, 100.0, True),
        (230.0, 100.0, False),
        (300.0, 170.0, True),
        (300.0, 190.0, False),
    ],
)
def test_where_ribs_were_looked_at_closely_that_decides_whether_they_are_the_last(
    t12_mm3: float, l1_mm3: float, *, are_last: bool
) -> None:
    """On the coarse grid T12 has a stub and looks lumbar, and L1 has a stub as well: nothing to count from."""
    truth = places("T7", "L3")
    shown = list(chain(truth))
    shown[5] = replace(shown[5], rib_mm=(20.0, 0.0), lumbar=0.97, thoracic=0.03, own_ribs=closely(t12_mm3))
    shown[6] = replace(shown[6], rib_mm=(25.0, 0.0), own_ribs=closely(l1_mm3))
    placement = Placement(places=tuple(truth), thoracic=12, lumbar=5, log_prior=0.0)

    assert (Landmark.LAST_RIBS in landmarks(shown, placement)) is are_last


@pytest.mark.parametrize(
    ("l1_mm3", "rib_mm", "votes", "are_last"),
    [
        (390.0, (0.0, 0.0), (0.9, 0.1), True),
        (410.0, (0.0, 0.0), (0.9, 0.1), False),
        (390.0, (0.0, 12.0), (0.9, 0.1), False),
        (390.0, (0.0, 0.0), (0.75, 0.25), False),
        # a body that looks like none of the two is none that surely is lumbar
        (390.0, (0.0, 0.0), (0.0, 0.0), False),
    ],
)
def test_long_processes_are_no_ribs_where_nothing_else_says_so_and_the_pair_above_is_four_times_as_large(
    l1_mm3: float, rib_mm: tuple[float, float], votes: tuple[float, float], *, are_last: bool
) -> None:
    truth = places("T7", "L3")
    shown = list(chain(truth))
    shown[5] = replace(shown[5], own_ribs=closely(1600.0))
    shown[6] = replace(shown[6], rib_mm=rib_mm, lumbar=votes[0], thoracic=votes[1], own_ribs=closely(l1_mm3))
    placement = Placement(places=tuple(truth), thoracic=12, lumbar=5, log_prior=0.0)

    assert (Landmark.LAST_RIBS in landmarks(shown, placement)) is are_last


def test_a_pair_of_ribs_that_is_seen_closely_on_the_body_below_is_not_none_beside_larger_ones() -> None:
    """T12 looks lumbar and shows no ribs but at a close look; those of T11 are more than twice as large."""
    shown = list(chain(places("T7", "L3")))
    shown[4] = replace(shown[4], own_ribs=closely(1500.0))
    shown[5] = replace(shown[5], rib_mm=(0.0, 0.0), lumbar=0.99, thoracic=0.01, own_ribs=closely(700.0))
    shown[6] = replace(shown[6], own_ribs=closely(60.0))

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE, asked=0.99)).labels

    assert all(name in {None, true} for name, true in zip(named(labels), usual(T7, L3), strict=True))


def test_a_vertebra_whose_ribs_leave_the_scan_below_is_not_known_to_have_none() -> None:
    shown = list(chain(places("T7", "L1")))
    shown[5] = replace(shown[5], own_ribs=closely(900.0))
    cut = OwnRibs(volume_mm3=(200.0, 200.0), cut=(True, False))
    shown[6] = replace(shown[6], own_ribs=cut)

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert set(named(labels)) == {None}


def test_no_rib_that_is_seen_closely_outweighs_votes_for_thoracic() -> None:
    """T12 without ribs is called L1, as a reader does who sees no sacrum: it is the look at ribs that decides."""
    shown = list(chain(places("T7", "L3")))
    shown[4] = replace(shown[4], own_ribs=closely(2000.0))
    shown[5] = replace(shown[5], rib_mm=(0.0, 0.0), lumbar=0.5, thoracic=0.5, own_ribs=closely(50.0))
    shown[6] = replace(shown[6], own_ribs=closely(50.0))

    labels = name_levels(shown, LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.5)).labels

    assert labels[5].likeliest is L1


def test_a_pair_of_long_ribs_that_a_close_look_does_not_find_is_a_contradiction_and_names_nothing() -> None:
    truth = places("T7", "L3")
    shown = list(chain(truth))
    shown[5] = replace(shown[5], own_ribs=closely(2000.0))
    shown[6] = replace(shown[6], own_ribs=closely(100.0))
    placement = Placement(places=tuple(truth), thoracic=12, lumbar=5, log_prior=0.0)
    assert Landmark.LAST_RIBS in landmarks(shown, placement)

    shown[6] = replace(shown[6], rib_mm=(90.0, 90.0))

    assert Landmark.LAST_RIBS not in landmarks(shown, placement)
