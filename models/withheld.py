"""What the classifier must not be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.density import DensityRule
from node.domain.finding import VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.reasons import Reason, ReasonCode


def withheld_from_classifier(
    rule: DensityRule, vertebrae: Sequence[VertebraFinding]
) -> Mapping[VertebralLevel, Reason] | Reason:
    """Why vertebrae must not be shown to the classifier, by level, or why nothing of the scan may be."""
    return rule.against_classifying or withheld_vertebrae(vertebrae)


def withheld_vertebrae(vertebrae: Sequence[VertebraFinding]) -> Mapping[VertebralLevel, Reason]:
    """Why vertebrae must not be shown to the classifier, by level."""
    against = {each.level: why_withheld(each) for each in vertebrae if each.level is not None}
    return {level: reason for level, reason in against.items() if reason is not None}


def why_withheld(vertebra: VertebraFinding) -> Reason | None:
    """Why a vertebra says nothing about bone: it was not measured, or reads as no bone does."""
    if vertebra.reasons:
        return vertebra.reasons[0]
    refusals = vertebra.refusals(Quantity.BMD)
    return next((reason for reason in refusals if reason.code is ReasonCode.IMPLAUSIBLE_DENSITY), None)
