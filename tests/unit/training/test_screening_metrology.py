"""Figures of the screening set, by numbers that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from node.domain.bone_category import BoneCategory
from node.domain.calibration import CalibrationMethod
from node.domain.levels import VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.screening_spec import SMALL
from training.evaluation.screening.metrology import (
    Said,
    agreement,
    core_errors,
    coverage,
    evaluated,
    refusals,
    repeatability_percent,
    said,
)
from training.evaluation.screening.outcome import CoreOutcome, DensityOutcome, ScanOutcome
from training.heldout.screening.spec import Fault, Reach, ScreeningSpec
from training.statistics.agreement import BlandAltman
from training.statistics.estimate import Estimate, NotEstimable

SPEC = replace(SMALL, number=0, bmd_mg_cm3=100.0, reach=Reach.CHEST, slice_mm=1.0)


def outcome(
    measured: float | None, *, true: float = 100.0, spec: ScreeningSpec = SPEC, errors: tuple[float, ...] = ()
) -> ScanOutcome:
    density = None
    if measured is not None:
        interval = (measured - 10.0, measured + 10.0)
        density = DensityOutcome(mg_cm3=measured, interval_95=interval, method=CalibrationMethod.ASYNCHRONOUS)
    cores = tuple(CoreOutcome(level=VertebralLevel.L1, hu=130.0 + error, true_hu=130.0) for error in errors)
    return ScanOutcome(spec=spec, true_mg_cm3=true, cores=cores, density=density, refusals=frozenset())


def faulty(fault: Fault, *codes: ReasonCode, measured: float | None = None) -> ScanOutcome:
    spec = replace(SPEC, fault=fault, kvp=80.0)
    return replace(outcome(measured, spec=spec), refusals=frozenset(codes))


def test_an_outcome_lists_its_refusals_in_one_order() -> None:
    written = TypeAdapter(ScanOutcome).dump_python(faulty(Fault.METAL, *ReasonCode), mode="json")

    assert written["refusals"] == sorted(ReasonCode)


def test_the_share_of_scans_that_were_evaluated_leaves_out_those_that_must_not_be() -> None:
    found = evaluated([outcome(100.0), outcome(None), faulty(Fault.LOW_TUBE_VOLTAGE)])
    assert isinstance(found, Estimate)
    assert (found.value, found.cases) == (0.5, 2)


def test_core_errors_have_their_sign_their_size_and_their_largest() -> None:
    thick = replace(SPEC, slice_mm=5.0)
    found = core_errors([outcome(100.0, errors=(3.0, -1.0)), outcome(100.0, spec=thick, errors=(-8.0,))])
    assert (found["1 mm"].mean_absolute, found["1 mm"].bias, found["1 mm"].largest) == (2.0, 1.0, 3.0)
    assert (found["5 mm"].cores, found["5 mm"].bias) == (1, -8.0)


def test_an_interval_holds_the_truth_up_to_its_ends() -> None:
    held = coverage([outcome(110.0), outcome(111.0), outcome(90.0), outcome(89.0)], lambda each: "all")
    (stratum,) = held
    assert isinstance(stratum.coverage, Estimate)
    assert stratum.coverage.value == 0.5
    assert not stratum.is_honest


@pytest.mark.parametrize(("held", "of", "honest"), [(27, 27, True), (26, 27, True), (20, 27, False), (150, 150, False)])
def test_a_stratum_is_honest_where_wilson_lets_95_percent_be_true(held: int, of: int, honest: bool) -> None:
    """150 of 150: Wilson's lower end is 150 / (150 + 1.96^2) = 0.975."""
    outcomes = [outcome(100.0)] * held + [outcome(120.0)] * (of - held)
    (stratum,) = coverage(outcomes, lambda each: "all")
    assert stratum.is_honest is honest


def test_strata_are_kept_apart_and_what_has_no_density_is_in_none() -> None:
    thick = replace(SPEC, slice_mm=5.0)
    outcomes = [outcome(100.0), outcome(100.0, spec=thick), outcome(None)]
    found = coverage(outcomes, lambda each: f"{each.spec.slice_mm:g} mm")
    assert [(each.name, each.coverage.cases) for each in found if isinstance(each.coverage, Estimate)] == [
        ("1 mm", 1),
        ("5 mm", 1),
    ]


def test_densities_that_are_four_or_six_too_high_by_turns_have_a_bias_of_five() -> None:
    outcomes = [outcome(true + 5.0 + (-1.0) ** (true // 10), true=true) for true in range(30, 190, 10)]
    altman, pearson = agreement(outcomes)
    assert isinstance(altman, BlandAltman)
    assert altman.bias.value == pytest.approx(5.0)
    # sixteen differences, each 1 off the mean
    assert altman.spread == pytest.approx((16.0 / 15.0) ** 0.5)
    assert isinstance(pearson, Estimate)
    assert 0.999 < pearson.value < 1.0


def test_agreement_of_too_few_is_no_figure() -> None:
    altman, _ = agreement([outcome(100.0), outcome(90.0)])
    assert isinstance(altman, NotEstimable)


def test_a_refusal_counts_as_right_only_by_its_code() -> None:
    found = refusals(
        [
            faulty(Fault.LOW_TUBE_VOLTAGE, ReasonCode.TUBE_VOLTAGE),
            faulty(Fault.LOW_TUBE_VOLTAGE, ReasonCode.NO_SPINE),
            faulty(Fault.LOW_TUBE_VOLTAGE, ReasonCode.TUBE_VOLTAGE, measured=100.0),
        ]
    )
    (low,) = found
    assert (low.scans, low.silent, low.right) == (3, 2, 1)


def test_repeatability_is_the_root_mean_square_of_coefficients_of_variation() -> None:
    """99 and 101 vary by 1.414 %, 100 and 100 by nothing: the root of the mean of 2 and 0 is 1."""
    assert repeatability_percent([(99.0, 101.0), (100.0, 100.0)]) == pytest.approx(1.0)
    assert repeatability_percent([]) is None


def test_categories_are_right_wrong_withheld_or_not_there() -> None:
    """The truth is 100 mg/cm3, osteopenia."""
    low, true = BoneCategory.OSTEOPOROSIS, BoneCategory.OSTEOPENIA
    contradicted = replace(outcome(100.0), indeterminate=ReasonCode.ANSWERS_DISAGREE)
    told = [
        replace(outcome(100.0), category=true, by_density=true),
        replace(outcome(70.0), category=low, by_density=low),
        replace(contradicted, by_density=true),
        replace(contradicted, by_density=low),
        contradicted,
        outcome(None),
        faulty(Fault.METAL),
    ]
    assert said(told) == Said(scans=6, right=1, wrong=1, indeterminate=3, silent=1, withheld=1, saved=1)
