"""Which vertebrae stand in where L1 or L2 has no number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.next_level import levels_of_category, offered_instead, one_alone
from node.domain.finding import VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.results import measured, not_evaluable, with_density


def found(*, measured_levels: str, refused_levels: str = "", calibrated: bool = True) -> list[VertebraFinding]:
    levels = [measured(VertebralLevel(name), hu=120.0, segment_value=20) for name in measured_levels.split()]
    dense = [with_density(finding, 90.0) for finding in levels] if calibrated else levels
    return [*dense, *(not_evaluable(VertebralLevel(name), ReasonCode.FRACTURED) for name in refused_levels.split())]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ("T12 L1 L2 L3", "L1 L2"),
        ("L2 L3 L4", "L2 L3"),
        ("L1 L3", "L1 L3"),
        ("T11 T12 L1", ""),
        ("L3 L4 L5", ""),
        ("T12 L4", ""),
    ],
)
def test_a_category_rests_on_the_highest_two_of_l1_to_l3(levels: str, expected: str) -> None:
    assert levels_of_category(found(measured_levels=levels)) == tuple(expected.split())


def test_levels_without_a_calibration_give_no_category() -> None:
    assert levels_of_category(found(measured_levels="L1 L2", calibrated=False)) == ()


@pytest.mark.parametrize(("levels", "told"), [("T12 L2 L4", "L2 alone of L1 to L3"), ("L1 L2", None), ("T12", None)])
def test_one_lumbar_vertebra_alone_is_told_as_such(levels: str, told: str | None) -> None:
    sentence = one_alone(found(measured_levels=levels))

    assert (sentence is None) is (told is None)
    assert told is None or (sentence is not None and sentence.startswith(told))


@pytest.mark.parametrize(
    ("levels", "expected"),
    [("T10 T12 L2 L3", "L2"), ("T10 T12 L3", "T12"), ("T11 L3", "L3"), ("T8 T9", "T9"), ("T12 L1", None), ("", None)],
)
def test_the_nearest_measured_vertebra_is_offered_where_l1_is_not_measured(levels: str, expected: str | None) -> None:
    offered = offered_instead(found(measured_levels=levels, refused_levels="" if "L1" in levels else "L1"))

    assert offered == expected


def test_a_vertebra_without_a_name_is_never_offered() -> None:
    unnamed = replace(not_evaluable(None, ReasonCode.LEVEL_UNCERTAIN), ordinal=4)

    assert offered_instead([unnamed]) is None
