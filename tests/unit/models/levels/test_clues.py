"""What a body shows, sorted into bins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.levels.clues import BINS, Clue, observe
from models.levels.evidence import Evidence, OwnRibs
from models.levels.placements import Kind
from tests.builders.level_chains import body


def seen(evidence: Evidence, clue: Clue) -> list[range]:
    return [observation.bins for observation in observe(evidence) if observation.clue is clue]


@pytest.mark.parametrize(
    ("reach_mm", "bin_"), [(0.0, 0), (15.9, 1), (16.0, 2), (27.9, 2), (28.0, 3), (60.0, 5), (160.0, 7)]
)
def test_a_rib_is_sorted_by_how_far_it_reaches(reach_mm: float, bin_: int) -> None:
    evidence = replace(body(Kind.THORACIC), rib_mm=(reach_mm, 0.0))

    assert seen(evidence, Clue.RIB) == [range(bin_, bin_ + 1), range(1)]


def test_a_rib_that_leaves_the_scan_is_as_long_or_longer() -> None:
    evidence = replace(body(Kind.THORACIC), rib_mm=(70.0, 20.0), rib_cut=(True, True))

    assert seen(evidence, Clue.RIB) == [range(5, BINS[Clue.RIB]), range(2, BINS[Clue.RIB])]


@pytest.mark.parametrize(
    ("right_mm3", "left_mm3", "bin_"),
    [(0.0, 0.0, 0), (60.0, 60.0, 1), (300.0, 0.0, 2), (200.0, 500.0, 3), (300.0, 450.0, 4)],
)
def test_own_ribs_are_sorted_by_the_mean_volume_of_both_sides(right_mm3: float, left_mm3: float, bin_: int) -> None:
    ribs = OwnRibs(volume_mm3=(right_mm3, left_mm3), cut=(False, False))

    assert seen(replace(body(Kind.LAST_THORACIC), own_ribs=ribs), Clue.OWN_RIBS) == [range(bin_, bin_ + 1)]


def test_own_ribs_that_leave_the_scan_are_as_large_or_larger() -> None:
    ribs = OwnRibs(volume_mm3=(100.0, 100.0), cut=(False, True))

    assert seen(replace(body(Kind.LAST_THORACIC), own_ribs=ribs), Clue.OWN_RIBS) == [range(1, BINS[Clue.OWN_RIBS])]


def test_where_nobody_looked_closely_nothing_is_said_of_own_ribs() -> None:
    assert seen(body(Kind.LAST_THORACIC), Clue.OWN_RIBS) == []


def test_votes_are_sorted_by_the_part_that_they_are_for_and_how_clearly() -> None:
    clear, doubtful = body(Kind.LUMBAR), replace(body(Kind.LUMBAR), lumbar=0.55, thoracic=0.45)

    assert seen(clear, Clue.LUMBAR_VOTE) == [range(8, 9)]
    assert seen(doubtful, Clue.LUMBAR_VOTE) == [range(4, 5)]
    assert seen(body(Kind.THORACIC), Clue.LUMBAR_VOTE) == [range(1)]
    assert seen(body(Kind.CERVICAL), Clue.CERVICAL_VOTE) == [range(4, 5)]
    assert seen(body(Kind.THORACIC), Clue.CERVICAL_VOTE) == [range(1)]


def test_a_body_that_is_all_sacral_or_cervical_does_not_vote_for_another_part() -> None:
    assert seen(body(Kind.CERVICAL), Clue.LUMBAR_VOTE) == []
    assert seen(body(Kind.SACRAL), Clue.LUMBAR_VOTE) == []


def test_what_lies_below_the_end_of_the_scan_is_not_observed() -> None:
    assert seen(replace(body(Kind.LAST_LUMBAR), sacrum_below=None), Clue.SACRUM_BELOW) == []
    assert seen(body(Kind.LAST_LUMBAR), Clue.SACRUM_BELOW) == [range(3, 4)]


def test_every_bin_that_is_observed_exists() -> None:
    for kind in Kind:
        for observation in observe(body(kind)):
            assert 0 <= observation.bins.start < observation.bins.stop <= BINS[observation.clue]
