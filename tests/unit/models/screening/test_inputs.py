"""What the network is shown: the body and a little around it, and references that may be unknown."""

from __future__ import annotations

import pytest
import torch

from models.screening.case import References, ScreeningCase
from models.screening.inputs import REFERENCE_INPUTS, channels, inputs_of, reference_vector
from tests.builders.screening import image_of


def test_what_lies_more_than_three_millimetres_outside_the_body_is_hidden() -> None:
    body = torch.zeros(1, 64, 64)
    body[:, 20:40, 20:40] = 1.0

    image, mask = channels(torch.full((1, 64, 64), 300.0), body)[0]

    assert image[17, 30] == 1.0
    assert image[16, 30] == -1.0
    assert torch.equal(mask, body[0])


@pytest.mark.parametrize(("hu", "shown"), [(-1000.0, -2.0), (0.0, -1.0), (150.0, 0.0), (300.0, 1.0), (3000.0, 2.0)])
def test_ct_numbers_are_scaled_and_end_at_150_below_and_450_above(hu: float, shown: float) -> None:
    body = torch.ones(1, 64, 64)

    assert channels(torch.full((1, 64, 64), hu), body)[0, 0, 32, 32] == shown


def test_an_unknown_reference_is_usual_and_flagged() -> None:
    vector = reference_vector(References(kvp=120.0, blood_hu=85.0))

    values, known = vector[: REFERENCE_INPUTS // 2], vector[REFERENCE_INPUTS // 2 :]
    assert values.tolist() == [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    assert known.tolist() == [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]


def test_a_reference_far_out_does_not_drown_the_others() -> None:
    assert reference_vector(References(blood_hu=3000.0)).abs().max() == 5.0


def test_a_case_without_l2_has_an_empty_image_of_it() -> None:
    inputs = inputs_of([ScreeningCase(l1=image_of(150.0)), ScreeningCase(l1=image_of(150.0), l2=image_of(90.0))])

    assert inputs.has_l2.tolist() == [False, True]
    assert not inputs.body[0, 1].any()
    assert inputs.body[1, 1].any()
