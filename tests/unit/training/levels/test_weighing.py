"""Clues weigh as much as they are worth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from models.levels.clues import BINS, Clue
from models.levels.model import LevelModel
from models.levels.placements import Kind, placements
from models.levels.plausible import PLAUSIBLE
from tests.builders.level_chains import places, true_chain
from training.levels.weighing import weigh


def test_a_clue_that_misleads_weighs_nothing_and_one_that_tells_weighs_all() -> None:
    backwards = dict(PLAUSIBLE.shares[Clue.SACRUM_BELOW])
    backwards[Kind.LUMBAR], backwards[Kind.LAST_LUMBAR] = backwards[Kind.LAST_LUMBAR], backwards[Kind.LUMBAR]
    shares = {clue: dict.fromkeys(Kind, (1.0 / BINS[clue],) * BINS[clue]) for clue in Clue}
    shares |= {Clue.RIB: dict(PLAUSIBLE.shares[Clue.RIB]), Clue.SACRUM_BELOW: backwards}
    model = LevelModel(shares=shares, weights=dict.fromkeys(Clue, 0.5))

    weights = weigh([(model, [true_chain("T10", "L5")] * 200)])

    assert weights.clues[Clue.RIB] > 0.9
    assert weights.clues[Clue.SACRUM_BELOW] == pytest.approx(0.0)
    # what says nothing keeps the weight that is expected
    assert weights.clues[Clue.LUMBAR_VOTE] == pytest.approx(1.0, abs=1e-3)


def test_weights_make_true_placements_more_believed() -> None:
    seen = true_chain("T9", "S1", lumbar=6)
    candidates = placements(len(seen.evidence))
    true = [index for index, placement in enumerate(candidates) if placement.levels == seen.names(slice(None))]

    weights = weigh([(PLAUSIBLE, [seen] * 20)])

    weighed = replace(PLAUSIBLE, weights=weights.clues, size_weight=weights.size)
    before, after = (float(model.beliefs(seen.evidence, candidates)[true].sum()) for model in (PLAUSIBLE, weighed))
    assert after > before


def test_chains_that_no_placement_explains_are_left_out() -> None:
    eleven_and_four = true_chain("C7", "S1", thoracic=11, lumbar=4)
    usual = [true_chain("T9", "S1")] * 5

    with_it, without = (weigh([(PLAUSIBLE, chains)]) for chains in ([*usual, eleven_and_four], usual))
    assert with_it.clues == pytest.approx(without.clues)


def test_every_chain_is_weighed_by_the_model_that_it_comes_with() -> None:
    shares = dict(PLAUSIBLE.shares)
    rows = dict(shares[Clue.SACRUM_BELOW])
    rows[Kind.LUMBAR], rows[Kind.LAST_LUMBAR] = rows[Kind.LAST_LUMBAR], rows[Kind.LUMBAR]
    misleading = replace(PLAUSIBLE, shares=shares | {Clue.SACRUM_BELOW: rows})
    some, others = [true_chain("T10", "L5")] * 100, [true_chain("T10", "L4")] * 100

    weights = [
        weigh(counted).clues[Clue.SACRUM_BELOW]
        for counted in (
            [(misleading, some), (PLAUSIBLE, others)],
            [(PLAUSIBLE, others), (misleading, some)],
            [(PLAUSIBLE, some), (misleading, [])],
        )
    ]

    assert weights[0] == pytest.approx(weights[1], abs=1e-3)
    assert weights[0] < 0.5
    assert weights[2] > 0.9


def test_weights_are_those_under_which_names_are_believed_best_also_where_ribs_speak_against_votes() -> None:
    """T8 to L3 whose T12 looks lumbar and has long ribs: beliefs know more of those than was counted."""
    seen = true_chain("T8", "L3")
    odd = [
        replace(body, lumbar=1.0, thoracic=0.0, rib_mm=(45.0, 45.0)) if place.kind is Kind.LAST_THORACIC else body
        for body, place in zip(seen.evidence, places("T8", "L3"), strict=True)
    ]
    chains = [replace(seen, evidence=tuple(odd))] * 20
    found = weigh([(PLAUSIBLE, chains)])
    candidates = placements(len(odd))
    true = [index for index, placement in enumerate(candidates) if placement.levels == seen.names(slice(None))]

    def surprise(lumbar_votes: float) -> float:
        weights = {**found.clues, Clue.LUMBAR_VOTE: lumbar_votes}
        model = replace(PLAUSIBLE, weights=weights, size_weight=found.size)
        right = float(model.beliefs(odd, candidates)[true].sum())
        # drawn to 1 as by a normal distribution of variance 1 / 6
        return -len(chains) * math.log(right) + 0.5 * 6.0 * (lumbar_votes - 1.0) ** 2

    assert surprise(found.clues[Clue.LUMBAR_VOTE]) <= min(surprise(weight) for weight in np.linspace(0.0, 1.0, 51))
