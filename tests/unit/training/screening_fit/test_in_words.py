"""What the card says of the scans that were learned from, where nobody says it in words."""

from __future__ import annotations

from dataclasses import replace

from tests.builders.manifests import known_case
from training.cohort.manifest import Cohort
from training.screening_fit.fit import in_words


def test_the_card_calls_synthetic_scans_synthetic_and_no_class_a_measurement() -> None:
    measured = known_case(150.0, Cohort.TRAINING, "a")
    drawn = replace(measured, scan=replace(measured.scan, patient="b", synthetic=True))
    told = replace(measured, scan=replace(measured.scan, patient="c", qct_mg_cm3=None))

    assert in_words([measured, drawn, told]).endswith("1 by quantitative CT, 1 synthetic, 1 by their class alone.")
