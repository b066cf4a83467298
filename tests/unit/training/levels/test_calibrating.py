"""Calibrated probabilities are how often names are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.levels.clues import Clue
from models.levels.plausible import PLAUSIBLE
from tests.builders.level_chains import true_chain
from training.levels.calibrating import JudgedScan, calibrate, judge


def one(odds: float, *, right: bool) -> JudgedScan:
    return JudgedScan(odds=(odds,), right=(right,))


def believed(odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-odds)))


def test_only_bodies_that_rest_on_a_landmark_are_judged() -> None:
    seen, unseen = (judge(true_chain(*ends), PLAUSIBLE) for ends in (("T9", "S1"), ("T3", "T8")))

    assert unseen.odds == ()
    # S1 has no name
    assert len(seen.odds) == 9


def test_the_likeliest_name_of_each_body_is_judged() -> None:
    judged = judge(true_chain("T9", "S1"), PLAUSIBLE)

    assert judged.right == (True,) * 9
    assert min(judged.odds) > 0.0


def test_a_body_that_is_none_makes_its_names_wrong() -> None:
    chain = true_chain("T9", "S1")

    judged = judge(replace(chain, truth=(None, *chain.truth[1:])), PLAUSIBLE)

    assert sum(judged.right) == 8


def test_eleven_thoracic_vertebrae_that_cannot_be_counted_are_judged_as_readers_name_them() -> None:
    judged = judge(true_chain("T8", "S1", thoracic=11), PLAUSIBLE)

    assert sum(judged.right) == 9


def test_thoracic_names_that_are_told_and_never_given_are_not_judged() -> None:
    chain = true_chain("C7", "S1", thoracic=11)

    judged = judge(chain, PLAUSIBLE)

    # L1 to L5; the best placement has eleven thoracic vertebrae, which a count from T1 alone does not name
    assert judged.right == (True,) * 5


def test_names_that_a_first_thoracic_vertebra_beyond_a_break_speaks_against_are_not_judged() -> None:
    whole = true_chain("C6", "L3", thoracic=11)
    broken = replace(
        whole,
        evidence=(*whole.evidence[:4], *whole.evidence[5:]),
        truth=(*whole.truth[:4], *whole.truth[5:]),
    )

    assert judge(broken, PLAUSIBLE).right == ()


def test_a_calibration_finds_the_curve_that_names_were_right_by() -> None:
    rng = np.random.default_rng(5)
    odds = rng.uniform(-4.0, 8.0, 4000)
    right = rng.random(4000) < 1.0 / (1.0 + np.exp(-(0.6 * odds - 0.5)))

    fitted = calibrate([one(float(value), right=bool(each)) for value, each in zip(odds, right, strict=True)], data="x")

    assert fitted.slope == pytest.approx(0.6, abs=0.06)
    assert fitted.intercept == pytest.approx(-0.5, abs=0.15)
    assert fitted.data == "x"


def test_where_all_names_were_right_they_are_as_probable_as_they_are_believed() -> None:
    scans = [one(best, right=True) for best in np.linspace(0.5, 10.0, 300).tolist()]

    fitted = calibrate(scans, data="x")

    assert fitted.probability(0.5) == 0.5
    assert fitted.probability(0.99) == 0.99


def test_ten_right_scans_do_not_make_ninety_nine_in_a_hundred() -> None:
    few, many = (calibrate([JudgedScan(odds=(8.0, 8.0), right=(True, True))] * count, data="x") for count in (10, 1000))

    assert few.probability(believed(8.0)) == pytest.approx(11 / 12, abs=0.01)
    assert many.probability(believed(8.0)) > 0.995


def test_no_name_is_more_probable_than_it_is_believed() -> None:
    fitted = calibrate([one(1.0, right=True)] * 1000, data="x")

    assert fitted.probability(0.6) == 0.6


def test_a_scan_of_many_bodies_counts_as_one() -> None:
    wrong = [JudgedScan(odds=(4.0,) * 20, right=(False,) * 20)] * 10
    right = [one(4.0, right=True)] * 90

    assert calibrate([*wrong, *right], data="x").probability(believed(4.0)) == pytest.approx(0.9, abs=0.02)


def test_calibration_belongs_to_the_model_that_was_judged() -> None:
    chain = true_chain("T9", "S1")
    humble = replace(PLAUSIBLE, weights=dict.fromkeys(Clue, 0.3))

    assert 0.0 < max(judge(chain, humble).odds) < max(judge(chain, PLAUSIBLE).odds)
