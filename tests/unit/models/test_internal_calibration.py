"""Calibration by the patient's own tissues, against scans whose energy and scale are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.bone import measure_bone
from models.crops import SpineCrops
from models.density import DensityRule
from models.internal_calibration import LEAST_ERROR_MG_CM3, calibrate_internally
from models.photons import ADIPOSE, HYDROXYAPATITE, LIPID, MUSCLE
from node.domain.calibration import Calibration, CalibrationMethod
from node.domain.levels import VertebralLevel
from node.domain.measurement import NORMAL_95, Measurement, NotMeasurable, Quantity
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import TissueReferences
from tests.builders.acquisitions import AT_120_KV, CALIBRATED, FORCE_120
from tests.builders.body_crops import Body, crop_of
from tests.builders.tissues import tissues
from tests.unit.models.test_density import CORE

BY_TISSUES = DensityRule(acquisition=FORCE_120, references=tissues(), internal_calibration=True)


def calibrated(references: TissueReferences, *, kvp: float = 120.0, near_hu: float = 150.0) -> Calibration:
    answer = calibrate_internally(references, kvp, near_hu=near_hu)
    assert isinstance(answer, Calibration), answer
    return answer


def fat_hu(energy_kev: float, muscle_hu: float = 50.0) -> float:
    """Fat beside such muscle at an energy: seven tenths lipid, three tenths adipose tissue by ICRU report 44."""
    below = 0.7 * LIPID.hounsfield(energy_kev) + 0.3 * ADIPOSE.hounsfield(energy_kev) - MUSCLE.hounsfield(energy_kev)
    return muscle_hu + below


def test_usual_tissues_give_the_line_of_mineral_at_the_usual_energy() -> None:
    line = calibrated(tissues(fat=fat_hu(70.0)))

    assert line.method is CalibrationMethod.INTERNAL
    # 130.7 HU are 100 mg/cm3 of mineral in water at 70 keV
    assert line.density(130.7) == pytest.approx(100.0, abs=0.5)
    assert line.density(0.0) == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(("kvp", "mg_cm3"), [(100.0, 100.0 / 1.497), (140.0, 100.0 / 1.188)])
def test_as_bright_bone_holds_less_mineral_at_a_lower_voltage(kvp: float, mg_cm3: float) -> None:
    energy = {100.0: 64.0, 140.0: 75.0}[kvp]

    assert calibrated(tissues(fat=fat_hu(energy)), kvp=kvp).density(100.0) == pytest.approx(mg_cm3, abs=0.5)


def test_an_offset_of_the_scanner_is_taken_out_in_part() -> None:
    line = calibrated(tissues(air=-992.0, fat=fat_hu(70.0) + 8.0, muscle=58.0, blood=50.0))

    assert 100.0 < line.density(130.7 + 8.0) < calibrated(tissues(fat=fat_hu(70.0))).density(130.7 + 8.0) - 1.5


def test_dark_fat_tells_of_a_low_energy_and_weighs_little() -> None:
    usual, dark = (calibrated(tissues(fat=fat_hu(energy))).slope_mg_cm3_per_hu for energy in (70.0, 62.0))

    assert 1.0 / HYDROXYAPATITE.hu_per_mg_cm3(66.0) < dark < usual


def test_no_density_is_surer_than_the_method_was_found_to_be() -> None:
    assert calibrated(tissues(), near_hu=100.0).standard_error_mg_cm3 == LEAST_ERROR_MG_CM3
    assert calibrated(tissues(), near_hu=330.0).standard_error_mg_cm3 > LEAST_ERROR_MG_CM3


def test_the_interval_holds_the_truth_where_energies_tissues_and_scanners_differ() -> None:
    rng = np.random.default_rng(20_261)
    inside = 0
    for _ in range(400):
        energy, muscle, blood = rng.normal(70.0, 4.0), rng.normal(50.0, 10.0), rng.normal(42.0, 8.0)
        gain, offset = rng.normal(1.0, 0.01), rng.normal(0.0, 4.0)
        density = rng.uniform(20.0, 200.0)
        air, fat, muscle, blood, bone = (
            (hu - offset) / gain
            for hu in (
                -1000.0,
                fat_hu(energy, muscle) + rng.normal(0.0, 7.0),
                muscle,
                blood,
                density * HYDROXYAPATITE.hu_per_mg_cm3(energy),
            )
        )
        answer = calibrate_internally(tissues(air=air, fat=fat, muscle=muscle, blood=blood), 120.0, near_hu=bone)
        if isinstance(answer, Calibration):
            inside += abs(answer.density(bone) - density) <= NORMAL_95 * answer.uncertainty(0.0)
        else:
            inside += 1
    assert inside / 400 >= 0.95


@pytest.mark.parametrize("missing", ["air", "fat", "muscle"])
def test_what_is_missing_is_named(missing: str) -> None:
    references = {
        "air": tissues(air=None),
        "fat": tissues(fat=None),
        "muscle": tissues(muscle=None),
    }[missing]

    answer = calibrate_internally(references, 120.0, near_hu=150.0)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NOT_CALIBRATED
    assert f"No {missing} was found" in answer.detail


@pytest.mark.parametrize(("references", "named"), [(tissues(muscle=105.0), "muscle"), (tissues(air=-930.0), "air")])
def test_tissues_that_contradict_each_other_calibrate_nothing(references: TissueReferences, named: str) -> None:
    answer = calibrate_internally(references, 120.0, near_hu=150.0)

    assert isinstance(answer, Reason)
    assert named in answer.detail


def test_tissues_calibrate_where_the_site_lets_them_and_nothing_else_does() -> None:
    assert replace(BY_TISSUES, internal_calibration=False).density(CORE) is None
    ours, sites = (
        rule.density(CORE)
        for rule in (BY_TISSUES, replace(CALIBRATED, references=tissues(), internal_calibration=True))
    )

    assert isinstance(ours, Measurement)
    assert ours.calibration is CalibrationMethod.INTERNAL
    assert ours.interval_95 is not None
    assert ours.interval_95[1] - ours.interval_95[0] > 2.0 * 1.95 * LEAST_ERROR_MG_CM3
    assert isinstance(sites, Measurement)
    assert sites.calibration is CalibrationMethod.ASYNCHRONOUS


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (replace(BY_TISSUES, references=tissues(blood=140.0)), ReasonCode.NOT_CALIBRATED),
        (replace(BY_TISSUES, references=None), ReasonCode.NOT_CALIBRATED),
        (replace(BY_TISSUES, acquisition=replace(FORCE_120, kvp=None)), ReasonCode.NOT_CALIBRATED),
        (replace(BY_TISSUES, acquisition=replace(FORCE_120, kvp=80.0)), ReasonCode.TUBE_VOLTAGE),
        (replace(BY_TISSUES, acquisition=replace(FORCE_120, kernel="LUNG")), ReasonCode.KERNEL_TOO_SHARP),
    ],
)
def test_what_tissues_cannot_calibrate_has_no_density(rule: DensityRule, code: ReasonCode) -> None:
    answer = rule.density(CORE)

    assert isinstance(answer, NotMeasurable)
    assert answer.reason.code is code


def test_the_report_says_that_no_phantom_was_there() -> None:
    crops = tuple(crop_of(Body(level=level, marrow_hu=120.0)) for level in (VertebralLevel.L1, VertebralLevel.L2))

    by_tissues = measure_bone(SpineCrops(crops=crops), BY_TISSUES)
    uncalibrated = measure_bone(SpineCrops(crops=crops), AT_120_KV)

    assert by_tissues.vertebrae[0].value(Quantity.BMD) is not None
    assert any("no phantom" in limitation for limitation in by_tissues.limitations)
    assert not any("no phantom" in limitation for limitation in uncalibrated.limitations)
