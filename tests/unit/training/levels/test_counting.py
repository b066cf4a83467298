"""Tables say how often what was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.levels.clues import BINS, Clue
from models.levels.evidence import Evidence
from models.levels.model import SIZES
from models.levels.placements import Kind, Place
from tests.builders.level_chains import chain, places
from training.levels.chains import TrueChain
from training.levels.counting import count_shares, count_sizes


def true_chain(shown: tuple[Place, ...]) -> TrueChain:
    return TrueChain(evidence=chain(shown), truth=shown)


def test_a_share_is_what_was_counted_with_half_a_body_in_every_bin() -> None:
    chains = [true_chain(places("T10", "L2"))] * 3

    ribs = count_shares(chains)[Clue.RIB]

    # three last thoracic vertebrae with two ribs of 90 mm each, which is bin 2; two and a half in all before
    bins = BINS[Clue.RIB]
    assert ribs[Kind.LAST_THORACIC] == pytest.approx((0.5 / 8.5, 0.5 / 8.5, 6.5 / 8.5, 0.5 / 8.5, 0.5 / 8.5))
    assert ribs[Kind.SACRAL] == pytest.approx((1.0 / bins,) * bins)


def test_a_rib_of_unknown_length_is_not_counted() -> None:
    shown = places("T10", "L2")
    cut = tuple(replace(body, rib_cut=(True, True)) for body in chain(shown))

    ribs = count_shares([TrueChain(evidence=cut, truth=shown)])[Clue.RIB]

    assert ribs[Kind.LAST_THORACIC] == pytest.approx((0.2,) * 5)


def test_a_body_that_is_none_is_not_counted() -> None:
    shown = places("L1", "L4")

    shares = count_shares([TrueChain(evidence=chain(shown), truth=(None,) * 4)])

    assert all(row == pytest.approx((1.0 / len(row),) * len(row)) for rows in shares.values() for row in rows.values())


def test_sizes_are_those_that_persons_were_drawn_with() -> None:
    rng = np.random.default_rng(3)
    shown = places("C", "S1")
    means = 3.0 + 0.04 * np.arange(SIZES)

    chains = []
    for _ in range(150):
        person = rng.normal(0.0, 0.08)
        lengths = np.exp([means[round(place.size_place) + 1] + person + rng.normal(0.0, 0.03) for place in shown])
        bodies = [_sized(body, float(length)) for body, length in zip(chain(shown), lengths, strict=True)]
        chains.append(TrueChain(evidence=tuple(bodies), truth=shown))
    table = count_sizes(chains).length

    inner = slice(1, SIZES - 1)
    assert np.ptp(np.array(table.log_means[inner]) - means[inner]) < 0.02
    assert table.person_sd == pytest.approx(0.08, rel=0.25)
    assert table.own_sd == pytest.approx(0.03, rel=0.15)


def _sized(body: Evidence, length: float) -> Evidence:
    return replace(body, length_mm=length, volume_mm3=900.0 * length)


@pytest.mark.parametrize(
    ("found", "sound"),
    [
        (places("T9", "S1"), True),
        (places("C", "L2", thoracic=11), True),
        ((*places("T9", "T11"), *places("L1", "S1")), False),
        ((*places("T9", "L1"), *places("L1", "S1")), False),
        ((None, *places("T9", "S1")), False),
        ((*places("L1", "S1"), *places("L5", "L5")), False),
    ],
    ids=["whole", "eleven", "one is missing", "one twice", "one that is none", "out of order"],
)
def test_a_chain_is_sound_where_every_vertebra_was_found_once(found: tuple[Place | None, ...], sound: bool) -> None:
    evidence = chain(tuple(place or places("L1", "L1")[0] for place in found))

    assert TrueChain(evidence=evidence, truth=found).is_sound is sound
