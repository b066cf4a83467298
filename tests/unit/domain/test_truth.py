"""Three truth values, cell by cell (Kleene, strong)."""

import pytest

from node.domain.truth import Truth

F, U, T = Truth.FALSE, Truth.UNKNOWN, Truth.TRUE


@pytest.mark.parametrize(("known", "truth"), [(None, U), (True, T), (False, F)])
def test_what_is_missing_is_unknown(known, truth):
    assert Truth.of(known) is truth


@pytest.mark.parametrize(("a", "not_a"), [(F, T), (U, U), (T, F)])
def test_negation(a, not_a):
    assert ~a is not_a


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        (F, F, F, F), (F, U, F, U), (F, T, F, T),
        (U, F, F, U), (U, U, U, U), (U, T, U, T),
        (T, F, F, T), (T, U, U, T), (T, T, T, T),
    ],
)  # fmt: skip
def test_conjunction_and_disjunction(a, b, both, either):
    assert (a & b) is both
    assert (a | b) is either
