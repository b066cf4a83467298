"""What is said of fractures where slices hide them."""

from __future__ import annotations

from dataclasses import replace

from models.fracture_words import LOOKED_FOR, THICK_SLICES, told_of_fractures
from node.domain.finding import VertebraFinding
from node.domain.height_loss import Deformity, HeightLoss
from node.domain.levels import VertebralLevel
from tests.builders.results import measured


def with_loss(percent: float, fractured_from: float = 20.0) -> VertebraFinding:
    loss = HeightLoss(
        deformity=Deformity.WEDGE, percent=percent, standard_uncertainty=13.0, fractured_from=fractured_from
    )
    return replace(measured(VertebralLevel.L1, hu=98.0, segment_value=20), height_loss=loss)


def test_a_mild_loss_that_healthy_bodies_may_read_is_told_of_a_vertebra_that_is_measured() -> None:
    told = told_of_fractures([with_loss(22.0, fractured_from=25.0)])

    assert told[0] == (
        "L1 may be fractured: it seems to have lost 22 % of its height, with a standard uncertainty of 13, and in "
        "slices as thick healthy vertebrae seem to as well."
    )
    assert told[1:] == (THICK_SLICES, LOOKED_FOR)


def test_a_loss_that_is_none_is_not_told() -> None:
    assert told_of_fractures([with_loss(12.0, fractured_from=25.0)]) == (THICK_SLICES, LOOKED_FOR)
    assert told_of_fractures([with_loss(12.0)]) == (LOOKED_FOR,)
