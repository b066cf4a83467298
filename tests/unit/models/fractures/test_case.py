"""What a classifier of fractures can see of a body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.crops import BodyCrop
from models.fractures.case import VertebraCase, cases_from_bytes, cases_to_bytes, vertebra_case
from models.radiomics.definition import own_definition
from models.radiomics.extract import extract_features
from models.radiomics.names import all_features
from node.domain.errors import InputRejected
from node.domain.reasons import Reason, ReasonCode
from tests.builders.body_crops import Body, crop_of
from tests.builders.textured_body import cropped, whole_scan

DEFINITION = own_definition()


def case_of(crop: BodyCrop) -> VertebraCase:
    case = vertebra_case(crop, DEFINITION)
    assert isinstance(case, VertebraCase), case
    return case


@pytest.fixture(scope="module")
def crop() -> BodyCrop:
    return cropped(whole_scan((2.0, 0.8, 0.8)))


def test_a_case_holds_every_feature_in_its_order_and_three_slices(crop: BodyCrop) -> None:
    case = case_of(crop)

    values = extract_features(crop, all_features(DEFINITION), DEFINITION)
    assert not isinstance(values, Reason)
    np.testing.assert_array_equal(case.radiomics, list(values.values()))
    assert case.slices.shape == (3, 64, 64)


@pytest.mark.parametrize("code", [ReasonCode.LEVEL_TRUNCATED, ReasonCode.IMPLAUSIBLE_ANATOMY])
def test_a_body_that_is_cut_or_none_is_no_case(code: ReasonCode) -> None:
    reason = vertebra_case(crop_of(Body(noise_hu=20.0, reasons=(Reason(code=code),))), DEFINITION)

    assert isinstance(reason, Reason)
    assert reason.code is code


def test_a_body_without_a_name_is_a_case() -> None:
    body = Body(noise_hu=20.0, level=None, reasons=(Reason(code=ReasonCode.LEVEL_UNCERTAIN),))

    assert case_of(crop_of(body)).radiomics.size == len(all_features(DEFINITION))


def test_what_has_no_features_says_why() -> None:
    crop = crop_of(Body(noise_hu=20.0))
    halves = crop.body.copy()
    halves[18:22] = False

    reasons = [
        vertebra_case(each, DEFINITION)
        for each in (
            replace(crop, body=np.zeros_like(crop.body)),
            replace(crop, body=halves),
            crop_of(Body(spacing_mm=(1.0, 1.0, 1.0), marrow_hu=110.0, cortex_hu=110.0)),
        )
    ]

    codes = [reason.code for reason in reasons if isinstance(reason, Reason)]
    assert codes == [ReasonCode.ROI_TOO_SMALL, ReasonCode.MASK_IN_PIECES, ReasonCode.TEXTURE_UNDEFINED]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"radiomics": np.array([1.0, np.nan])}, "finite"),
        ({"slices": np.zeros((2, 8, 8), dtype=np.float32)}, "3 slices"),
        ({"slices": np.full((3, 8, 8), 1.5, dtype=np.float32)}, "0 to 1"),
    ],
    ids=["no number", "two slices", "too bright"],
)
def test_a_case_that_is_none_is_refused(changed: dict[str, np.ndarray], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        VertebraCase(**{"radiomics": np.zeros(2), "slices": np.zeros((3, 8, 8), dtype=np.float32)} | changed)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_cases_come_back_as_they_were(crop: BodyCrop, count: int) -> None:
    cases = [case_of(crop)] * count

    found = cases_from_bytes(cases_to_bytes(cases, DEFINITION), DEFINITION)

    assert len(found) == count
    for before, after in zip(cases, found, strict=True):
        np.testing.assert_array_equal(before.radiomics, after.radiomics)
        np.testing.assert_allclose(before.slices, after.slices, atol=0.0005)


def test_cases_of_another_definition_are_refused(crop: BodyCrop) -> None:
    other = replace(DEFINITION, discretisation=replace(DEFINITION.discretisation, bin_width=10.0))

    with pytest.raises(InputRejected, match="take them anew"):
        cases_from_bytes(cases_to_bytes([case_of(crop)], DEFINITION), other)


@pytest.mark.parametrize("content", [b"", b"no cases", b"PK\x03\x04 half"])
def test_a_file_of_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(InputRejected, match="cannot be read"):
        cases_from_bytes(content, DEFINITION)
