"""The table of findings on a terminal."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from node.cli.table import print_findings
from node.domain.finding import CtBoneFindings, Status
from node.domain.height_loss import Deformity, HeightLoss
from node.domain.levels import VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.answers import NORMAL, OSTEOPOROSIS, answer, with_answer
from tests.builders.results import assessed_findings, calibrated_findings, measured, not_evaluable


def shown(findings: CtBoneFindings) -> str:
    console = Console(width=140, record=True, quiet=False, force_terminal=False)
    with console.capture() as capture:
        print_findings(console, findings, research=True)
    return capture.get()


def loss(percent: float, uncertainty: float) -> HeightLoss:
    return HeightLoss(deformity=Deformity.WEDGE, percent=percent, standard_uncertainty=uncertainty)


def test_a_height_loss_stands_beside_its_vertebra_with_a_question_mark_where_its_grade_is_not_sure() -> None:
    fractured = replace(not_evaluable(VertebralLevel.L1, ReasonCode.FRACTURED), height_loss=loss(26.6, 4.0))
    sound = replace(measured(VertebralLevel.T12, hu=131.0, segment_value=20), height_loss=loss(-2.0, 5.0))

    told = shown(CtBoneFindings(status=Status.ASSESSED, vertebrae=(sound, fractured), offered=VertebralLevel.T12))

    assert "27 % (grade 2?)" in told
    assert "0 % (grade 0)" in told
    assert "T12 is the nearest vertebra that was, with a core of 131 HU" in " ".join(told.split())


def test_there_is_no_column_of_height_losses_where_none_was_measured() -> None:
    told = shown(assessed_findings())

    assert "height loss" not in told
    assert "nearest vertebra" not in told


def test_the_classifier_has_a_line_of_its_own() -> None:
    told = shown(with_answer(calibrated_findings(), answer(OSTEOPOROSIS)))

    assert "Classifier, by L1 and L2: osteoporosis 0.90, osteopenia 0.08, normal 0.02 (probability)" in told
    assert "Indeterminate" not in told


def test_answers_that_contradict_each_other_are_told_as_indeterminate_with_both_numbers() -> None:
    told = " ".join(shown(with_answer(calibrated_findings(), answer(NORMAL))).split())

    assert "Indeterminate: no category of bone density can be told" in told
    assert "The measurement says osteoporosis (73 mg/cm3, 63 to 83), the classifier normal (probability 0.80)." in told
