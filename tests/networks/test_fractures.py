"""Fractured bodies of a synthetic chest, through the networks: refused for their density, and no other ones."""

from __future__ import annotations

import pytest
import torch

from models.bone import measure_bone
from models.choice import load_spine_model
from models.crops import crop_bodies
from models.spine import segment_spine
from models.vertebra import SpineSegmentation
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.height_loss import Deformity
from node.domain.levels import VertebralLevel
from node.domain.measurement import NORMAL_95, Quantity
from node.domain.reasons import ReasonCode
from tests.builders.acquisitions import AT_120_KV
from training.phantom.changes import Fracture, FractureKind
from training.phantom.chest import make_chest_ct
from training.phantom.spec import PhantomSpec
from training.phantom.truth import PhantomTruth

T9, T12, L2 = VertebralLevel.T9, VertebralLevel.T12, VertebralLevel.L2
BROKEN = {
    T12: Fracture(level=T12, kind=FractureKind.WEDGE, percent=30.0),
    L2: Fracture(level=L2, kind=FractureKind.BICONCAVE, percent=45.0),
    T9: Fracture(level=T9, kind=FractureKind.WEDGE, percent=25.0),
}


@pytest.fixture(scope="module")
def chest() -> tuple[CtBoneFindings, PhantomTruth]:
    phantom = make_chest_ct(PhantomSpec(seed=2, slice_mm=2.0, fractures=tuple(BROKEN.values())))
    spine = segment_spine(phantom.volume, load_spine_model(torch.device("cpu")))
    assert isinstance(spine, SpineSegmentation), spine
    return measure_bone(crop_bodies(phantom.volume, spine), AT_120_KV), phantom.truth


def entry(findings: CtBoneFindings, level: VertebralLevel) -> VertebraFinding:
    return next(vertebra for vertebra in findings.vertebrae if vertebra.level is level)


def test_fractured_bodies_are_refused_with_their_shape(chest: tuple[CtBoneFindings, PhantomTruth]) -> None:
    findings, _ = chest

    for level, deformity in ((T9, Deformity.WEDGE), (T12, Deformity.WEDGE), (L2, Deformity.BICONCAVE)):
        vertebra = entry(findings, level)
        assert [reason.code for reason in vertebra.reasons] == [ReasonCode.FRACTURED]
        assert vertebra.height_loss is not None
        assert vertebra.height_loss.deformity is deformity
        assert vertebra.value(Quantity.CORE_MEAN_HU) is None


def test_whole_bodies_beside_them_are_assessed(chest: tuple[CtBoneFindings, PhantomTruth]) -> None:
    findings, _ = chest
    named = [vertebra for vertebra in findings.vertebrae if vertebra.level is not None]

    assert len(named) >= 6
    assert {vertebra.level for vertebra in named if vertebra.status is not Status.ASSESSED} == set(BROKEN)


def test_heights_lie_within_what_their_uncertainty_says(chest: tuple[CtBoneFindings, PhantomTruth]) -> None:
    """One in twenty may lie outside."""
    findings, truth = chest
    off = []
    for vertebra in findings.vertebrae:
        if vertebra.level is None or vertebra.height_loss is None:
            continue
        true = truth.of(vertebra.level).heights
        for quantity, height in (
            (Quantity.ANTERIOR_HEIGHT, true.anterior),
            (Quantity.MIDDLE_HEIGHT, true.middle),
            (Quantity.POSTERIOR_HEIGHT, true.posterior),
        ):
            measured = vertebra.measurement(quantity)
            assert measured is not None
            assert measured.standard_uncertainty is not None
            off.append(abs(measured.value - height) / measured.standard_uncertainty)

    assert len(off) >= 20
    assert sum(each > NORMAL_95 for each in off) <= 0.1 * len(off)
    assert max(off) < 3.0
