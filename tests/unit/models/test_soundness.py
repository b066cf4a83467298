"""Vertebrae that are not sound: refused for their bone, with their heights where these can be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.bone import measure_bone
from models.crops import BodyCrop, SpineCrops
from models.fracture_words import FRACTURES_NOT_LOOKED_FOR, THICK_SLICES
from models.heights import QUANTITIES, BodyHeights
from models.soundness import judge_soundness
from node.domain.bone_density import HuBand
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.height_loss import Deformity, GenantGrade
from node.domain.levels import VertebralLevel
from node.domain.measurement import NotMeasurable, Quantity
from node.domain.reasons import Reason, ReasonCode
from tests.builders.acquisitions import AT_120_KV, CALIBRATED
from tests.builders.body_crops import Body, crop_of

T10, T11, T12 = VertebralLevel.T10, VertebralLevel.T11, VertebralLevel.T12
L1, L2, L3, L4 = VertebralLevel.L1, VertebralLevel.L2, VertebralLevel.L3, VertebralLevel.L4
CHAIN = (T10, T11, T12, L1, L2, L3, L4)

#: 30 % below its neighbours of 26 mm, which grow by nothing.
CRUSHED_MM = 18.0


def findings_of(crops: list[BodyCrop], *, calibrated: bool = False) -> CtBoneFindings:
    return measure_bone(SpineCrops(crops=tuple(crops)), CALIBRATED if calibrated else AT_120_KV)


def chain(**changed: Body) -> list[BodyCrop]:
    return [crop_of(changed.get(level.value, Body(level=level))) for level in CHAIN]


def entry(findings: CtBoneFindings, level: VertebralLevel) -> VertebraFinding:
    return next(vertebra for vertebra in findings.vertebrae if vertebra.level is level)


def with_metal(crop: BodyCrop) -> BodyCrop:
    hu = crop.hu.copy()
    k, j, i = (size // 2 for size in hu.shape)
    hu[k - 3 : k + 4, j:, i + 8 : i + 14] = 2900
    return replace(crop, hu=hu)


def test_a_fractured_vertebra_keeps_its_heights_and_grade_and_has_no_number_of_its_bone() -> None:
    findings = findings_of(chain(L1=Body(level=L1, height_mm=CRUSHED_MM)))

    l1 = entry(findings, L1)
    assert l1.status is Status.NOT_EVALUABLE
    assert [reason.code for reason in l1.reasons] == [ReasonCode.FRACTURED]
    assert l1.height_loss is not None
    assert (l1.height_loss.deformity, l1.height_loss.grade) == (Deformity.CRUSH, GenantGrade.MODERATE)
    assert {measurement.quantity for measurement in l1.measurements} == set(QUANTITIES)
    assert findings.screening is None
    assert findings.reasons[0].code is ReasonCode.FRACTURED


def test_sound_vertebrae_have_heights_with_their_uncertainty_and_grade_0() -> None:
    findings = findings_of(chain())

    for vertebra in findings.vertebrae:
        assert vertebra.status is Status.ASSESSED
        assert vertebra.height_loss is not None
        assert vertebra.height_loss.grade is GenantGrade.NORMAL
        for quantity in QUANTITIES:
            height = vertebra.measurement(quantity)
            assert height is not None
            assert height.standard_uncertainty is not None
    assert FRACTURES_NOT_LOOKED_FOR not in findings.limitations


def test_a_measured_vertebra_in_which_no_fracture_could_be_looked_for_is_named() -> None:
    findings = findings_of(chain(L1=Body(level=L1, spacing_mm=(6.0, 0.7, 0.7))))

    assert entry(findings, L1).value(Quantity.CORE_MEAN_HU) is not None
    assert "In L1 no heights could be measured to look for fractures by." in findings.limitations


def test_where_slices_are_too_thick_for_heights_the_report_says_that_fractures_were_not_looked_for() -> None:
    thick = [crop_of(Body(level=level, spacing_mm=(6.0, 0.7, 0.7))) for level in CHAIN]

    findings = findings_of(thick)

    l1 = entry(findings, L1)
    assert l1.status is Status.ASSESSED
    assert l1.height_loss is None
    refused = [each for each in l1.measurements if isinstance(each, NotMeasurable)]
    assert {each.quantity for each in refused} == set(QUANTITIES)
    assert {each.reason.code for each in refused} == {ReasonCode.SLICES_TOO_THICK}
    assert FRACTURES_NOT_LOOKED_FOR in findings.limitations
    assert findings.screening is not None


def in_thick_slices(l1_mm: float) -> CtBoneFindings:
    heights = {level: l1_mm if level is L1 else 26.0 for level in CHAIN}
    return findings_of(
        [crop_of(Body(level=level, spacing_mm=(5.0, 0.7, 0.7), height_mm=mm)) for level, mm in heights.items()]
    )


def test_in_thick_slices_a_body_that_has_lost_much_is_fractured_and_the_reason_says_what_is_asked_for() -> None:
    l1 = entry(in_thick_slices(14.0), L1)

    assert [reason.code for reason in l1.reasons] == [ReasonCode.FRACTURED]
    assert "25 % is the limit in slices of more than 3 mm" in l1.reasons[0].detail
    assert l1.value(Quantity.CORE_MEAN_HU) is None
    assert l1.height_loss is not None
    assert l1.height_loss.standard_uncertainty > 10.0


def test_in_thick_slices_whole_bodies_are_measured_and_the_report_says_what_is_missed() -> None:
    findings = in_thick_slices(26.0)

    assert entry(findings, L1).status is Status.ASSESSED
    assert THICK_SLICES in findings.limitations
    assert THICK_SLICES not in findings_of(chain()).limitations


def test_metal_leaves_no_heights_and_tells_nothing_of_its_neighbours() -> None:
    crops = chain()
    crops[CHAIN.index(L2)] = with_metal(crops[CHAIN.index(L2)])

    sound = judge_soundness(crops)
    found = sound[CHAIN.index(L2)]
    findings = findings_of(crops)

    assert isinstance(found.heights, Reason)
    assert found.heights.code is ReasonCode.METAL
    assert [reason.code for reason in entry(findings, L2).reasons] == [ReasonCode.METAL]
    assert entry(findings, L1).status is Status.ASSESSED


def test_a_vertebra_without_a_name_says_beside_that_what_else_speaks_against_it() -> None:
    uncertain = Reason(code=ReasonCode.LEVEL_UNCERTAIN)
    unnamed = crop_of(Body(level=None, reasons=(uncertain,)))
    cemented = crop_of(Body(level=None, marrow_hu=900.0, reasons=(uncertain,)))
    crops = [crop_of(Body(level=T12)), unnamed, with_metal(unnamed), cemented]

    findings = findings_of(crops)

    told = [[reason.code for reason in vertebra.reasons] for vertebra in findings.vertebrae[:4]]
    assert told == [
        [],
        [ReasonCode.LEVEL_UNCERTAIN],
        [ReasonCode.LEVEL_UNCERTAIN, ReasonCode.METAL],
        [ReasonCode.LEVEL_UNCERTAIN, ReasonCode.DENSE_MATERIAL],
    ]
    assert all(not vertebra.measurements for vertebra in findings.vertebrae[1:])
    # L1 may be one of them
    codes = [reason.code for reason in findings.reasons]
    assert codes == [ReasonCode.LEVEL_UNCERTAIN, ReasonCode.METAL, ReasonCode.DENSE_MATERIAL]


def test_metal_in_a_vertebra_without_a_name_is_no_matter_of_l1_where_that_has_one() -> None:
    unnamed = crop_of(Body(level=None, reasons=(Reason(code=ReasonCode.LEVEL_UNCERTAIN),)))

    findings = findings_of([with_metal(unnamed), crop_of(Body(level=L1)), crop_of(Body(level=L2))])

    assert findings.reasons == ()
    assert findings.screening is not None


def test_a_vertebra_that_is_cut_is_looked_at_for_metal_all_the_same() -> None:
    cut = Reason(code=ReasonCode.LEVEL_TRUNCATED)

    findings = findings_of([with_metal(crop_of(Body(level=L1, reasons=(cut,))))])

    l1 = entry(findings, L1)
    assert [reason.code for reason in l1.reasons] == [ReasonCode.LEVEL_TRUNCATED, ReasonCode.METAL]
    assert l1.measurements == ()


def test_cement_and_a_lesion_are_reasons_beside_the_heights() -> None:
    cement, lesion = crop_of(Body(level=L1, marrow_hu=900.0)), crop_of(Body(level=L2))
    hu = lesion.hu.copy()
    k, j, i = (size // 2 for size in hu.shape)
    hu[k - 5 : k + 6, j - 12 : j + 2, i - 8 : i + 8] = 20
    crops = chain()
    crops[CHAIN.index(L1)], crops[CHAIN.index(L2)] = cement, replace(lesion, hu=hu)

    findings = findings_of(crops)

    for level, code in ((L1, ReasonCode.DENSE_MATERIAL), (L2, ReasonCode.FOCAL_LESION)):
        assert [reason.code for reason in entry(findings, level).reasons] == [code]
        assert entry(findings, level).value(Quantity.CORE_MEAN_HU) is None
        assert entry(findings, level).value(Quantity.MIDDLE_HEIGHT) is not None


def test_a_vertebra_without_a_name_tells_what_to_expect_and_gets_no_grade() -> None:
    reason = Reason(code=ReasonCode.LEVEL_UNCERTAIN)
    crops = [crop_of(Body(level=None, reasons=(reason,))) for _ in range(3)]

    named = crop_of(Body(level=L1, height_mm=CRUSHED_MM))
    sound = judge_soundness([*crops, named])

    assert all(isinstance(each.heights, BodyHeights) for each in sound)
    assert all(each.loss is None for each in sound[:3])
    assert sound[3].loss is not None
    assert sound[3].loss.is_fracture


def test_a_vertebra_that_is_cut_has_no_heights() -> None:
    cut = Reason(code=ReasonCode.LEVEL_TRUNCATED)

    (sound,) = judge_soundness([crop_of(Body(reasons=(cut,)))])

    assert sound.heights == cut
    assert sound.reasons == ()


def test_a_category_rests_on_the_next_two_where_l1_is_fractured() -> None:
    findings = findings_of(chain(L1=Body(level=L1, height_mm=CRUSHED_MM, marrow_hu=300.0)), calibrated=True)

    assert findings.screening is not None
    assert findings.screening.levels == (L2, L3)
    assert findings.screening.hu_band is None
    # 0.8 mg/cm3 a HU less 4, at 150 HU
    assert findings.screening.density is not None
    assert np.isclose(findings.screening.density.value, 116.0, atol=1.5)
    assert findings.reasons[0].code is ReasonCode.FRACTURED


def test_a_fractured_l2_is_stepped_over() -> None:
    findings = findings_of(chain(L2=Body(level=L2, height_mm=CRUSHED_MM, marrow_hu=300.0)), calibrated=True)

    assert findings.screening is not None
    assert findings.screening.levels == (L1, L3)
    assert findings.screening.hu_band is HuBand.INDETERMINATE
    assert findings.offered is None


def test_one_lumbar_vertebra_that_is_sound_gives_its_density_and_no_category() -> None:
    broken = {level.value: Body(level=level, height_mm=CRUSHED_MM) for level in (L1, L3)}

    findings = findings_of(chain(**broken), calibrated=True)

    assert findings.screening is None
    assert entry(findings, L2).value(Quantity.BMD) is not None
    assert findings.offered is L2
    assert any(limitation.startswith("L2 alone of L1 to L3") for limitation in findings.limitations)
