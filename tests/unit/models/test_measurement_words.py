"""What stands beside the picture is what was measured, with its unit, or why nothing was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.measurement_words import RESEARCH, Line, Tone, notice, summary_of, words_of
from node.domain.bone_density import HuBand
from node.domain.finding import CtBoneFindings, Status
from node.domain.levels import VertebralLevel
from node.domain.measurement import NotMeasurable, Quantity
from node.domain.provenance import IntendedUse
from node.domain.reasons import Reason, ReasonCode
from tests.builders.answers import NORMAL, OSTEOPOROSIS, answer, with_answer
from tests.builders.results import (
    assessed_findings,
    calibrated_findings,
    measured,
    not_evaluable,
    provenance,
    with_density,
)

L1, L2 = VertebralLevel.L1, VertebralLevel.L2


def texts(lines: tuple[Line, ...]) -> list[str]:
    return [line.text for line in lines]


def test_a_measured_vertebra_is_told_with_its_level_and_its_interval() -> None:
    told = texts(words_of(measured(L1, hu=98.0, segment_value=20)))

    # 1.96 times the standard uncertainty of 3.5 HU either way
    assert told == ["level score 0.900", "98 HU", "mean of the core; 91 to 105 HU by where it lies (95 %)"]


def test_a_density_is_told_with_its_interval_and_how_it_was_calibrated() -> None:
    told = texts(words_of(with_density(measured(L1, hu=98.0, segment_value=20), 74.0)))

    # 1.96 times the standard uncertainty of 5 mg/cm3 either way
    assert told[-2:] == ["74 mg/cm³", "64 to 84 mg/cm³ (95 %), calibrated on this scanner, phantom on another day"]


def test_a_density_that_was_refused_says_why_and_gives_no_number() -> None:
    reason = Reason(code=ReasonCode.CONTRAST_AGENT, detail="The headers say so.")
    finding = measured(L1, hu=98.0, segment_value=20)
    refused = NotMeasurable(quantity=Quantity.BMD, site=L1, reason=reason)

    told = words_of(replace(finding, measurements=(*finding.measurements, refused)))

    assert told[-1] == Line(text=f"No density: {reason.text}", tone=Tone.WARNING)
    assert not any("mg/cm³" in text for text in texts(told))


def test_a_vertebra_that_is_not_evaluable_says_why_and_gives_no_number() -> None:
    told = words_of(not_evaluable(L1, ReasonCode.LEVEL_TRUNCATED))

    assert [line.tone for line in told] == [Tone.WARNING, Tone.WARNING]
    assert texts(told)[0] == "Not evaluable"
    assert "12 mm of it are missing." in texts(told)[1]


def test_the_band_says_that_it_is_uncalibrated_and_no_density() -> None:
    first, second, *_ = summary_of(assessed_findings(98.0), besides=(L1, L2))

    assert first == Line(text="L1 is low: below 110 HU, uncalibrated", tone=Tone.NUMBER)
    assert "no bone density and no diagnosis" in second.text


@pytest.mark.parametrize("band", HuBand)
def test_each_band_has_words(band: HuBand) -> None:
    findings = assessed_findings()
    assert findings.screening is not None

    told = summary_of(replace(findings, screening=replace(findings.screening, hu_band=band)), besides=(L1, L2))

    assert band.value in told[0].text


def test_a_category_is_the_headline_with_its_mean_and_the_categories_that_its_interval_reaches() -> None:
    told = summary_of(calibrated_findings(70.0, 76.0), besides=(L1, L2))

    assert told[0] == Line(text="Osteoporosis range", tone=Tone.NUMBER)
    assert (
        told[1].text == "Mean of L1 and L2: 73 mg/cm³, 63 to 83 mg/cm³ (95 %); this reaches osteopenia. No diagnosis."
    )
    assert [line.tone for line in told].count(Tone.NUMBER) == 1


def test_levels_that_are_not_in_the_scan_are_named_together_with_the_reason() -> None:
    reason = Reason(code=ReasonCode.LEVEL_NOT_COVERED, detail="The scan shows T1 to T11.")
    missing = tuple(replace(not_evaluable(level, reason.code), reasons=(reason,)) for level in (L1, L2))
    findings = CtBoneFindings(
        status=Status.ASSESSED,
        reasons=(reason,),
        vertebrae=(measured(VertebralLevel.T11, hu=58.0, segment_value=18), *missing),
    )

    told = texts(summary_of(findings, besides=(VertebralLevel.T11,)))

    assert told == ["No statement about bone density", f"L1 and L2: {reason.text}"]


def test_what_speaks_against_the_whole_scan_stands_before_the_levels_that_are_missing() -> None:
    scan, level = Reason(code=ReasonCode.TUBE_VOLTAGE), Reason(code=ReasonCode.LEVEL_UNCERTAIN)
    missing = tuple(replace(not_evaluable(each, level.code), reasons=(level,)) for each in (L1, L2))
    findings = CtBoneFindings(status=Status.NOT_EVALUABLE, reasons=(scan, level), vertebrae=missing)

    told = texts(summary_of(findings, besides=()))

    assert told == ["No statement about bone density", scan.text, f"L1 and L2: {level.text}"]


def test_a_picture_says_research_unless_every_model_is_released() -> None:
    assert notice(provenance(IntendedUse.RESEARCH)) == RESEARCH == "RESEARCH - not for clinical use"
    assert notice(provenance(IntendedUse.CLINICAL)) == ""


def test_the_classifier_is_told_below_the_density() -> None:
    told = summary_of(with_answer(calibrated_findings(), answer(OSTEOPOROSIS)), besides=(L1, L2))

    assert told[0] == Line(text="Osteoporosis range", tone=Tone.NUMBER)
    line = "Classifier, by L1 and L2: osteoporosis 0.90, osteopenia 0.08, normal 0.02 (probability)"
    assert line in texts(told)


def test_answers_that_contradict_each_other_have_no_category_as_headline() -> None:
    told = summary_of(with_answer(calibrated_findings(), answer(NORMAL)), besides=(L1, L2))

    assert told[0] == Line(text="Indeterminate", tone=Tone.NUMBER)
    assert [line.text for line in told if line.tone is Tone.NUMBER] == ["Indeterminate"]
    assert any("contradict each other" in text for text in texts(told))


def test_the_vertebra_that_stands_in_for_l1_is_told_with_what_does_not_hold_for_it() -> None:
    findings = CtBoneFindings(
        status=Status.ASSESSED,
        vertebrae=(not_evaluable(L1, ReasonCode.METAL), measured(L2, hu=98.0, segment_value=21)),
        offered=L2,
    )

    told = texts(summary_of(findings, besides=(L1, L2)))

    assert findings.offer in told
    assert "The limits of L1 do not hold for it" in findings.offer


def test_a_reason_that_stands_beside_its_panel_is_not_said_again() -> None:
    refused = not_evaluable(L1, ReasonCode.METAL)
    findings = CtBoneFindings(status=Status.NOT_EVALUABLE, reasons=refused.reasons, vertebrae=(refused,))

    assert refused.reasons[0].text in texts(words_of(refused))
    assert texts(summary_of(findings, besides=(L1,))) == ["No statement about bone density"]
    assert texts(summary_of(findings, besides=()))[1] == f"L1: {refused.reasons[0].text}"
