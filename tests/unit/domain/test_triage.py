"""What makes a study urgent."""

from dataclasses import replace

import pytest

from node.domain.bone_density import HuBand
from node.domain.bone_screening import BoneScreening
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, Quantity, Unit
from node.domain.study import Priority
from node.domain.triage import Triage, TriagePolicy, triage


def findings(hu: float, level: VertebralLevel = VertebralLevel.L1) -> CtBoneFindings:
    measured = Measurement(quantity=Quantity.CORE_MEAN_HU, value=hu, unit=Unit.HOUNSFIELD, site=level, method="core-1")
    vertebra = VertebraFinding(level=level, status=Status.ASSESSED, measurements=(measured,))
    screening = BoneScreening(hu_band=HuBand.of(hu), levels=(VertebralLevel.L1,))
    return CtBoneFindings(status=Status.ASSESSED, vertebrae=(vertebra,), screening=screening)


BELOW_90 = TriagePolicy(l1_hu_below=90.0)


def test_nothing_is_urgent_unless_the_site_says_so():
    assert triage(findings(10.0), TriagePolicy()) == Triage(priority=Priority.ROUTINE)


@pytest.mark.parametrize(("hu", "priority"), [(89.9, Priority.URGENT), (90.0, Priority.ROUTINE)])
def test_a_low_l1_is_urgent(hu, priority):
    assert triage(findings(hu), BELOW_90).priority is priority


def test_urgency_says_why():
    assert triage(findings(61.4), BELOW_90).because == ("L1 trabecular core 61 HU, below 90 HU",)


def test_a_ct_number_for_which_no_limit_holds_raises_nothing():
    assert triage(replace(findings(61.4), screening=None), BELOW_90).priority is Priority.ROUTINE


def test_only_l1_counts():
    assert triage(findings(10.0, VertebralLevel.L2), BELOW_90).priority is Priority.ROUTINE


def test_a_level_that_was_not_measured_raises_nothing():
    nothing = CtBoneFindings(
        status=Status.ASSESSED, vertebrae=(VertebraFinding(level=VertebralLevel.L1, status=Status.ASSESSED),)
    )

    assert triage(nothing, BELOW_90).priority is Priority.ROUTINE
