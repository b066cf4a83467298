"""Identifiers are checked once, where they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import AETitle, Code, Uid


@pytest.mark.parametrize("text", ["1.2", "0.0", "1.2.840.10008.1.1", "2.25." + "9" * 59])
def test_a_uid_of_the_grammar_is_taken(text):
    assert Uid(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        ".1",
        "1..2",
        "1.02",
        "1.2 ",
        "1.2\n",
        "1.2\x00",
        "1.a",
        "../../etc/passwd",
        "1.2/../3",
        "1.٣",
        "2.25." + "9" * 60,
        "1." * 5000,
    ],
)
def test_what_is_no_uid_is_refused_with_little_of_its_text(text):
    with pytest.raises(InvalidIdentifier, match="must be digits and dots") as refused:
        Uid(text)

    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("padded", ["1.2.3", "1.2.3\x00", "1.2.3 "])
def test_the_padding_of_a_data_set_is_left_out(padded):
    assert Uid.from_dicom(padded) == "1.2.3"


@given(st.text(max_size=80))
def test_whatever_is_taken_as_a_uid_is_a_plain_path_component(text):
    try:
        uid = Uid(text)
    except InvalidIdentifier:
        return

    assert set(uid) <= set("0123456789.")
    assert not uid.startswith(".")
    assert ".." not in uid


@pytest.mark.parametrize(("text", "title"), [("PACS", "PACS"), ("  PACS  ", "PACS"), ("A B", "A B"), ("x" * 16,) * 2])
def test_spaces_around_an_ae_title_mean_nothing(text, title):
    assert AETitle(text) == title


@pytest.mark.parametrize("text", ["", "    ", "x" * 17, "BACK\\SLASH", "TAB\t", "ÄRZTE", "NUL\x00"])
def test_what_is_no_ae_title_is_refused(text):
    with pytest.raises(InvalidIdentifier, match="AE title"):
        AETitle(text)


@pytest.mark.parametrize(
    "wrong", [{"value": ""}, {"meaning": ""}, {"scheme": ""}, {"scheme": "A scheme of many letters"}]
)
def test_a_code_without_value_scheme_or_meaning_is_refused(wrong):
    right = {"value": "66794005", "scheme": "SCT", "meaning": "L1 vertebra"}

    with pytest.raises(InvalidIdentifier):
        Code(**{**right, **wrong})
