"""Ribs of single vertebrae in real scans: T12 has more of them than L1, however short they are."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest
import torch

from models.bodies import FoundBodies
from models.choice import load_spine_model
from models.levels.ribs import PAIR_MM3
from models.own_ribs import look_at_ribs
from models.spine import find_bodies, prepare_scan
from node.domain.reasons import Reason
from tests.builders.real_ct import read_series


def bodies_in(folder: Path) -> FoundBodies:
    model = load_spine_model(torch.device("cpu"))
    scan = prepare_scan(read_series(folder), model.tissue)
    assert not isinstance(scan, Reason)
    bodies = find_bodies(scan, model.tissue.classify(scan), model.tissue)
    assert isinstance(bodies, FoundBodies)
    return look_at_ribs(scan.volume, bodies, model.ribs)


@pytest.mark.parametrize(
    ("name", "t12"), [("lung1-007", -2), ("matrad-liver", 9)], ids=["a chest that ends in L1", "a trunk from T3 on"]
)
def test_t12_has_ribs_and_no_vertebra_below_has_any(shared_data: Path, name: str, t12: int) -> None:
    """By the README of the data T12 of the chest is the last body but one, and T3 is the first body of the trunk."""
    looked_at = [
        None if body.own_ribs is None else fmean(body.own_ribs.volume_mm3)
        for body in bodies_in(shared_data / "ct" / name).evidence
    ]

    last, *below = [volume for volume in looked_at[t12:] if volume is not None]

    assert last > 2.0 * PAIR_MM3
    assert below
    assert max(below) < PAIR_MM3
