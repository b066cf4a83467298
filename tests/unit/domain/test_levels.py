"""Vertebral levels and their numbers in VerSe (Sekuboyina et al., Med Image Anal 2021;73:102166)."""

import pytest

from node.domain.levels import USUAL_LEVELS, VertebralLevel


@pytest.mark.parametrize(
    ("level", "number"),
    [("T1", 8), ("T12", 19), ("L1", 20), ("L2", 21), ("L5", 24), ("L6", 25), ("T13", 28)],
)
def test_the_numbers_are_those_of_verse(level, number):
    assert VertebralLevel(level).number == number


def test_every_number_leads_back_to_its_level():
    assert [VertebralLevel.from_number(level.number) for level in VertebralLevel] == list(VertebralLevel)


@pytest.mark.parametrize("number", [0, 7, 26, 27, 29])
def test_other_numbers_are_refused(number):
    with pytest.raises(ValueError, match=str(number)):
        VertebralLevel.from_number(number)


def test_the_usual_spine_has_twelve_thoracic_and_five_lumbar_levels_from_the_head():
    assert [str(level) for level in USUAL_LEVELS] == [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)]


def test_transitional_variants_lie_between_their_neighbours():
    order = list(VertebralLevel)

    assert order.index(VertebralLevel.T12) < order.index(VertebralLevel.T13) < order.index(VertebralLevel.L1)
    assert order[-1] is VertebralLevel.L6


def test_ribs_are_carried_by_thoracic_levels():
    assert {level.is_thoracic for level in VertebralLevel if str(level).startswith("T")} == {True}
    assert not VertebralLevel.L1.is_thoracic
