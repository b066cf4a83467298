"""Names of chains, as tests ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.instances import find_instances
from models.levels.evidence import Evidence, gather_evidence
from models.levels.model import Calibration
from models.levels.naming import Label, name_levels
from models.levels.plausible import PLAUSIBLE
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.reasons import ReasonCode
from tests.builders.spine_classes import SPACING_MM, Scene, build
from tests.builders.spine_network import A_RULE

PLAUSIBLE_AND_CALIBRATED = replace(
    PLAUSIBLE, calibration=Calibration(slope=1.0, intercept=0.0, scans=1_000_000, data="none")
)


def evidence_of(scene: Scene) -> tuple[Evidence, ...]:
    """What bodies of a painted scene show."""
    built = build(scene)
    instances = find_instances(built.probabilities, SPACING_MM)
    assert instances is not None
    return gather_evidence(built.probabilities, instances)


def named_by_default(chain: Sequence[Evidence]) -> tuple[Label, ...]:
    """Labels by the reasoned tables, at what is usually asked for."""
    return name_levels(chain, A_RULE).labels


def named(labels: tuple[Label, ...]) -> list[VertebralLevel | None]:
    """The names of what is a vertebra."""
    return [label.level for label in labels if label.is_vertebra]


def codes(labels: tuple[Label, ...]) -> set[ReasonCode]:
    """Why labels have no name."""
    return {reason.code for label in labels for reason in label.reasons}


def usual(first: VertebralLevel, last: VertebralLevel) -> list[VertebralLevel]:
    """The usual levels from one to another."""
    return list(USUAL_LEVELS[USUAL_LEVELS.index(first) : USUAL_LEVELS.index(last) + 1])
