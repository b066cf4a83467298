"""Figures of answers that are made up, so that what must come out is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.card import Threshold
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from tests.builders.judged import judged_scans, shuffled
from tests.builders.screening import a_card, image_of
from training.cohort.manifest import Cohort
from training.screening_fit.calibrating import threshold_name
from training.screening_report.agreement import agreement_of
from training.screening_report.evaluation import age_band, evaluate, groups_of
from training.screening_report.figures import figures_of
from training.screening_report.judged import plain_hu
from training.screening_report.plain import best_middle
from training.statistics.agreement import BlandAltman
from training.statistics.estimate import Estimate, NotEstimable, PairedTest
from training.statistics.roc import binary_area

CARD = a_card()


def test_a_model_that_is_always_right_has_areas_of_one_and_no_brier_of_its_own_making() -> None:
    fused, _ = figures_of("all", judged_scans(12), CARD).models

    assert [each.area.value for each in fused.categories if isinstance(each.area, Estimate)] == [1.0] * 3
    assert isinstance(fused.macro_area, Estimate)
    assert fused.macro_area.interval.low < 1.0
    assert fused.confusion == ((12, 0, 0), (0, 12, 0), (0, 0, 12))
    assert isinstance(fused.accuracy, Estimate)
    assert fused.accuracy.value == 1.0
    # told 0.9 - 0.001 n of the right one: (q^2 + q^2 / 2) with q = 0.1 + 0.001 n, n from 0 to 35
    expected = np.mean([1.5 * (0.1 + 0.001 * place) ** 2 for place in range(36)])
    assert isinstance(fused.brier, Estimate)
    assert fused.brier.value == pytest.approx(expected)


def test_wrong_answers_stand_in_the_row_of_the_truth() -> None:
    _, alone = figures_of("all", judged_scans(12, wrong=(0, 1, 12)), CARD).models

    assert alone.confusion == ((10, 2, 0), (0, 11, 1), (0, 0, 12))
    assert isinstance(alone.accuracy, Estimate)
    assert alone.accuracy.value == pytest.approx(33.0 / 36.0)


def test_the_order_of_scans_changes_nothing() -> None:
    judged = judged_scans(12, wrong=(3, 20))

    first, other = (figures_of("all", each, CARD) for each in (judged, shuffled(judged)))

    for one, two in zip(first.models, other.models, strict=True):
        assert one.confusion == two.confusion
        assert isinstance(one.macro_area, Estimate)
        assert isinstance(two.macro_area, Estimate)
        assert one.macro_area.value == pytest.approx(two.macro_area.value)


def test_model_1_is_compared_with_model_2_where_both_answer() -> None:
    judged = judged_scans(12, wrong=(0, 13, 14, 25, 30))
    without = replace(judged[5], fused=None, plain_both_hu=None)

    figures = figures_of("all", [*judged[:5], without, *judged[6:]], CARD)

    assert [model.scans for model in figures.models] == [35, 36]
    assert [each.of for each in figures.fused_against_alone] == [*map(str, BoneCategory), "mean"]
    mean = figures.fused_against_alone[-1].test
    assert isinstance(mean, PairedTest)
    assert mean.difference.value > 0.0
    assert mean.difference.cases == 35
    assert 0.0 < mean.p_value < 1.0


def test_a_plain_ct_number_is_compared_with_both_models_in_every_category() -> None:
    judged = judged_scans(12, wrong=(0, 13, 25))

    figures = figures_of("all", judged, CARD)

    # the CT numbers are in perfect order, as model 1 is, and model 2 is not
    for against, expected in ((figures.fused_against_plain, 0.0), (figures.alone_against_plain, -0.05)):
        assert [each.of for each in against.differences] == [*map(str, BoneCategory), "mean"]
        assert isinstance(against.plain_area, Estimate)
        assert against.plain_area.value == 1.0
        mean = against.differences[-1].test
        assert isinstance(mean, PairedTest)
        assert mean.difference.value <= expected


def test_model_1_is_held_against_l1_and_l2_where_both_are_there() -> None:
    judged = judged_scans(12)
    without = replace(judged[5], fused=None, plain_both_hu=None)

    figures = figures_of("all", [*judged[:5], without, *judged[6:]], CARD)

    tests = (figures.fused_against_plain.differences[-1].test, figures.alone_against_plain.differences[-1].test)
    assert [test.difference.cases for test in tests if isinstance(test, PairedTest)] == [35, 36]
    # 1.25 HU for each mg/cm3: 100 to 106 lie in the middle, less 2 HU in the mean of L1 and L2
    assert figures.alone_against_plain.middle_hu == pytest.approx(128.75, abs=35.0)
    assert figures.fused_against_plain.middle_hu == pytest.approx(126.75, abs=35.0)


def test_the_middle_of_a_ct_number_is_the_best_that_any_could_be() -> None:
    rng = np.random.default_rng(3)
    hu = np.concatenate((rng.normal(130.0, 15.0, 40), rng.normal(160.0, 30.0, 60), rng.normal(90.0, 25.0, 50)))
    # CT numbers that are alike tell nothing apart
    hu[:5] = hu[40:45]
    is_middle = np.arange(150) < 40

    best = best_middle(hu, is_middle)

    def area(middle: float) -> float:
        return float(binary_area(is_middle, -np.abs(hu - middle)).values[0])

    assert area(best) >= max(map(area, np.arange(0.0, 300.0, 0.05).tolist())) - 1e-12


def test_a_middle_that_lies_outside_of_all_is_an_order_by_the_number_itself() -> None:
    hu, is_middle = np.array([10.0, 20.0, 30.0, 40.0]), np.array([True, True, False, False])

    assert binary_area(is_middle, -np.abs(hu - best_middle(hu, is_middle))).values[0] == 1.0


def test_without_scans_of_the_middle_category_there_is_no_middle_and_no_figure() -> None:
    judged = [each for each in judged_scans(12) if each.scan.category is not BoneCategory.OSTEOPENIA]

    against = figures_of("all", judged, CARD).alone_against_plain

    assert against.middle_hu is None
    assert isinstance(against.plain_area, NotEstimable)
    assert isinstance(against.differences[-1].test, NotEstimable)
    assert isinstance(against.differences[0].test, PairedTest)


def test_a_scan_has_a_sound_l2_for_the_model_and_the_ct_number_or_for_neither() -> None:
    with pytest.raises(ValueError, match="for neither"):
        replace(judged_scans(1)[0], plain_both_hu=None)


def test_a_brier_score_stands_beside_that_of_telling_shares_alone() -> None:
    fused, _ = figures_of("all", judged_scans(12), CARD).models
    empty, _ = figures_of("all", [], CARD).models

    # a third each: (2/3)^2 + 2 (1/3)^2
    assert fused.brier_reference == pytest.approx(2.0 / 3.0)
    assert empty.brier_reference is None


def test_thresholds_of_the_card_have_their_sensitivity_and_specificity() -> None:
    name = threshold_name(ClassifierMethod.L1, BoneCategory.OSTEOPOROSIS)
    card = replace(CARD, thresholds=(Threshold(name=name, value=0.5),))

    _, alone = figures_of("all", judged_scans(12, wrong=(24, 25, 26)), card).models

    point = alone.categories[2].working_point
    assert point is not None
    assert isinstance(point.sensitivity, Estimate)
    assert isinstance(point.specificity, Estimate)
    assert (point.sensitivity.value, point.specificity.value) == (0.75, 1.0)
    assert alone.categories[0].working_point is None


def test_too_few_scans_give_reasons_and_no_figures() -> None:
    figures = figures_of("all", judged_scans(3), CARD)

    for model in figures.models:
        for value in (model.macro_area, model.brier, model.kappa):
            assert isinstance(value, NotEstimable)
            assert "too few" in value.because


def test_a_reliability_curve_tells_how_often_it_was_so() -> None:
    fused, alone = figures_of("all", judged_scans(12, wrong=(0, 1, 2)), CARD).models

    # three of twelve normal scans are told as osteopenia with 0.9, and all others right: bins are thirds
    low, high = alone.categories[0].reliability
    assert (low.observed.value, low.observed.cases) == (3.0 / 27.0, 27)
    assert (high.observed.value, high.observed.cases) == (1.0, 9)
    assert fused.categories[0].reliability[1].told == pytest.approx(np.mean([0.9 - 0.001 * n for n in range(12)]))
    assert figures_of("all", judged_scans(6), CARD).models[0].categories[0].reliability == ()


def test_a_missing_category_is_named() -> None:
    judged = [each for each in judged_scans(12) if each.scan.category is not BoneCategory.OSTEOPENIA]

    fused, _ = figures_of("all", judged, CARD).models

    assert fused.macro_area == NotEstimable(because="no scans with osteopenia")


def test_scans_are_parted_by_what_varies_alone() -> None:
    names = [name for name, _ in groups_of(judged_scans(12))]

    assert names == [
        "site: north",
        "site: south",
        "sex: F",
        "sex: M",
        "age: 50 to 59",
        "age: 60 to 69",
        "age: 70 to 79",
    ]


@pytest.mark.parametrize(
    ("years", "band"),
    [(None, "unknown"), (49.9, "below 50"), (50.0, "50 to 59"), (79.9, "70 to 79"), (80.0, "80 and above")],
)
def test_ages_are_told_by_decade(years: float | None, band: str) -> None:
    assert age_band(replace(judged_scans(1)[0].scan, age_years=years)) == band


def test_measurements_are_compared_with_quantitative_ct_where_both_are_there() -> None:
    judged = judged_scans(12)

    agreement = agreement_of(judged)

    # differences are -2 and 4 by turns
    assert isinstance(agreement.measured, BlandAltman)
    assert agreement.measured.bias.value == pytest.approx(1.0)
    assert agreement.measured.bias.cases == 36
    assert isinstance(agreement.measured_correlation, Estimate)
    assert agreement.measured_correlation.value == pytest.approx(0.998, abs=0.002)
    # CT numbers that follow from the density leave no chance to tell of
    assert isinstance(agreement.plain_correlation, NotEstimable)


def test_without_measurements_there_is_no_agreement() -> None:
    judged = [replace(each, scan=replace(each.scan, measured_mg_cm3=None)) for each in judged_scans(12)]

    assert isinstance(agreement_of(judged).measured, NotEstimable)


def test_the_plain_ct_number_is_that_of_marrow() -> None:
    assert plain_hu(image_of(137.0)) == 137.0


def test_an_evaluation_says_whose_weights_and_which_scans() -> None:
    found = evaluate(
        judged_scans(12), [], card=CARD, cohort=Cohort.TEST, manifest_sha256="2" * 64, limitations=("One.",)
    )

    assert (found.weights_sha256, found.cohort, found.overall.scans) == (CARD.weights_sha256, Cohort.TEST, 36)
    assert found.limitations == ("One.",)
