"""What is told of a file that does not follow its format."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from models.unreadable import what_is_wrong


def wrong(content: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_python(content)
    return what_is_wrong(caught.value)


def test_each_wrong_key_is_named_without_what_stood_there() -> None:
    told = wrong({"steps": "Doe^John", "seed": 1, "cases": "Roe^Jane"})

    assert told.startswith("steps: Input should be a valid integer")
    assert "; cases: " in told
    assert "Doe" not in told
    assert "seed" not in told


def test_of_many_the_first_are_named_and_the_rest_counted() -> None:
    told = wrong({f"key{number}": "x" for number in range(8)})

    assert "key4" in told
    assert "key5" not in told
    assert told.endswith("; and 3 more")
