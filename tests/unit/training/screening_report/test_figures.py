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
from training.statistics.agreement import BlandAltman
from training.statistics.estimate import Estimate, NotEstimable, PairedTest

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
    without = replace(judged[5], fused=None)

    figures = figures_of("all", [*judged[:5], without, *judged[6:]], CARD)

    assert [model.scans for model in figures.models] == [35, 36]
    assert [each.of for each in figures.fused_against_alone] == [*map(str, BoneCategory), "mean"]
    mean = figures.fused_against_alone[-1].test
    assert isinstance(mean, PairedTest)
    assert mean.difference.value > 0.0
    assert mean.difference.cases == 35
    assert 0.0 < mean.p_value < 1.0


def test_a_plain_ct_number_is_compared_on_what_it_can_order() -> None:
    judged = judged_scans(12, wrong=(0, 13, 25))

    differences = figures_of("all", judged, CARD).alone_against_plain

    # the CT numbers are in perfect order, model 2 is not
    assert [each.of for each in differences] == ["normal", "osteoporosis", "mean"]
    assert isinstance(differences[-1].test, PairedTest)
    assert differences[-1].test.difference.value < 0.0


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
    assert isinstance(agreement.plain_correlation, Estimate)
    assert agreement.plain_correlation.value == pytest.approx(1.0, abs=1e-6)


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
