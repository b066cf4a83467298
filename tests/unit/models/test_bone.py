"""Findings: numbers only from whole vertebrae with a certain name, and a reason for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from models.bone import FOR_WHOM, measure_bone, not_evaluable
from models.crops import SpineCrops
from models.density import DensityRule
from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand
from node.domain.classifier import ClassifierAnswer, ClassifierMethod
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.reasons import Reason, ReasonCode
from tests.builders.acquisitions import AT_120_KV, CALIBRATED, SCANNER
from tests.builders.answers import NORMAL, OSTEOPENIA, OSTEOPOROSIS, answer
from tests.builders.body_crops import Body, crop_of
from tests.builders.tissues import tissues

T12, L1, L2 = VertebralLevel.T12, VertebralLevel.L1, VertebralLevel.L2
UNCERTAIN = Reason(code=ReasonCode.LEVEL_UNCERTAIN)
TRUNCATED = Reason(code=ReasonCode.LEVEL_TRUNCATED)


def findings_of(*bodies: Body) -> CtBoneFindings:
    return measure_bone(SpineCrops(crops=tuple(crop_of(body) for body in bodies)), AT_120_KV)


def entry(findings: CtBoneFindings, level: VertebralLevel) -> VertebraFinding:
    return next(vertebra for vertebra in findings.vertebrae if vertebra.level is level)


@pytest.mark.parametrize(("hu", "band"), [(90.0, HuBand.LOW), (130.0, HuBand.INDETERMINATE), (190.0, HuBand.HIGH)])
def test_l1_alone_gives_the_band(hu: float, band: HuBand) -> None:
    findings = findings_of(Body(level=T12, marrow_hu=250.0), Body(level=L1, marrow_hu=hu), Body(level=L2))

    assert findings.status is Status.ASSESSED
    assert findings.screening is not None
    assert findings.screening.hu_band is band
    assert findings.screening.levels == (L1,)


def test_every_whole_vertebra_with_a_name_is_measured() -> None:
    findings = findings_of(Body(level=T12), Body(level=L1), Body(level=L2))

    assert [vertebra.status for vertebra in findings.vertebrae] == [Status.ASSESSED] * 3
    assert all(vertebra.value(Quantity.CORE_MEAN_HU) is not None for vertebra in findings.vertebrae)


@pytest.mark.parametrize("reason", [TRUNCATED, Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY)])
def test_a_level_with_a_reason_has_no_number(reason: Reason) -> None:
    findings = findings_of(Body(level=T12), Body(level=L1, reasons=(reason,)))

    l1 = entry(findings, L1)
    assert l1.status is Status.NOT_EVALUABLE
    assert l1.reasons == (reason,)
    assert l1.measurements == ()
    assert findings.screening is None
    assert findings.reasons == (reason,)


def test_a_level_that_is_not_in_the_scan_says_what_is() -> None:
    findings = findings_of(Body(level=VertebralLevel.T11), Body(level=T12))

    for level in (L1, L2):
        (reason,) = entry(findings, level).reasons
        assert reason.code is ReasonCode.LEVEL_NOT_COVERED
        assert "T11 to T12" in reason.detail
    assert findings.status is Status.ASSESSED
    assert findings.screening is None


def test_a_level_between_those_that_were_found_is_not_said_to_lie_outside_the_scan() -> None:
    findings = findings_of(Body(level=T12), Body(level=L2))

    (reason,) = entry(findings, L1).reasons
    assert reason.code is ReasonCode.IMPLAUSIBLE_ANATOMY
    assert "L1 lies between T12 and L2" in reason.detail


def test_vertebrae_without_names_leave_nothing_assessed() -> None:
    findings = findings_of(Body(level=None, reasons=(UNCERTAIN,)))

    assert findings.status is Status.NOT_EVALUABLE
    assert {reason.code for reason in findings.reasons} == {ReasonCode.LEVEL_UNCERTAIN}
    assert entry(findings, L1).reasons[0].code is ReasonCode.LEVEL_UNCERTAIN
    assert all(not vertebra.measurements for vertebra in findings.vertebrae)


def test_a_core_that_is_too_small_makes_its_vertebra_not_evaluable() -> None:
    findings = findings_of(Body(level=L1, half_mm=(7.0, 7.5), height_mm=11.0), Body(level=L2))

    l1 = entry(findings, L1)
    assert l1.status is Status.NOT_EVALUABLE
    assert [reason.code for reason in l1.reasons] == [ReasonCode.ROI_TOO_SMALL]
    assert findings.screening is None


def test_what_could_not_be_checked_stays_with_the_findings() -> None:
    findings = measure_bone(SpineCrops(crops=(crop_of(Body()),), limitations=("No air is in the picture.",)), AT_120_KV)

    assert "No air is in the picture." in findings.limitations


def test_a_scan_that_nothing_can_be_said_about_carries_the_reason_at_l1_and_l2() -> None:
    reason = Reason(code=ReasonCode.NO_SPINE)

    findings = not_evaluable(reason)

    assert findings.status is Status.NOT_EVALUABLE
    assert [(vertebra.level, vertebra.reasons) for vertebra in findings.vertebrae] == [(L1, (reason,)), (L2, (reason,))]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kvp": 80.0}, ReasonCode.TUBE_VOLTAGE),
        ({"kvp": None}, ReasonCode.TUBE_VOLTAGE),
        ({"kernel": "BONE"}, ReasonCode.KERNEL_TOO_SHARP),
        ({"image_type": frozenset({"MONO70"})}, ReasonCode.SPECTRAL),
    ],
)
@pytest.mark.parametrize("rule", [AT_120_KV, CALIBRATED])
def test_what_speaks_against_the_whole_scan_is_told_first_though_no_vertebra_has_a_name(
    rule: DensityRule, change: dict[str, object], code: ReasonCode
) -> None:
    rule = replace(rule, acquisition=replace(rule.acquisition, **change))  # type: ignore[arg-type]
    crops = (crop_of(Body(level=None, reasons=(UNCERTAIN,))),)

    findings = measure_bone(SpineCrops(crops=crops), rule)

    assert findings.status is Status.NOT_EVALUABLE
    assert [reason.code for reason in findings.reasons] == [
        code,
        ReasonCode.LEVEL_UNCERTAIN,
        ReasonCode.LEVEL_UNCERTAIN,
    ]
    assert all(not vertebra.measurements for vertebra in findings.vertebrae)


def test_the_arterial_phase_is_told_where_other_vertebrae_are_measured_and_l1_is_cut() -> None:
    rule = replace(AT_120_KV, references=tissues(blood=320.0))

    findings = measure_bone(
        SpineCrops(crops=(crop_of(Body(level=T12)), crop_of(Body(level=L1, reasons=(TRUNCATED,))))), rule
    )

    assert findings.status is Status.ASSESSED
    assert [reason.code for reason in findings.reasons] == [ReasonCode.ARTERIAL_PHASE, ReasonCode.LEVEL_TRUNCATED]


def test_a_kernel_that_the_site_has_calibrated_by_name_speaks_against_no_scan() -> None:
    scanner = replace(SCANNER, kernel="Br69*")
    sharp = replace(CALIBRATED, scanners=(scanner,), acquisition=replace(CALIBRATED.acquisition, kernel="Br69d"))

    assert sharp.against_any_density == ()
    assert replace(sharp, scanners=()).against_any_density[0].code is ReasonCode.KERNEL_TOO_SHARP


def test_a_reason_of_the_whole_scan_is_told_once() -> None:
    rule = replace(CALIBRATED, acquisition=replace(CALIBRATED.acquisition, kvp=80.0))

    findings = asked_of(Body(level=L1), Body(level=L2), says=answer(NORMAL), rule=rule)

    assert [reason.code for reason in findings.reasons] == [ReasonCode.TUBE_VOLTAGE]


def asked_of(*bodies: Body, says: ClassifierAnswer | Reason, rule: DensityRule = AT_120_KV) -> CtBoneFindings:
    return measure_bone(SpineCrops(crops=tuple(crop_of(body) for body in bodies)), rule, lambda unsound: says)


def test_the_answer_of_the_classifier_stands_beside_the_band() -> None:
    findings = asked_of(Body(level=L1, marrow_hu=90.0), Body(level=L2), says=answer(OSTEOPOROSIS))

    assert findings.screening is not None
    assert findings.screening.hu_band is HuBand.LOW
    assert findings.screening.answer == answer(OSTEOPOROSIS)
    assert findings.reasons == ()


def test_the_report_says_what_a_classifier_that_answers_has_learned_from() -> None:
    said = replace(answer(OSTEOPENIA), learned_from="Scans of nobody.")

    findings = asked_of(Body(level=L1), Body(level=L2), says=said)

    assert "The classifier has learned from: Scans of nobody." in findings.limitations


@pytest.mark.parametrize("rule", [AT_120_KV, CALIBRATED])
def test_for_whom_categories_are_is_told_once_whoever_gives_one(rule: DensityRule) -> None:
    findings = asked_of(Body(level=L1), Body(level=L2), says=answer(OSTEOPENIA), rule=rule)

    assert findings.limitations.count(FOR_WHOM) == 1


def test_a_band_that_the_classifier_contradicts_is_told_with_the_reason() -> None:
    findings = asked_of(Body(level=L1, marrow_hu=90.0), Body(level=L2), says=answer(NORMAL))

    assert [reason.code for reason in findings.reasons] == [ReasonCode.ANSWERS_DISAGREE]


def test_a_classifier_that_may_not_answer_says_why() -> None:
    refused = Reason(code=ReasonCode.ROI_TOO_SMALL)

    findings = asked_of(Body(level=L1), Body(level=L2), says=refused)

    assert findings.screening is not None
    assert findings.screening.answer is None
    assert refused in findings.reasons


def test_the_classifier_is_told_which_vertebrae_it_must_not_see() -> None:
    told: list[Mapping[VertebralLevel, Reason]] = []

    def ask(unsound: Mapping[VertebralLevel, Reason]) -> ClassifierAnswer:
        told.append(unsound)
        return answer(OSTEOPENIA)

    measure_bone(
        SpineCrops(crops=(crop_of(Body(level=L1)), crop_of(Body(level=L2, reasons=(TRUNCATED,))))), AT_120_KV, ask
    )

    assert told == [{L2: TRUNCATED}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kvp": 80.0}, ReasonCode.TUBE_VOLTAGE),
        ({"kvp": None}, ReasonCode.TUBE_VOLTAGE),
        ({"kernel": "BONE"}, ReasonCode.KERNEL_TOO_SHARP),
        ({"image_type": frozenset({"MONO70"})}, ReasonCode.SPECTRAL),
        ({"contrast_agent": None}, ReasonCode.CONTRAST_AGENT),
    ],
)
def test_the_classifier_is_not_asked_about_images_that_it_has_not_learned_from(
    change: dict[str, object], code: ReasonCode
) -> None:
    rule = replace(AT_120_KV, acquisition=replace(AT_120_KV.acquisition, **change))  # type: ignore[arg-type]

    findings = asked_of(Body(level=L1), Body(level=L2), says=answer(NORMAL), rule=rule)

    assert findings.screening is None or findings.screening.answer is None
    assert code in {reason.code for reason in findings.reasons}


def test_an_undecided_classifier_is_told_as_a_reason_also_where_the_density_decides() -> None:
    findings = asked_of(
        Body(level=L1, marrow_hu=130.0),
        Body(level=L2, marrow_hu=130.0),
        says=answer((0.3, 0.45, 0.25)),
        rule=CALIBRATED,
    )

    assert findings.screening is not None
    assert findings.screening.category is BoneCategory.OSTEOPENIA
    assert [reason.code for reason in findings.reasons] == [ReasonCode.CLASSIFIER_UNDECIDED]


def test_without_l1_nobody_is_asked() -> None:
    findings = asked_of(Body(level=T12), Body(level=L1, reasons=(TRUNCATED,)), says=answer(NORMAL))

    assert findings.screening is None


def with_l1_alone(marrow_hu: float, says: ClassifierAnswer) -> CtBoneFindings:
    """L2 is cut, so that the calibrated density of L1 gives no category."""
    return asked_of(
        Body(level=L1, marrow_hu=marrow_hu), Body(level=L2, reasons=(TRUNCATED,)), says=says, rule=CALIBRATED
    )


def test_the_density_of_l1_alone_contradicts_a_classifier_that_says_otherwise() -> None:
    """0.8 * 155 - 4 are 120 mg/cm3: nowhere near osteoporosis, and no band that would say so."""
    findings = with_l1_alone(155.0, answer(OSTEOPOROSIS, method=ClassifierMethod.L1))

    assert findings.screening is not None
    assert findings.screening.hu_band is HuBand.INDETERMINATE
    assert findings.screening.category is None
    assert ReasonCode.ANSWERS_DISAGREE in {reason.code for reason in findings.reasons}


def test_the_density_of_l1_alone_gives_no_category_and_leaves_it_to_a_classifier_that_agrees() -> None:
    findings = with_l1_alone(130.0, answer(OSTEOPENIA, method=ClassifierMethod.L1))

    assert findings.screening is not None
    assert (findings.screening.category, findings.screening.method) == (BoneCategory.OSTEOPENIA, ClassifierMethod.L1)


def test_vertebrae_that_differ_too_much_leave_no_category_whatever_the_classifier_says() -> None:
    findings = asked_of(
        Body(level=L1, marrow_hu=200.0), Body(level=L2, marrow_hu=100.0), says=answer(NORMAL), rule=CALIBRATED
    )

    assert findings.screening is not None
    assert findings.screening.category is None
    assert findings.screening.indeterminate is not None
    assert findings.screening.indeterminate.code is ReasonCode.LEVELS_DISAGREE
    assert [reason.code for reason in findings.reasons] == [ReasonCode.LEVELS_DISAGREE]


def test_an_l1_that_reads_as_no_bone_does_has_no_band_and_is_not_shown_to_the_classifier() -> None:
    told: list[Mapping[VertebralLevel, Reason]] = []

    def ask(unsound: Mapping[VertebralLevel, Reason]) -> Reason:
        told.append(unsound)
        return unsound[L1]

    findings = measure_bone(SpineCrops(crops=(crop_of(Body(level=L1, marrow_hu=-90.0)),)), CALIBRATED, ask)

    assert told[0][L1].code is ReasonCode.IMPLAUSIBLE_DENSITY
    assert findings.screening is None
    assert ReasonCode.IMPLAUSIBLE_DENSITY in {reason.code for reason in findings.reasons}


def test_why_l1_and_l2_were_not_evaluated_comes_before_what_is_wrong_with_others() -> None:
    odd = Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY)

    findings = findings_of(Body(level=T12, reasons=(odd,)), Body(level=L1, reasons=(TRUNCATED,)))

    assert findings.reasons[0].code is ReasonCode.LEVEL_TRUNCATED
    assert odd in findings.reasons
