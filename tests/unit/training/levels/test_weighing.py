"""Clues weigh as much as they are worth, and calibrated probabilities are how often names are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.levels.clues import BINS, Clue
from models.levels.model import LevelModel
from models.levels.placements import Kind
from models.levels.plausible import PLAUSIBLE
from tests.builders.level_chains import chain, places
from training.levels.calibrating import JudgedScan, calibrate, judge
from training.levels.chains import TrueChain
from training.levels.weighing import weigh


def test_a_clue_that_misleads_weighs_nothing_and_one_that_tells_weighs_all() -> None:
    backwards = dict(PLAUSIBLE.shares[Clue.SACRUM_BELOW])
    backwards[Kind.LUMBAR], backwards[Kind.LAST_LUMBAR] = backwards[Kind.LAST_LUMBAR], backwards[Kind.LUMBAR]
    shares = {clue: dict.fromkeys(Kind, (1.0 / BINS[clue],) * BINS[clue]) for clue in Clue}
    shares |= {Clue.RIB: dict(PLAUSIBLE.shares[Clue.RIB]), Clue.SACRUM_BELOW: backwards}
    model = LevelModel(shares=shares, weights=dict.fromkeys(Clue, 0.5))
    shown = places("T10", "L5")

    weighed = weigh(model, [TrueChain(evidence=chain(shown), truth=shown)] * 30)

    assert weighed.weights[Clue.RIB] == pytest.approx(1.0)
    assert weighed.weights[Clue.SACRUM_BELOW] == pytest.approx(0.0)
    # what says nothing keeps the weight that is expected
    assert weighed.weights[Clue.VOTE] == pytest.approx(0.5, abs=1e-3)


def test_chains_that_no_placement_explains_are_left_out() -> None:
    unseen = places("T8", "S1", thoracic=11)

    assert weigh(PLAUSIBLE, [TrueChain(evidence=chain(unseen), truth=unseen)]).weights == pytest.approx(
        dict.fromkeys(Clue, 0.5)
    )


def test_only_bodies_that_rest_on_a_landmark_are_judged() -> None:
    seen, unseen = places("T9", "S1"), places("T3", "T8")

    assert judge(TrueChain(evidence=chain(unseen), truth=unseen), PLAUSIBLE).odds == ()
    assert judge(TrueChain(evidence=chain(seen), truth=seen), PLAUSIBLE).right == (True,) * len(seen)


def test_a_body_that_is_none_and_gets_a_name_is_wrong() -> None:
    shown = places("T9", "S1")

    judged = judge(TrueChain(evidence=chain(shown), truth=(None, *shown[1:])), PLAUSIBLE)

    assert judged.right == (False, *(True,) * (len(shown) - 1))


def test_a_calibration_finds_the_curve_that_names_were_right_by() -> None:
    rng = np.random.default_rng(5)
    odds = rng.uniform(-2.0, 8.0, 4000)
    right = rng.random(4000) < 1.0 / (1.0 + np.exp(-(0.6 * odds - 0.5)))

    fitted = calibrate(
        (JudgedScan(odds=(float(value),), right=(bool(each),)) for value, each in zip(odds, right, strict=True)),
        "scans",
    )

    assert fitted.slope == pytest.approx(0.6, abs=0.06)
    assert fitted.intercept == pytest.approx(-0.5, abs=0.15)
    assert fitted.data == "4000 scans"


def test_ten_right_scans_do_not_make_ninety_nine_in_a_hundred() -> None:
    few, many = (
        calibrate((JudgedScan(odds=(8.0, 8.0), right=(True, True)) for _ in range(count)), "scans")
        for count in (10, 1000)
    )

    posterior = 1.0 / (1.0 + np.exp(-8.0))
    assert few.probability(posterior) == pytest.approx(11 / 12, abs=0.01)
    assert many.probability(posterior) > 0.995


def test_a_scan_of_many_bodies_counts_as_one() -> None:
    wrong = [JudgedScan(odds=(2.0,) * 20, right=(False,) * 20)] * 10
    right = [JudgedScan(odds=(2.0,), right=(True,))] * 90

    fitted = calibrate([*wrong, *right], "scans")

    assert fitted.probability(1.0 / (1.0 + np.exp(-2.0))) == pytest.approx(0.9, abs=0.02)


def test_calibration_belongs_to_the_model_that_was_judged() -> None:
    shown = places("T9", "S1")
    truth = TrueChain(evidence=chain(shown), truth=shown)
    blind = replace(PLAUSIBLE, weights=dict.fromkeys(Clue, 0.01))

    assert max(judge(truth, blind).odds, default=0.0) < min(judge(truth, PLAUSIBLE).odds)
