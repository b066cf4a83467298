"""Densities where they are calibrated, and the uncalibrated statement where its limits hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.bone import measure_bone
from models.crops import SpineCrops
from models.density import DensityRule
from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand
from node.domain.calibration import CalibrationMethod
from node.domain.contrast import ContrastPhase
from node.domain.finding import CtBoneFindings, Status
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise
from tests.builders.acquisitions import AT_120_KV, CALIBRATED, FORCE_120
from tests.builders.body_crops import Body, crop_of
from tests.builders.tissues import tissues

L1, L2 = VertebralLevel.L1, VertebralLevel.L2

CORE = Measurement(
    quantity=Quantity.CORE_MEAN_HU,
    value=130.0,
    unit=Unit.HOUNSFIELD,
    site=L1,
    method="trabecular-core-1",
    standard_uncertainty=5.0,
)


def findings_of(rule: DensityRule, *bodies: Body) -> CtBoneFindings:
    return measure_bone(SpineCrops(crops=tuple(crop_of(body) for body in bodies)), rule)


def refused(rule: DensityRule, core: Measurement | NotMeasurable = CORE) -> Reason:
    density = rule.density(core)
    assert isinstance(density, NotMeasurable)
    assert (density.quantity, density.site) == (Quantity.BMD, L1)
    return density.reason


def test_a_density_carries_its_unit_its_interval_and_where_its_equation_comes_from() -> None:
    density = CALIBRATED.density(CORE)

    assert isinstance(density, Measurement)
    assert density.value == pytest.approx(100.0)
    assert (density.unit, density.site) == (Unit.MG_CM3, L1)
    assert (density.calibration, density.calibration_name) == (CalibrationMethod.ASYNCHRONOUS, "QRM spring")
    assert density.method == "trabecular-core-1, calibration QRM spring"
    # hypot(0.8 * 5, 3) = 5 mg/cm3
    assert density.interval_95 == pytest.approx((100.0 - 9.8, 100.0 + 9.8), abs=0.01)


def test_a_site_without_calibrations_is_asked_for_no_density() -> None:
    assert AT_120_KV.density(CORE) is None


def test_no_density_is_given_where_no_calibration_holds_and_the_reason_says_what_came() -> None:
    reason = refused(replace(CALIBRATED, acquisition=replace(FORCE_120, model="Edge", kernel=None)))

    assert reason.code is ReasonCode.NOT_CALIBRATED
    assert reason.detail == "They were made by SIEMENS Edge at 120 kV, kernel unknown."


def test_no_density_is_given_with_contrast_agent() -> None:
    reason = refused(replace(CALIBRATED, acquisition=replace(FORCE_120, contrast_agent=True)))

    assert reason.code is ReasonCode.CONTRAST_AGENT


def test_a_header_that_leaves_contrast_agent_open_clears_no_scan_of_it() -> None:
    rule = replace(CALIBRATED, acquisition=replace(FORCE_120, contrast_agent=None))

    assert refused(rule).code is ReasonCode.CONTRAST_AGENT
    band = rule.band(190.0)
    assert isinstance(band, Reason)
    assert band.detail.startswith("The headers leave open whether some was given.")
    assert rule.band(90.0) is HuBand.LOW


def test_images_of_a_virtual_energy_have_neither_density_nor_band() -> None:
    rule = replace(CALIBRATED, acquisition=replace(FORCE_120, image_type=frozenset({"DERIVED", "MONO_40KEV"})))

    assert refused(rule).code is ReasonCode.SPECTRAL
    band = rule.band(90.0)
    assert isinstance(band, Reason)
    assert band.code is ReasonCode.SPECTRAL


@pytest.mark.parametrize("hu", [-400.0, 900.0])
def test_a_density_that_no_bone_has_is_refused(hu: float) -> None:
    reason = refused(CALIBRATED, replace(CORE, value=hu))

    assert reason.code is ReasonCode.IMPLAUSIBLE_DENSITY
    assert f"{hu:.0f} HU would be" in reason.detail


def test_a_core_that_was_not_measured_has_no_density_for_the_same_reason() -> None:
    reason = Reason(code=ReasonCode.ROI_TOO_SMALL)

    assert refused(CALIBRATED, NotMeasurable(quantity=Quantity.CORE_MEAN_HU, site=L1, reason=reason)) is reason


@pytest.mark.parametrize(
    ("kvp", "holds"),
    [(80.0, False), (99.0, False), (100.0, True), (120.0, True), (140.0, True), (141.0, False), (None, False)],
)
def test_the_band_is_told_at_100_to_140_kv_alone(kvp: float | None, holds: bool) -> None:
    band = replace(AT_120_KV, acquisition=replace(FORCE_120, kvp=kvp)).band(90.0)

    if holds:
        assert band is HuBand.LOW
    else:
        assert isinstance(band, Reason)
        assert band.code is ReasonCode.TUBE_VOLTAGE
        assert ("do not say" if kvp is None else f"{kvp:g} kV") in band.detail


@pytest.mark.parametrize(("hu", "told"), [(109.0, True), (111.0, False), (200.0, False)])
def test_with_contrast_agent_only_what_is_low_can_be_told(hu: float, told: bool) -> None:
    band = replace(AT_120_KV, acquisition=replace(FORCE_120, contrast_agent=True)).band(hu)

    if told:
        assert band is HuBand.LOW
    else:
        assert isinstance(band, Reason)
        assert band.code is ReasonCode.CONTRAST_AGENT


# 0.8 * HU - 4: 100 and 104 HU are 76 and 79.2 mg/cm3
@pytest.mark.parametrize(
    ("l1", "l2", "category"),
    [
        (100.0, 104.0, BoneCategory.OSTEOPOROSIS),
        (105.0, 130.0, BoneCategory.OSTEOPENIA),
        (160.0, 170.0, BoneCategory.NORMAL),
    ],
)
def test_the_category_is_that_of_the_mean_of_l1_and_l2(l1: float, l2: float, category: BoneCategory) -> None:
    findings = findings_of(CALIBRATED, Body(level=L1, marrow_hu=l1), Body(level=L2, marrow_hu=l2))

    assert findings.screening is not None
    assert findings.screening.category is category
    assert findings.screening.levels == (L1, L2)
    assert not any("not calibrated" in limitation for limitation in findings.limitations)


def test_neighbours_that_are_too_far_apart_give_no_category() -> None:
    findings = findings_of(CALIBRATED, Body(level=L1, marrow_hu=200.0), Body(level=L2, marrow_hu=100.0))

    assert findings.screening is not None
    assert findings.screening.density is None
    (reason,) = findings.reasons
    assert reason.code is ReasonCode.LEVELS_DISAGREE
    assert reason.detail.startswith("L1 has 156 mg/cm3 and L2 has 76 mg/cm3")


def test_a_mean_is_no_surer_than_its_equation() -> None:
    findings = findings_of(CALIBRATED, Body(level=L1, marrow_hu=100.0), Body(level=L2, marrow_hu=104.0))

    assert findings.screening is not None
    assert findings.screening.density is not None
    assert findings.screening.density.value == pytest.approx(0.8 * 102.0 - 4.0, abs=1.5)
    assert findings.screening.density.standard_uncertainty >= 3.0


def test_one_vertebra_alone_gives_no_category_and_the_other_says_why() -> None:
    findings = findings_of(CALIBRATED, Body(level=VertebralLevel.T12), Body(level=L1, marrow_hu=100.0))

    assert [reason.code for reason in findings.reasons] == [ReasonCode.LEVEL_NOT_COVERED]

    assert findings.screening is not None
    assert findings.screening.category is None
    assert findings.screening.hu_band is HuBand.LOW
    assert findings.screening.levels == (L1,)


def test_a_density_that_is_refused_for_other_levels_alone_is_told() -> None:
    rule = replace(CALIBRATED, acquisition=replace(FORCE_120, model="Edge"))

    findings = findings_of(rule, Body(level=VertebralLevel.T11), Body(level=VertebralLevel.T12))

    assert ReasonCode.NOT_CALIBRATED in {reason.code for reason in findings.reasons}


def test_a_density_that_is_refused_leaves_the_vertebra_measured_in_hu() -> None:
    rule = replace(CALIBRATED, acquisition=replace(FORCE_120, kvp=80.0))

    findings = findings_of(rule, Body(level=L1, marrow_hu=100.0), Body(level=L2))

    assert [vertebra.status for vertebra in findings.vertebrae] == [Status.ASSESSED] * 2
    assert findings.vertebrae[0].value(Quantity.CORE_MEAN_HU) == pytest.approx(100.0, abs=2.0)
    assert findings.vertebrae[0].value(Quantity.BMD) is None
    assert findings.screening is None
    assert [reason.code for reason in findings.reasons] == [ReasonCode.TUBE_VOLTAGE]


def test_at_80_kv_there_is_no_density_whatever_the_site_has_calibrated() -> None:
    assert refused(replace(CALIBRATED, acquisition=replace(FORCE_120, kvp=80.0))).code is ReasonCode.TUBE_VOLTAGE


# At 100 kV bone is 1.05 to 1.15 times as bright: 170 HU are 148 to 162 there, and 125 are 109 to 119.
@pytest.mark.parametrize(
    ("hu", "told"),
    [(105.0, HuBand.LOW), (125.0, HuBand.INDETERMINATE), (170.0, HuBand.INDETERMINATE), (200.0, HuBand.HIGH)],
)
def test_the_band_is_wider_where_it_is_less_sure_at_100_kv(hu: float, told: HuBand) -> None:
    assert replace(AT_120_KV, acquisition=replace(FORCE_120, kvp=100.0)).band(hu) is told


def test_a_calibration_at_120_kv_serves_at_140_kv_less_surely() -> None:
    rule = replace(CALIBRATED, acquisition=replace(FORCE_120, kvp=140.0))

    density, at_120 = rule.density(CORE), CALIBRATED.density(CORE)

    assert isinstance(density, Measurement)
    assert isinstance(at_120, Measurement)
    # populations say 0.932, physics 0.909
    assert 0.8 * 130.0 / 0.932 - 4.0 < density.value < 0.8 * 130.0 / 0.909 - 4.0
    assert density.standard_uncertainty is not None
    assert at_120.standard_uncertainty is not None
    assert density.standard_uncertainty > at_120.standard_uncertainty + 0.5
    assert any("at 140 kV" in limitation for limitation in rule.limitations)


def test_native_blood_clears_a_scan_whose_header_says_nothing() -> None:
    rule = replace(CALIBRATED, acquisition=replace(FORCE_120, contrast_agent=None), references=tissues(blood=45.0))

    assert isinstance(rule.density(CORE), Measurement)
    assert rule.band(190.0) is HuBand.HIGH
    assert any("45 HU" in limitation for limitation in rule.limitations)


def test_bright_blood_is_contrast_agent_whatever_the_header_says() -> None:
    rule = replace(CALIBRATED, references=tissues(blood=149.0))

    density, native = rule.density(CORE), CALIBRATED.density(CORE)

    assert isinstance(density, Measurement)
    assert isinstance(native, Measurement)
    # blood is 107 HU brighter than native: 18.5 HU are taken from bone, with 19.2 HU of doubt
    assert density.value == pytest.approx(native.value - 0.8 * 18.5, abs=0.1)
    assert density.standard_uncertainty is not None
    assert density.standard_uncertainty == pytest.approx(0.8 * 19.2, abs=1.5)


@pytest.mark.parametrize(
    ("hu", "told"),
    [(105.0, HuBand.LOW), (130.0, HuBand.INDETERMINATE), (190.0, HuBand.INDETERMINATE), (230.0, HuBand.HIGH)],
)
def test_with_venous_contrast_what_is_low_stays_low_and_the_rest_is_less_sure(hu: float, told: HuBand) -> None:
    assert replace(AT_120_KV, references=tissues(blood=149.0)).band(hu) is told


def test_the_arterial_phase_is_not_assessed() -> None:
    rule = replace(CALIBRATED, references=tissues(blood=310.0))

    assert refused(rule).code is ReasonCode.ARTERIAL_PHASE
    band = rule.band(90.0)
    assert isinstance(band, Reason)
    assert band.code is ReasonCode.ARTERIAL_PHASE
    assert "310 HU" in band.detail


def test_kernels_for_edges_give_neither_density_nor_band() -> None:
    rule = replace(CALIBRATED, acquisition=replace(FORCE_120, kernel="Br64d"))

    assert refused(rule).code is ReasonCode.KERNEL_TOO_SHARP
    band = rule.band(90.0)
    assert isinstance(band, Reason)
    assert band.code is ReasonCode.KERNEL_TOO_SHARP


def test_a_site_that_has_measured_such_a_kernel_gets_densities() -> None:
    named = replace(CALIBRATED.scanners[0], kernel="Br6*")
    rule = DensityRule(acquisition=replace(FORCE_120, kernel="Br64d"), scanners=(named,))

    assert isinstance(rule.density(CORE), Measurement)


def test_noise_as_only_a_kernel_for_edges_leaves_it_is_refused_where_the_header_names_none() -> None:
    sharp = tissues(noise=ImageNoise(sd_hu=80.0, frequency_per_mm=0.5))

    unnamed = replace(AT_120_KV, acquisition=replace(FORCE_120, kernel=None), references=sharp).band(90.0)
    named = replace(AT_120_KV, references=sharp).band(90.0)

    assert isinstance(unnamed, Reason)
    assert unnamed.code is ReasonCode.KERNEL_TOO_SHARP
    assert named is HuBand.LOW


def test_noise_makes_a_density_less_sure() -> None:
    quiet = CALIBRATED.density(CORE)
    loud = replace(CALIBRATED, references=tissues(noise=ImageNoise(sd_hu=50.0, frequency_per_mm=0.25))).density(CORE)

    assert isinstance(quiet, Measurement)
    assert isinstance(loud, Measurement)
    assert quiet.standard_uncertainty is not None
    assert loud.standard_uncertainty is not None
    # half a period is 2 mm: of 500 mm3 there are 62.5 such cubes, whose mean varies by 50 / sqrt(62.5) = 6.3 HU
    assert loud.standard_uncertainty == pytest.approx(
        (quiet.standard_uncertainty**2 + (0.8 * 6.325) ** 2) ** 0.5, abs=0.01
    )


@pytest.mark.parametrize("air", [-1060.0, -1026.0, -974.0, -945.0])
def test_numbers_whose_air_is_off_are_no_hu_and_nothing_is_measured_in_them(air: float) -> None:
    rule = replace(CALIBRATED, references=tissues(air=air))

    findings = findings_of(rule, Body(level=L1, marrow_hu=100.0), Body(level=L2, marrow_hu=104.0))

    assert findings.status is Status.NOT_EVALUABLE
    assert findings.screening is None
    assert {reason.code for reason in findings.reasons} == {ReasonCode.NOT_HU}
    assert all(f"{air:.0f} HU" in reason.detail for reason in findings.reasons)
    for vertebra in findings.vertebrae:
        assert vertebra.value(Quantity.CORE_MEAN_HU) is None
        assert vertebra.value(Quantity.ANTERIOR_HEIGHT) is not None


@pytest.mark.parametrize("air", [-1024.0, -1000.0, -976.0])
def test_air_that_a_scanner_may_write_is_let_through(air: float) -> None:
    assert replace(CALIBRATED, references=tissues(air=air)).off_scale is None


def test_numbers_whose_air_is_off_are_for_no_band_and_no_classifier() -> None:
    rule = replace(AT_120_KV, references=tissues(air=-950.0))

    band = rule.band(90.0)

    assert isinstance(band, Reason)
    assert band.code is ReasonCode.NOT_HU
    assert rule.against_classifying == band


def test_numbers_whose_air_is_off_tell_of_no_contrast_agent_and_no_correction() -> None:
    acquisition = replace(FORCE_120, kvp=100.0)

    rule = replace(CALIBRATED, acquisition=acquisition, references=tissues(air=-940.0, blood=102.0))

    assert rule.contrast.phase is ContrastPhase.UNKNOWN
    assert rule.limitations == ()


def test_a_scale_that_no_air_could_check_makes_a_density_less_sure_and_is_told() -> None:
    rule = replace(CALIBRATED, references=tissues(air=None))

    density, checked = rule.density(CORE), replace(CALIBRATED, references=tissues()).density(CORE)

    assert isinstance(density, Measurement)
    assert isinstance(checked, Measurement)
    assert density.standard_uncertainty is not None
    assert checked.standard_uncertainty is not None
    assert density.value == checked.value
    assert density.standard_uncertainty == pytest.approx(
        (checked.standard_uncertainty**2 + (0.8 * 15.0) ** 2) ** 0.5, abs=0.01
    )
    assert any("No air was found" in sentence for sentence in rule.limitations)
    assert not replace(CALIBRATED, references=tissues()).limitations


def test_noise_of_a_kernel_for_edges_is_refused_by_a_calibration_for_whatever_kernel_comes() -> None:
    sharp = tissues(noise=ImageNoise(sd_hu=80.0, frequency_per_mm=0.5))
    unnamed = replace(CALIBRATED, acquisition=replace(FORCE_120, kernel="Ultra"), references=sharp)
    named = replace(unnamed, scanners=(replace(CALIBRATED.scanners[0], kernel="Ultra"),))

    assert refused(unnamed).code is ReasonCode.KERNEL_TOO_SHARP
    assert refused(replace(unnamed, acquisition=replace(unnamed.acquisition, kvp=140.0))).code is (
        ReasonCode.KERNEL_TOO_SHARP
    )
    assert isinstance(named.density(CORE), Measurement)


@pytest.mark.parametrize(
    ("kvp", "calibrated_at", "told"),
    [
        (100.0, 120.0, "densities and the band are corrected"),
        (100.0, 100.0, "the band is corrected"),
        (130.0, 120.0, "densities are corrected"),
        (130.0, 130.0, None),
        (120.0, 120.0, None),
    ],
)
def test_a_correction_for_the_tube_voltage_is_told_of_what_was_corrected(
    kvp: float, calibrated_at: float, told: str | None
) -> None:
    scanner = replace(CALIBRATED.scanners[0], kvp=calibrated_at)

    sentences = DensityRule(acquisition=replace(FORCE_120, kvp=kvp), scanners=(scanner,)).limitations

    assert len(sentences) == (told is not None)
    assert all(str(told) in sentence and f"at {kvp:g} kV" in sentence for sentence in sentences)


def test_a_header_that_denies_contrast_agent_is_told_where_no_blood_could_check_it() -> None:
    (sentence,) = replace(CALIBRATED, references=tissues(blood=None)).limitations

    assert "say that none was given" in sentence
    assert "No blood in the aorta was found" in sentence
