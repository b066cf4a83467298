"""The networks of the project against another's, on real scans that both can be asked about."""

from __future__ import annotations

import numpy as np
import torch

from models.bone import measure_bone
from models.choice import load_spine_model
from models.crops import crop_bodies
from models.spine import segment_spine
from models.vertebra import SpineSegmentation
from node.domain.finding import Status
from node.domain.levels import VertebralLevel
from tests import peers
from tests.builders.published_ct import published_abdomen, published_chest
from training.evaluation.scores import Naming, score_case

#: Half the height of a thoracic body: the middle of a whole vertebra, arch included, lies lower than that of its body.
_SAME_LEVEL_MM = 12.0


def test_lumbar_bodies_of_an_abdomen_are_those_of_another_network_under_the_same_names() -> None:
    case = published_abdomen(peers.require_totalsegmentator())

    spine = segment_spine(case.volume, load_spine_model(torch.device("cpu")))

    assert isinstance(spine, SpineSegmentation), spine
    whole = [body for body in score_case(case, spine).bodies if body.is_whole]
    assert [str(body.level) for body in whole] == ["L1", "L2", "L3", "L4", "L5"]
    assert {body.naming for body in whole} == {Naming.RIGHT}
    assert np.mean([body.dice for body in whole]) >= 0.94
    assert min(body.dice for body in whole) >= 0.9


def test_a_chest_with_contrast_and_stents_has_its_t12_where_another_network_has_it_and_no_number_below() -> None:
    scan = published_chest(peers.require_totalsegmentator())

    spine = segment_spine(scan.volume, load_spine_model(torch.device("cpu")))

    assert isinstance(spine, SpineSegmentation), spine
    named = {vertebra.level: vertebra for vertebra in spine.vertebrae if vertebra.level is not None}
    away = np.subtract(named[VertebralLevel.T12].centroid_lps_mm, scan.t12_lps_mm)
    assert abs(away[2]) < _SAME_LEVEL_MM
    assert {str(level) for level in named} >= {f"T{number}" for number in range(4, 13)}
    t12 = named[VertebralLevel.T12].ordinal
    findings = measure_bone(crop_bodies(scan.volume, spine)).vertebrae
    below = [each for each in findings if each.segment_value is not None and each.ordinal > t12]
    assert [each.status for each in below] == [Status.NOT_EVALUABLE]
    assert below[0].measurements == ()
