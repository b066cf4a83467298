"""What a report says of a fractured vertebra, of heights, and of a vertebra that is offered instead of L1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from highdicom import sr
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.height_loss import Deformity, HeightLoss
from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind
from node.domain.reasons import Reason, ReasonCode
from tests.builders.ct import CtSpec
from tests.builders.encoded import encode, read
from tests.builders.reports import OWN, REASON, STATUS, evaluations, group_of, texts
from tests.builders.results import assessed_result, measured, with_heights

GRADE = Code("HTL020", OWN, "Genant grade, measured")
ALSO = Code("HTL021", OWN, "Other Genant grade within one standard uncertainty")
SHAPE = Code("HTL010", OWN, "Where most height is lost")
LOSS = Code("HTL001", OWN, "Height loss of the vertebral body, share of the expected height")
OFFERED = Code("SCR002", OWN, "Nearest measured vertebra where L1 is not measured")


def fractured(level: VertebralLevel) -> VertebraFinding:
    """A body that has lost 27 % in front, whose core was measured nonetheless."""
    seen = with_heights(measured(level, hu=180.0, segment_value=20, ordinal=4), 18.0, 21.0, 25.0)
    return replace(
        seen,
        status=Status.NOT_EVALUABLE,
        reasons=(Reason(code=ReasonCode.FRACTURED, detail="It has lost 27 %."),),
        height_loss=HeightLoss(deformity=Deformity.WEDGE, percent=27.04, standard_uncertainty=4.5),
    )


def report_of(findings: CtBoneFindings, folder: Path) -> Dataset:
    spec = CtSpec()
    return read(encode(assessed_result(spec, findings=findings), spec, folder)[ObjectKind.SR])


def findings(*vertebrae: VertebraFinding, offered: VertebralLevel | None = None) -> CtBoneFindings:
    return CtBoneFindings(status=Status.ASSESSED, vertebrae=vertebrae, offered=offered)


def numbers(group: sr.MeasurementsAndQualitativeEvaluations, name: Code) -> list[float]:
    return [float(each.value) for each in group.get_measurements(name)]


def test_a_fractured_vertebra_keeps_its_heights_and_no_number_of_its_bone(tmp_path: Path) -> None:
    group = group_of(report_of(findings(fractured(VertebralLevel.L1)), tmp_path), "L1")

    assert evaluations(group, STATUS) == ["STA011"]
    assert evaluations(group, REASON) == ["EXC050"]
    assert numbers(group, codes.DCM.Height) == [18.0, 21.0, 25.0]
    assert numbers(group, codes.DCM.AttenuationCoefficient) == []
    assert numbers(group, codes.SCT.Volume) == []
    assert any("It has lost 27 %." in text for text in texts(group[0]))


def test_a_loss_has_its_number_its_grade_its_shape_and_the_grades_that_are_as_possible(tmp_path: Path) -> None:
    group = group_of(report_of(findings(fractured(VertebralLevel.L1)), tmp_path), "L1")

    (loss,) = group.get_measurements(LOSS)
    assert float(loss.value) == 27.0
    assert loss.unit == codes.UCUM.Percent
    (uncertainty,) = (item for item in loss[0].ContentSequence if item.ValueType == "NUM")
    assert uncertainty.MeasuredValueSequence[0].NumericValue == 4.5
    assert evaluations(group, GRADE) == ["HTL032"]
    assert evaluations(group, ALSO) == ["HTL031"]
    assert evaluations(group, SHAPE) == ["HTL011"]
    assert any("Genant grade 2, maybe 1" in text for text in texts(group[0]))


def test_a_sound_vertebra_has_a_grade_and_no_shape_of_a_fracture(tmp_path: Path) -> None:
    loss = HeightLoss(deformity=Deformity.CRUSH, percent=3.0, standard_uncertainty=5.0)
    sound = replace(measured(VertebralLevel.L1, hu=98.0, segment_value=20), height_loss=loss)

    group = group_of(report_of(findings(sound), tmp_path), "L1")

    assert evaluations(group, GRADE) == ["HTL030"]
    assert evaluations(group, ALSO) == []
    assert evaluations(group, SHAPE) == []
    assert not any("near a limit" in text for text in texts(group[0]))


def test_a_vertebra_that_is_offered_instead_of_l1_is_coded_and_told_with_its_limits(tmp_path: Path) -> None:
    t12 = measured(VertebralLevel.T12, hu=131.0, segment_value=20)
    report = report_of(findings(t12, fractured(VertebralLevel.L1), offered=VertebralLevel.T12), tmp_path)

    group = group_of(report, "bone screening")

    assert evaluations(group, OFFERED) == [codes.SCT.T12Vertebra.value]
    (told,) = (text for text in texts(group[0]) if "T12" in text)
    assert "131 HU" in told
    assert "limits of L1 do not hold" in told
