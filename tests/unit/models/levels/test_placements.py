"""Every place that a chain can have in a spine, and no other."""

from __future__ import annotations

import math

import pytest

from models.levels.placements import VARIANTS, Kind, placements, spine_of


def names(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"T{number}" for number in range(first, last + 1))


def test_spines_are_told_apart_by_shares_of_sum_one() -> None:
    assert math.fsum(share for _, _, share in VARIANTS) == pytest.approx(1.0)
    assert max(VARIANTS, key=lambda variant: variant[2])[:2] == (12, 5)


def test_a_spine_has_as_many_vertebrae_as_it_is_asked_for() -> None:
    spine = spine_of(13, 4)

    named = [str(place.level) for place in spine if place.level is not None]
    assert named == [*names(1, 13), "L1", "L2", "L3", "L4"]
    assert [place.kind for place in spine if str(place.level) in {"T1", "T12", "T13", "L1", "L4"}] == [
        Kind.FIRST_THORACIC,
        Kind.LAST_BUT_ONE_THORACIC,
        Kind.LAST_THORACIC,
        Kind.FIRST_LUMBAR,
        Kind.LAST_LUMBAR,
    ]


@pytest.mark.parametrize("lumbar", [4, 5, 6])
def test_sizes_go_from_the_first_thoracic_to_the_last_lumbar_whatever_their_number(lumbar: int) -> None:
    sizes = [place.size_place for place in spine_of(11, lumbar) if place.level is not None]

    assert (sizes[0], sizes[10], sizes[11], sizes[-1]) == (0.0, 11.0, 12.0, 16.0)
    assert sizes == sorted(sizes)


def test_another_number_of_thoracic_vertebrae_is_thought_of_only_where_the_chain_can_tell() -> None:
    for placement in placements(9):
        if placement.thoracic != 12:
            shows_last_lumbar = placement.places[-1].level is None or placement.levels[-1] == f"L{placement.lumbar}"
            assert placement.shows_first_thoracic or (shows_last_lumbar and placement.lumbar != 5)

    assert {(placement.thoracic, placement.lumbar) for placement in placements(20)} >= {(11, 5), (13, 5)}
    assert {placement.levels[0] for placement in placements(9) if placement.thoracic == 11} > {None}


def test_a_chain_that_is_longer_than_any_spine_has_no_place() -> None:
    assert placements(6 + 12 + 6 + 2) != ()
    assert placements(6 + 12 + 6 + 3) == ()
