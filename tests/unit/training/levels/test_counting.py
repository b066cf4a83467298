"""Tables say how often what was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.levels.clues import BINS, Clue
from models.levels.evidence import Evidence
from models.levels.links import LINK_BINS, LinkClue, observe_links
from models.levels.model import SIZES
from models.levels.placements import Kind, Place
from tests.builders.level_chains import chain, places, true_chain
from training.levels.chains import LevelsUnknown, TrueChain
from training.levels.counting import count_links, count_shares, count_sizes


def test_a_share_is_what_was_counted_with_half_a_body_in_every_bin() -> None:
    chains = [true_chain("T10", "L2")] * 3

    ribs = count_shares(chains)[Clue.RIB]

    # three last thoracic vertebrae with two ribs of 90 mm each, which is bin 5; half of one in each bin before
    bins = BINS[Clue.RIB]
    assert ribs[Kind.LAST_THORACIC] == pytest.approx((0.05, 0.05, 0.05, 0.05, 0.05, 0.65, 0.05, 0.05))
    assert ribs[Kind.SACRAL] == pytest.approx((1.0 / bins,) * bins)


def test_a_rib_that_leaves_the_scan_is_as_long_as_others_that_are_as_long_or_longer() -> None:
    whole = true_chain("T10", "L2")
    long = replace(whole, evidence=tuple(replace(body, rib_mm=(140.0, 140.0)) for body in whole.evidence))
    cut = replace(
        whole, evidence=tuple(replace(body, rib_mm=(70.0, 70.0), rib_cut=(True, True)) for body in whole.evidence)
    )

    # of T12: eight ribs of 90 mm (bin 5), four of 140 mm (bin 6), and twelve that are in bin 5 or above
    ribs = count_shares([*[whole] * 4, *[long] * 2, *[cut] * 6])[Clue.RIB][Kind.LAST_THORACIC]

    assert ribs[:5] == pytest.approx((0.5 / 28.0,) * 5)
    assert ribs[5] / ribs[6] == pytest.approx(8.5 / 4.5, rel=1e-3)
    assert ribs[6] / ribs[7] == pytest.approx(4.5 / 0.5, rel=1e-3)


def test_a_body_that_is_none_is_not_counted() -> None:
    empty = replace(true_chain("L1", "L4"), truth=(None,) * 4)

    shares = count_shares([empty])

    assert all(row == pytest.approx((1.0 / len(row),) * len(row)) for rows in shares.values() for row in rows.values())


def test_sizes_are_those_that_persons_were_drawn_with() -> None:
    rng = np.random.default_rng(3)
    shown = places("C7", "S1")
    means = 3.0 + 0.04 * np.arange(SIZES)

    chains = []
    for _ in range(150):
        person = rng.normal(0.0, 0.08)
        lengths = np.exp([means[round(place.size_place) + 1] + person + rng.normal(0.0, 0.03) for place in shown])
        bodies = [_sized(body, float(length)) for body, length in zip(chain(shown), lengths, strict=True)]
        chains.append(TrueChain(evidence=tuple(bodies), truth=shown, thoracic=12, lumbar=5))
    table = count_sizes(chains).length

    inner = slice(1, SIZES - 1)
    assert np.ptp(np.array(table.log_means[inner]) - means[inner]) < 0.02
    assert table.person_sd == pytest.approx(0.08, rel=0.25)
    assert table.own_sd == pytest.approx(0.03, rel=0.15)


def test_short_chains_do_not_make_bodies_of_one_person_more_alike_than_they_are() -> None:
    rng = np.random.default_rng(8)
    chains = []
    for _ in range(400):
        whole = true_chain("T9", "L4")
        lengths = np.exp(3.2 + rng.normal(0.0, 0.03, len(whole.evidence)))
        bodies = [_sized(body, float(length)) for body, length in zip(whole.evidence, lengths, strict=True)]
        chains.append(replace(whole, evidence=tuple(bodies)))

    assert count_sizes(chains).length.own_sd == pytest.approx(0.03, rel=0.1)


def test_sizes_cannot_be_counted_on_a_few_bodies() -> None:
    with pytest.raises(LevelsUnknown, match="whole bodies found"):
        count_sizes([true_chain("L1", "L4")])


def _sized(body: Evidence, length: float) -> Evidence:
    return replace(body, length_mm=length, volume_mm3=900.0 * length)


@pytest.mark.parametrize(
    ("found", "sound"),
    [
        (places("T9", "S1"), True),
        (places("C7", "L2", thoracic=11), True),
        (places("T9", "S1", lumbar=4), True),
        ((*places("T9", "T11"), *places("L1", "S1")), False),
        ((*places("T9", "L1"), *places("L1", "S1")), False),
        ((None, *places("T9", "S1")), False),
        ((*places("L1", "S1"), *places("L5", "L5")), False),
        ((places("C7", "T1")[0], *places("T2", "L2")), False),
        ((*places("T9", "L4"), places("L5", "S1")[-1]), False),
    ],
    ids=["whole", "eleven", "four", "T12 missing", "L1 twice", "one none", "out of order", "T1 missing", "L5 missing"],
)
def test_a_chain_is_sound_where_every_vertebra_was_found_once(found: tuple[Place | None, ...], sound: bool) -> None:
    evidence = chain(tuple(place or places("L1", "L1")[0] for place in found))

    assert TrueChain(evidence=evidence, truth=found, thoracic=12, lumbar=5).is_sound is sound


def test_names_are_those_that_a_reader_of_these_bodies_would_give() -> None:
    whole, part = true_chain("C7", "L2", thoracic=11), true_chain("T9", "L2", thoracic=11)
    long, six = true_chain("T10", "L1", thoracic=13), true_chain("T9", "L1", thoracic=11, lumbar=6)
    down, unknown = true_chain("T10", "S1", thoracic=11, lumbar=6), true_chain("C7", "S1", thoracic=11, lumbar=4)

    assert names_of(whole)[-3:] == ["T11", "L1", "L2"]
    assert names_of(whole, slice(4, None))[-3:] == ["T12", "L1", "L2"]
    assert names_of(part) == ["T10", "T11", "T12", "L1", "L2"]
    assert names_of(long) == ["T9", "T10", "T11", "T12", "L1"]
    assert names_of(six) == ["T10", "T11", "T12", "L1"]
    assert names_of(down)[:3] == ["T10", "T11", "L1"]
    assert names_of(unknown)[-7:] == ["T11", "T12", "L1", "L2", "L3", "L4", "None"]


@pytest.mark.parametrize("thoracic", [11, 12, 13])
@pytest.mark.parametrize("lumbar", [4, 5, 6])
def test_every_person_that_is_drawn_has_names(thoracic: int, lumbar: int) -> None:
    names = names_of(true_chain("C7", "S1", thoracic=thoracic, lumbar=lumbar))

    assert names[-lumbar - 1 :] == [*(f"L{number}" for number in range(1, lumbar + 1)), "None"]
    # of spines that the model does not know the last thoracic vertebra is the twelfth, and none is above the first
    known = (thoracic, lumbar) not in {(11, 4), (13, 6)}
    last = thoracic if known else 12
    expected = [f"T{number}" if number > 0 else "None" for number in range(last - thoracic + 1, last + 1)]
    assert names[1 : thoracic + 1] == expected


def names_of(seen: TrueChain, bodies: slice = slice(None)) -> list[str]:
    return [str(name) for name in seen.names(bodies)]


def test_links_are_counted_as_sound_where_two_bodies_are_neighbours() -> None:
    whole = true_chain("T9", "S1")
    # What was found in the place of L2 is none, and lies 5 mm too low.
    middle = replace(whole.evidence[5], centre_mm=(whole.evidence[5].centre_mm[0] - 5.0, 100.0, 100.0))
    broken = replace(
        whole,
        evidence=(*whole.evidence[:5], middle, *whole.evidence[6:]),
        truth=(*whole.truth[:5], None, *whole.truth[6:]),
    )

    links = count_links([whole] * 10 + [broken] * 4)

    # of nine links of each chain two are not sound in a broken one; half a link of each kind before
    assert links.sound_share == pytest.approx((0.5 + 118.0) / (1.0 + 118.0 + 8.0))
    far, near = (observe_links(broken.evidence)[index][LinkClue.STEP] for index in (4, 5))
    bins = LINK_BINS[LinkClue.STEP]
    assert (far, near) == (4, 2)
    assert (
        links.unsound[LinkClue.STEP][far]
        == links.unsound[LinkClue.STEP][near]
        == pytest.approx(4.5 / (8.0 + 0.5 * bins))
    )
    assert links.sound[LinkClue.STEP][far] == pytest.approx(0.5 / (118.0 + 0.5 * bins))
    assert links.probabilities(whole.evidence)[3] > 0.99
    assert max(links.probabilities(broken.evidence)[4:6]) < 0.5
