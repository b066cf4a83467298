"""What a scan says about bone density where measurement and classifier stand side by side."""

from __future__ import annotations

import pytest

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.bone_screening import BAND_CORRECTED, BAND_DIFFERS, BoneScreening
from node.domain.calibration import CalibrationMethod
from node.domain.classifier import ClassifierAnswer, ClassifierMethod
from node.domain.levels import VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.answers import NORMAL, OSTEOPENIA, OSTEOPOROSIS, answer

LEVELS = (VertebralLevel.L1, VertebralLevel.L2)


def screening(
    *,
    mg_cm3: float | None = None,
    uncertainty: float = 5.0,
    band: HuBand | None = None,
    said: ClassifierAnswer | None = None,
) -> BoneScreening:
    density = None
    if mg_cm3 is not None:
        density = MeanDensity(
            value=mg_cm3, standard_uncertainty=uncertainty, calibration=CalibrationMethod.ASYNCHRONOUS
        )
    return BoneScreening(hu_band=band, levels=LEVELS, density=density, answer=said)


def test_a_density_alone_gives_the_category() -> None:
    found = screening(mg_cm3=70.0)
    assert (found.category, found.method, found.indeterminate) == (BoneCategory.OSTEOPOROSIS, "calibrated-bmd", None)


def test_a_classifier_alone_gives_the_category() -> None:
    found = screening(said=answer(OSTEOPENIA, method=ClassifierMethod.L1))
    assert (found.category, found.method) == (BoneCategory.OSTEOPENIA, ClassifierMethod.L1)


def test_where_both_agree_the_density_gives_the_category() -> None:
    found = screening(mg_cm3=82.0, said=answer(OSTEOPOROSIS))
    assert (found.category, found.method, found.indeterminate) == (BoneCategory.OSTEOPENIA, "calibrated-bmd", None)


def test_where_they_contradict_each_other_there_is_no_category_and_a_reason() -> None:
    found = screening(mg_cm3=140.0, said=answer(OSTEOPOROSIS))
    assert found.category is None
    assert found.method is None
    assert found.indeterminate is not None
    assert found.indeterminate.code is ReasonCode.ANSWERS_DISAGREE


def test_a_band_that_the_classifier_contradicts_leaves_no_category_either() -> None:
    found = screening(band=HuBand.LOW, said=answer(NORMAL))
    assert found.category is None
    assert found.disagreement is not None


def test_a_density_that_leaves_every_category_open_is_indeterminate() -> None:
    """100 with a standard uncertainty of 18 goes from 65 to 135: below 80 and above 120."""
    found = screening(mg_cm3=100.0, uncertainty=18.0)
    assert found.category is None
    assert found.indeterminate is not None
    assert found.indeterminate.code is ReasonCode.INTERVAL_TOO_WIDE
    assert "65 to 135 mg/cm3" in found.indeterminate.detail


def test_such_a_density_contradicts_no_classifier_and_leaves_the_category_to_it() -> None:
    found = screening(mg_cm3=100.0, uncertainty=18.0, said=answer(OSTEOPOROSIS))
    assert (found.category, found.method) == (BoneCategory.OSTEOPOROSIS, ClassifierMethod.L1_L2)


UNDECIDED = (0.3, 0.45, 0.25)


@pytest.mark.parametrize("uncertainty", [None, 18.0])
def test_an_undecided_classifier_that_is_left_alone_gives_no_category_and_a_reason(uncertainty: float | None) -> None:
    said = answer(UNDECIDED)
    found = screening(said=said) if uncertainty is None else screening(mg_cm3=100.0, uncertainty=uncertainty, said=said)

    assert (found.category, found.method) == (None, None)
    assert found.indeterminate is not None
    assert found.indeterminate.code is ReasonCode.CLASSIFIER_UNDECIDED
    assert found.indeterminate.detail == (
        "Osteopenia is the most probable one with a probability of 0.45; 0.50 is asked for."
    )


def test_a_density_that_decides_gives_the_category_beside_an_undecided_classifier() -> None:
    found = screening(mg_cm3=100.0, uncertainty=2.0, said=answer(UNDECIDED))

    assert (found.category, found.indeterminate) == (BoneCategory.OSTEOPENIA, None)


def test_half_of_the_probability_is_enough_for_a_category() -> None:
    assert answer((0.5, 0.3, 0.2)).category is BoneCategory.NORMAL
    assert answer((0.499, 0.301, 0.2)).category is None


def test_a_band_alone_gives_no_category() -> None:
    found = screening(band=HuBand.LOW)
    assert (found.category, found.method, found.indeterminate) == (None, None, None)


def test_a_screening_that_says_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="say something"):
        screening()


@pytest.mark.parametrize(("hu", "band", "told"), [(109.0, HuBand.INDETERMINATE, 1), (109.0, HuBand.LOW, 0)])
def test_a_band_that_is_not_that_of_the_number_says_that_the_number_was_corrected(
    hu: float, band: HuBand, told: int
) -> None:
    assert screening(band=band).told_of_band(hu) == (BAND_CORRECTED,) * told


@pytest.mark.parametrize(
    ("band", "mg_cm3", "told"),
    [(HuBand.LOW, 130.0, 1), (HuBand.LOW, 110.0, 0), (HuBand.HIGH, 70.0, 1), (HuBand.INDETERMINATE, 70.0, 0)],
)
def test_a_band_and_a_density_at_opposite_ends_do_not_stand_beside_each_other_in_silence(
    band: HuBand, mg_cm3: float, told: int
) -> None:
    assert screening(band=band, mg_cm3=mg_cm3).told_of_band(None) == (BAND_DIFFERS,) * told
