"""The classifier's case: what is written is read back, and what is none is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.screening.case import (
    SIDE,
    BodyImage,
    References,
    ScreeningCase,
    case_from_bytes,
    case_to_bytes,
)
from node.domain.errors import InputRejected

SHAPE = (3, SIDE, SIDE)


def an_image(hu: int) -> BodyImage:
    body = np.zeros(SHAPE, dtype=np.bool_)
    body[:, 20:44, 16:48] = True
    return BodyImage(hu=np.full(SHAPE, hu, dtype=np.int16), body=body)


def test_a_case_is_read_back_as_it_was_written() -> None:
    case = ScreeningCase(l1=an_image(120), l2=an_image(130), references=References(kvp=120.0, blood_hu=41.5))

    read = case_from_bytes(case_to_bytes(case))

    assert read.l2 is not None
    assert np.array_equal(read.l1.hu, an_image(120).hu)
    assert np.array_equal(read.l2.hu, an_image(130).hu)
    assert np.array_equal(read.l1.body, an_image(120).body)
    assert read.references == References(kvp=120.0, blood_hu=41.5)


def test_the_same_case_gives_the_same_bytes() -> None:
    assert case_to_bytes(ScreeningCase(l1=an_image(120))) == case_to_bytes(ScreeningCase(l1=an_image(120)))


def test_a_case_without_l2_is_read_back_without_it() -> None:
    assert case_from_bytes(case_to_bytes(ScreeningCase(l1=an_image(120)))).l2 is None


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short"])
def test_what_is_no_case_is_refused(content: bytes) -> None:
    with pytest.raises(InputRejected, match="no case"):
        case_from_bytes(content)


def test_a_case_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.screening.case.FORM", 0)
    older = case_to_bytes(ScreeningCase(l1=an_image(120)))
    monkeypatch.undo()

    with pytest.raises(InputRejected, match="form 0"):
        case_from_bytes(older)


def test_a_reference_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="blood_hu"):
        References(blood_hu=float("nan"))


def test_an_image_that_shows_no_body_is_refused() -> None:
    with pytest.raises(ValueError, match="part of the body"):
        BodyImage(hu=np.zeros(SHAPE, dtype=np.int16), body=np.zeros(SHAPE, dtype=np.bool_))
