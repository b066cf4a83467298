"""Rules that every spine keeps."""

from __future__ import annotations

import pytest

from models.levels.anatomy import breaks, odd_sizes
from models.levels.evidence import Evidence
from node.domain.reasons import ReasonCode


def body(k: float, *, j: float = 100.0, volume_mm3: float = 30_000.0) -> Evidence:
    return Evidence(
        lumbar=1.0,
        thoracic=0.0,
        cervical=0.0,
        sacral=0.0,
        rib_mm=(0.0, 0.0),
        rib_cut=(False, False),
        sacrum_contact=0.0,
        sacrum_below=0.0,
        centre_mm=(k, j, 100.0),
        volume_mm3=volume_mm3,
        length_mm=25.0,
    )


EVEN = (200.0, 168.0, 135.0, 101.0, 66.0)


def test_an_even_chain_has_no_break_and_no_odd_body() -> None:
    chain = [body(k) for k in EVEN]

    assert breaks(chain) == {}
    assert odd_sizes(chain, [False] * 5) == {}


def test_a_double_step_is_a_gap_at_the_body_below_it() -> None:
    found = breaks([body(k) for k in (*EVEN, 0.0)])

    assert list(found) == [5]
    assert found[5].code is ReasonCode.IMPLAUSIBLE_ANATOMY


def test_a_body_beside_the_line_is_a_jump() -> None:
    assert 5 in breaks([*(body(k) for k in EVEN), body(45.0, j=135.0)])


@pytest.mark.parametrize("volume_mm3", [5_000.0, 100_000.0])
def test_a_body_of_another_size_is_odd(volume_mm3: float) -> None:
    chain = [body(k, volume_mm3=volume_mm3 if k == EVEN[2] else 30_000.0) for k in EVEN]

    assert list(odd_sizes(chain, [False] * 5)) == [2]


def test_a_body_that_the_scan_cuts_may_be_small() -> None:
    chain = [body(k, volume_mm3=5_000.0 if k == EVEN[4] else 30_000.0) for k in EVEN]

    assert odd_sizes(chain, [False] * 4 + [True]) == {}
