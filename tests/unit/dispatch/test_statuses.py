"""The tables of statuses and rejections, cell by cell against the standard."""

from __future__ import annotations

import pytest

from node.dispatch.statuses import STORE_STATUSES, Verdict, rejection, store_status


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (0x0000, Verdict.DELIVERED),
        (0xB000, Verdict.WARNING),
        (0xB006, Verdict.WARNING),
        (0xB007, Verdict.WARNING),
        (0x0107, Verdict.WARNING),
        (0x0116, Verdict.WARNING),
        (0xA700, Verdict.EXHAUSTED),
        (0xA702, Verdict.EXHAUSTED),
        (0xA7FF, Verdict.EXHAUSTED),
        (0x0110, Verdict.TRANSIENT),
        (0x0210, Verdict.TRANSIENT),
        (0x0213, Verdict.EXHAUSTED),
        (0xFE00, Verdict.TRANSIENT),
        (0xA900, Verdict.PERMANENT),
        (0xA9FF, Verdict.PERMANENT),
        (0xC000, Verdict.PERMANENT),
        (0xCFFF, Verdict.PERMANENT),
        (0x0117, Verdict.PERMANENT),
        (0x0122, Verdict.PERMANENT),
        (0x0124, Verdict.PERMANENT),
        (0x0211, Verdict.PERMANENT),
        (0x0212, Verdict.PERMANENT),
    ],
)
def test_a_store_status_has_the_meaning_of_ps3_4_table_b_2_1_and_ps3_7_annex_c(code: int, verdict: Verdict) -> None:
    assert store_status(code).verdict is verdict


def test_zero_is_the_only_success() -> None:
    delivered = [code for code in range(0x10000) if store_status(code).verdict is Verdict.DELIVERED]

    assert delivered == [0x0000]


def test_only_the_warnings_of_annex_c_and_of_the_storage_class_count_as_delivered_with_a_warning() -> None:
    warnings = [code for code in range(0x10000) if store_status(code).verdict is Verdict.WARNING]

    assert warnings == [0x0107, 0x0116, 0xB000, 0xB006, 0xB007]


def test_the_rows_ascend_without_overlap() -> None:
    bounds = [bound for row in STORE_STATUSES for bound in (row.first, row.last)]

    assert bounds == sorted(bounds)
    assert all(row.first <= row.last for row in STORE_STATUSES)


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ((1, 1, 1), Verdict.TRANSIENT),
        ((1, 1, 2), Verdict.PERMANENT),
        ((1, 1, 3), Verdict.PERMANENT),
        ((1, 1, 7), Verdict.PERMANENT),
        ((1, 2, 1), Verdict.TRANSIENT),
        ((1, 2, 2), Verdict.PERMANENT),
        ((1, 3, 1), Verdict.TRANSIENT),
        ((1, 3, 2), Verdict.TRANSIENT),
        ((1, 1, 9), Verdict.PERMANENT),
        ((2, 1, 9), Verdict.TRANSIENT),
        ((2, 1, 1), Verdict.TRANSIENT),
        ((2, 1, 3), Verdict.TRANSIENT),
        ((2, 1, 7), Verdict.TRANSIENT),
        ((2, 3, 1), Verdict.TRANSIENT),
        ((2, 3, 2), Verdict.TRANSIENT),
    ],
)
def test_a_rejection_has_the_meaning_of_ps3_8_table_9_21(numbers: tuple[int, int, int], verdict: Verdict) -> None:
    told = rejection(*numbers)

    assert told.verdict is verdict
    assert (told.result, told.source, told.reason) == numbers
