"""Codes are what they are said to be."""

import re
from collections import Counter
from pathlib import Path

import pytest
from highdicom.sr import CodedConcept
from pydicom.sr import _concepts_dict

from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.reasons import ReasonCode
from node.encode.code_table import code_table_text, every_concept
from node.encode.concepts import Origin, vertebra
from node.encode.exclusion_codes import NOT_MEASURED, REASON_OF

ALL = {concept.code: concept for concept in every_concept()}
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "private-codes.md"


@pytest.mark.parametrize("concept", ALL.values(), ids=lambda concept: f"{concept.code.value}")
def test_a_code_fits_its_attributes(concept):
    assert 1 <= len(concept.code.value) <= 16
    assert 1 <= len(concept.code.scheme_designator) <= 16
    assert 1 <= len(concept.code.meaning) <= 64
    assert concept.code.meaning.isascii()


@pytest.mark.parametrize(
    "concept",
    [concept for concept in ALL.values() if concept.origin is Origin.DICOM],
    ids=lambda concept: f"{concept.code.value}",
)
def test_a_code_of_the_standard_is_in_its_dictionary(concept):
    by_keyword = _concepts_dict.concepts[concept.code.scheme_designator]
    meanings = {entry[concept.code.value][0] for entry in by_keyword.values() if concept.code.value in entry}

    assert any(meaning.lower().startswith(concept.code.meaning.lower()) for meaning in meanings)


def test_private_codes_are_of_the_projects_scheme_and_each_value_means_one_thing():
    private = [concept.code for concept in ALL.values() if concept.origin is Origin.PRIVATE]

    assert all(code.scheme_designator == "99OSTEONODE" for code in private)
    assert all(re.fullmatch(r"[A-Z]{3}[0-9]{3}", code.value) for code in private)
    assert Counter(code.value for code in private).most_common(1)[0][1] == 1


def test_no_code_of_the_projects_scheme_claims_to_be_a_standard_one():
    for concept in ALL.values():
        assert (concept.code.scheme_designator == "99OSTEONODE") == (concept.origin is Origin.PRIVATE)


def test_every_reason_level_and_quantity_has_a_code_of_its_own():
    assert set(REASON_OF) == set(ReasonCode)
    assert set(NOT_MEASURED) == set(Quantity)
    assert len({vertebra(level).code for level in VertebralLevel}) == len(VertebralLevel)
    assert len({concept.code.value for concept in REASON_OF.values()}) == len(ReasonCode)


@pytest.mark.parametrize(
    ("level", "code"), [("T1", "64864005"), ("T12", "23215003"), ("L1", "66794005"), ("L5", "49668003")]
)
def test_a_vertebra_has_the_code_of_its_level(level, code):
    assert vertebra(VertebralLevel(level)).code.value == code
    assert vertebra(VertebralLevel(level)).code.meaning == f"{level} vertebra"


def test_the_page_of_private_codes_is_that_of_the_tables():
    assert PAGE.read_text() == code_table_text()


def test_a_concept_as_an_item_is_the_one_that_highdicom_makes_of_its_code() -> None:
    for concept in every_concept():
        expected = CodedConcept.from_code(concept.code)

        assert concept.coded == expected
        assert hash(concept.coded) == hash(expected)
        assert concept.coded.to_json_dict() == expected.to_json_dict()
