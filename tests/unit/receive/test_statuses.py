"""Statuses follow the ranges of the standard."""

from __future__ import annotations

import pytest

from node.receive.statuses import COMMENTS, DISK_FULL, TOO_LARGE, Answer, StoreStatus, answer


def category(status: int) -> str:
    """DICOM PS3.4 table B.2-1 and PS3.7 annex C."""
    if status == 0:
        return "success"
    if status >> 8 == 0xA7:
        return "out of resources"
    if status >> 8 == 0xA9:
        return "does not match SOP class"
    if status >> 12 == 0xC:
        return "cannot understand"
    return {0x0110: "processing failure", 0x0122: "SOP class not supported"}[status]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (StoreStatus.SUCCESS, "success"),
        (StoreStatus.PROCESSING_FAILURE, "processing failure"),
        (StoreStatus.SOP_CLASS_NOT_SUPPORTED, "SOP class not supported"),
        (StoreStatus.OUT_OF_RESOURCES, "out of resources"),
        (StoreStatus.DOES_NOT_MATCH, "does not match SOP class"),
        (StoreStatus.NOT_UNDERSTOOD, "cannot understand"),
        (StoreStatus.INVALID_IDENTIFIER, "cannot understand"),
        (StoreStatus.MISSING_IDENTIFIER, "cannot understand"),
        (StoreStatus.NO_DATA_SET, "cannot understand"),
    ],
)
def test_each_status_lies_in_the_range_of_its_meaning(status: StoreStatus, expected: str) -> None:
    assert category(status) == expected


@pytest.mark.parametrize("status", list(StoreStatus))
def test_each_status_but_success_has_a_comment(status: StoreStatus) -> None:
    assert bool(answer(status).comment) is (status is not StoreStatus.SUCCESS)
    assert set(COMMENTS) == set(StoreStatus)


def test_no_room_and_too_large_are_out_of_resources() -> None:
    assert {DISK_FULL.status, TOO_LARGE.status} == {StoreStatus.OUT_OF_RESOURCES}


@pytest.mark.parametrize("comment", ["x" * 65, "größer"])
def test_a_comment_that_does_not_fit_its_value_representation_is_refused(comment: str) -> None:
    with pytest.raises(ValueError, match="ASCII of at most 64"):
        Answer(status=StoreStatus.NOT_UNDERSTOOD, comment=comment)
