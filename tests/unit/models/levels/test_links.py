"""Bodies that were missed or seen twice make the count beyond them doubtful."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from models.levels.links import LINK_BINS, LinkClue, Links, observe_links
from models.levels.naming import guess
from models.levels.plausible import PLAUSIBLE
from node.domain.errors import ConfigurationError
from tests.builders.level_chains import chain, lowered, places

#: Only the distance tells; a sound link is three hundred times as common.
_FLAT = {clue: (1.0 / count,) * count for clue, count in LINK_BINS.items()}
_STEPS = LINK_BINS[LinkClue.STEP]
LINKS = Links(
    sound_share=300.0 / 301.0,
    sound=_FLAT | {LinkClue.STEP: tuple(0.99 if bin_ == 3 else 0.01 / (_STEPS - 1) for bin_ in range(_STEPS))},
    unsound=_FLAT | {LinkClue.STEP: tuple(0.01 if bin_ == 3 else 0.99 / (_STEPS - 1) for bin_ in range(_STEPS))},
)


def test_a_link_is_sorted_by_its_distance_and_the_heights_of_its_bodies() -> None:
    shown = list(chain(places("T9", "S1")))
    shown[4] = replace(shown[4], length_mm=35.0)

    links = observe_links(shown)

    assert len(links) == len(shown) - 1
    assert links[3] == {LinkClue.STEP: 3, LinkClue.HIGH: 2, LinkClue.LOW: 3, LinkClue.PART: 1}
    # the last body may be cut, and what is below L5 is no lumbar body
    assert links[-1][LinkClue.STEP] == LINK_BINS[LinkClue.STEP] // 2 + 3
    assert links[-1][LinkClue.PART] == LINK_BINS[LinkClue.PART] // 2 + 2


def test_a_link_is_as_likely_sound_as_bayes_rule_says() -> None:
    shown = chain(places("T9", "S1"))

    probability = LINKS.probabilities(shown)[3]

    odds = 300.0 * 0.99 / 0.01
    assert probability == pytest.approx(odds / (1.0 + odds))


def test_names_beyond_a_doubtful_link_are_believed_less_and_those_before_it_as_much() -> None:
    shown = chain(places("T4", "L2"))
    gapped = (*shown[:3], *lowered(shown[3:], 12.0))
    model = replace(PLAUSIBLE, links=LINKS)

    sure, doubtful = guess(shown, model), guess(gapped, model)

    assert sure is not None
    assert doubtful is not None
    before, after = ([max(names.values()) for names in found.beliefs] for found in (sure, doubtful))
    assert after[3:] == pytest.approx(before[3:], rel=0.02)
    # the first body may be cut, and was believed less before
    assert max(after[1:3]) < 0.9 * min(before[1:3])


def test_six_lumbar_vertebrae_are_counted_from_the_ribs_and_not_from_the_sacrum() -> None:
    shown = chain(places("T9", "S1", lumbar=6))
    gapped = (*shown[:7], *lowered(shown[7:], 12.0))

    found = guess(gapped, replace(PLAUSIBLE, links=LINKS))

    assert found is not None
    assert found.placement.lumbar == 6
    beliefs = [names[level] for names, level in zip(found.beliefs, found.placement.levels, strict=True)]
    # T12 is the fourth, L3 the seventh, and the doubtful link lies below it
    assert max(beliefs[7:10]) < 0.9 * min(beliefs[4:7])


def test_six_lumbar_vertebrae_leave_the_number_of_thoracic_ones_to_the_count_from_t1() -> None:
    true = chain(places("C7", "S1", lumbar=6))
    # The sixth thoracic vertebra was missed; the next one lies nearer than two steps, so that the chain does not break.
    missed = (*lowered(true[:6], 18.0), *true[7:])

    trusting, careful = (guess(missed, model) for model in (PLAUSIBLE, replace(PLAUSIBLE, links=LINKS)))

    assert trusting is not None
    assert careful is not None
    placement = careful.placement
    assert (placement.thoracic, placement.lumbar) == (11, 6)
    left = [
        after[level] / before[level]
        for before, after, level in zip(trusting.beliefs, careful.beliefs, placement.levels, strict=True)
    ]
    # T1 is the second body and the last thoracic one the twelfth
    assert left[1:12] == pytest.approx([math.prod(LINKS.probabilities(missed)[1:11])] * 11)
    assert left[1] < 0.9
    assert min(left[12:15]) > 0.98


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        replace(LINKS, sound_share=share)


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="positive shares of sum 1"):
        replace(LINKS, sound=_FLAT | {LinkClue.HIGH: (0.5,) * LINK_BINS[LinkClue.HIGH]})
