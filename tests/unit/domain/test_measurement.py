"""A number that is none, or of another kind than it says, cannot be built."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from node.domain.calibration import CalibrationMethod
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, Quantity, Unit

CORE = Measurement(
    quantity=Quantity.CORE_MEAN_HU, value=98.0, unit=Unit.HOUNSFIELD, site=VertebralLevel.L1, method="core-1"
)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        replace(CORE, value=value)


@pytest.mark.parametrize("uncertainty", [math.nan, math.inf, -1.0])
def test_an_uncertainty_is_finite_and_not_negative(uncertainty: float) -> None:
    with pytest.raises(ValueError, match="an uncertainty must be finite"):
        replace(CORE, standard_uncertainty=uncertainty)


def test_a_quantity_has_its_own_unit() -> None:
    with pytest.raises(ValueError, match="is measured in"):
        replace(CORE, unit=Unit.MG_CM3)


def test_a_density_says_how_it_was_calibrated_and_how_uncertain_it_is() -> None:
    density = {"quantity": Quantity.BMD, "unit": Unit.MG_CM3, "value": 73.0}

    with pytest.raises(ValueError, match="has a calibration"):
        replace(CORE, **density, standard_uncertainty=5.0)
    with pytest.raises(ValueError, match="how uncertain"):
        replace(CORE, **density, calibration=CalibrationMethod.PHANTOM)
    with pytest.raises(ValueError, match="has a calibration"):
        replace(CORE, calibration=CalibrationMethod.PHANTOM)
