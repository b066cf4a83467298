"""The classifier that comes along, on scans of the family of shapes that it never saw, in none of the frozen set."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch

from models.choice import load_classifier
from models.screening.answer import classify_case
from models.screening.bundle import ScreeningBundle
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierAnswer, ClassifierMethod
from node.domain.networks import ClassifierChoice
from node.domain.provenance import IntendedUse
from tests.builders.screening_spec import SMALL
from tests.builders.true_scan import true_scan
from training.evaluation.screening.judge import JudgedScan, judge_scan
from training.heldout.screening.manifest import read_manifest

_NUMBER = 1001


@cache
def shipped() -> ScreeningBundle:
    return load_classifier(torch.device("cpu"), ClassifierChoice())


def judged(bmd_mg_cm3: float) -> JudgedScan:
    spec = replace(SMALL, number=_NUMBER, bmd_mg_cm3=bmd_mg_cm3, kvp=100.0)
    return judge_scan(true_scan(spec), shipped())


def test_it_is_for_research_says_that_it_saw_no_person_and_was_judged() -> None:
    card = shipped().card

    assert card.intended_use is IntendedUse.RESEARCH
    assert "no image of a person" in card.training.data
    assert card.evaluation_sha256 is not None
    # probabilities, not scores
    assert {temperature.method for temperature in card.temperatures} == set(ClassifierMethod)


@pytest.mark.parametrize(
    ("bmd_mg_cm3", "category"),
    [(45.0, BoneCategory.OSTEOPOROSIS), (100.0, BoneCategory.OSTEOPENIA), (165.0, BoneCategory.NORMAL)],
)
def test_it_agrees_with_the_density_well_within_a_category(bmd_mg_cm3: float, category: BoneCategory) -> None:
    assert _NUMBER not in {spec.number for spec in read_manifest()}
    scan = judged(bmd_mg_cm3)
    assert scan.case is not None

    answer = classify_case(shipped(), scan.case)

    assert isinstance(answer, ClassifierAnswer)
    assert answer.method is ClassifierMethod.L1_L2
    assert answer.category is category
    assert scan.outcome.category is category
    assert scan.outcome.indeterminate is None
