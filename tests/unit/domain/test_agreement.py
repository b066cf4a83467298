"""When the measurement and the classifier contradict each other."""

from __future__ import annotations

import pytest

from node.domain.agreement import why_they_disagree
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.calibration import CalibrationMethod
from node.domain.reasons import ReasonCode
from tests.builders.answers import NORMAL, OSTEOPENIA, OSTEOPOROSIS, answer


def density(value: float, *, uncertainty: float = 2.0) -> MeanDensity:
    return MeanDensity(value=value, standard_uncertainty=uncertainty, calibration=CalibrationMethod.ASYNCHRONOUS)


@pytest.mark.parametrize(
    ("value", "probabilities"), [(140.0, NORMAL), (100.0, OSTEOPENIA), (60.0, OSTEOPOROSIS), (82.0, OSTEOPOROSIS)]
)
def test_a_category_that_the_interval_reaches_is_no_contradiction(
    value: float, probabilities: tuple[float, float, float]
) -> None:
    """82 with a standard uncertainty of 2 reaches to 78: below 80, the limit of osteoporosis."""
    assert why_they_disagree(None, density(value), answer(probabilities)) is None


@pytest.mark.parametrize(
    ("value", "probabilities"), [(140.0, OSTEOPENIA), (90.0, OSTEOPOROSIS), (60.0, OSTEOPENIA), (60.0, NORMAL)]
)
def test_a_category_beyond_the_interval_is_one(value: float, probabilities: tuple[float, float, float]) -> None:
    reason = why_they_disagree(None, density(value), answer(probabilities))
    assert reason is not None
    assert reason.code is ReasonCode.ANSWERS_DISAGREE


def test_the_reason_tells_both_answers_with_their_numbers() -> None:
    reason = why_they_disagree(None, density(100.0), answer(OSTEOPOROSIS))
    assert reason is not None
    assert reason.detail == (
        "The measurement says osteopenia (100 mg/cm3, 96 to 104), the classifier osteoporosis (probability 0.90)."
    )


def test_what_is_not_calibrated_is_called_a_score() -> None:
    reason = why_they_disagree(None, density(100.0), answer(OSTEOPOROSIS, calibrated=False))
    assert reason is not None
    assert "score 0.90" in reason.detail


@pytest.mark.parametrize(
    ("band", "probabilities", "contradicts"),
    [
        (HuBand.LOW, NORMAL, True),
        (HuBand.LOW, OSTEOPENIA, False),
        (HuBand.LOW, OSTEOPOROSIS, False),
        (HuBand.HIGH, OSTEOPOROSIS, True),
        (HuBand.HIGH, NORMAL, False),
        (HuBand.INDETERMINATE, NORMAL, False),
        (HuBand.INDETERMINATE, OSTEOPOROSIS, False),
    ],
)
def test_without_a_density_the_band_contradicts_the_other_end_alone(
    band: HuBand, probabilities: tuple[float, float, float], contradicts: bool
) -> None:
    assert (why_they_disagree(band, None, answer(probabilities)) is not None) is contradicts


@pytest.mark.parametrize(
    ("value", "uncertainty", "contradicts"),
    [(140.0, 2.0, True), (100.0, 2.0, False), (60.0, 2.0, True), (118.0, 2.0, False)],
)
def test_an_undecided_classifier_contradicts_a_density_that_it_gives_less_than_half(
    value: float, uncertainty: float, contradicts: bool
) -> None:
    """118 with a standard uncertainty of 2 reaches to 122: osteopenia and normal, which have 0.76 together."""
    found = why_they_disagree(None, density(value, uncertainty=uncertainty), answer((0.32, 0.44, 0.24)))

    assert (found is not None) is contradicts


def test_an_undecided_classifier_contradicts_no_band() -> None:
    assert why_they_disagree(HuBand.LOW, None, answer((0.45, 0.3, 0.25))) is None


def test_a_density_is_asked_before_the_band() -> None:
    assert why_they_disagree(HuBand.LOW, density(140.0), answer(NORMAL)) is None


def test_one_answer_alone_contradicts_nothing() -> None:
    assert why_they_disagree(HuBand.LOW, density(60.0), None) is None
    assert why_they_disagree(None, None, answer(NORMAL)) is None
