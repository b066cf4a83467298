"""How the chain that was found must lie to be a patient's spine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.instances import find_instances
from models.orientation import judge_orientation
from node.domain.levels import VertebralLevel
from tests.builders.spine_classes import SPACING_MM, Scene, build


@pytest.mark.parametrize(("missed", "upright"), [(0, True), (1, True), (3, False)])
def test_a_chain_with_a_hole_that_no_missed_body_leaves_stands_upright_no_more(missed: int, upright: bool) -> None:
    """Bodies that a network sees in a breastbone and in a heart have a hole between them, and may have arches."""
    probabilities = build(Scene(top=VertebralLevel.T6, bottom=VertebralLevel.L2, sacrum=False)).probabilities
    instances = find_instances(probabilities, SPACING_MM)
    assert instances is not None
    spans = (*instances.spans_mm[:3], *instances.spans_mm[3 + missed :])

    orientation = judge_orientation(probabilities, replace(instances, spans_mm=spans))

    assert orientation.upright is upright
    # that is a question for the image turned round, and no answer
    assert orientation.why_mirrored is None
