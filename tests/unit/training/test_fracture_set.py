"""The frozen set of fractures: what stands in its list, and what is drawn of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.domain.errors import InputRejected
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.morphology import MorphologyClass
from training.cohort.manifest import Cohort
from training.fracture_set.draw import draw_scan, injuries_of
from training.fracture_set.manifest import MANIFEST, SCANS, draw_manifest, manifest_text, read_manifest
from training.fracture_set.spec import Family, FractureScan
from training.phantom.changes import Fracture, FractureKind, Variant, VariantKind
from training.phantom.spec import PhantomSpec

L1, L2 = VertebralLevel.L1, VertebralLevel.L2

#: Of the list as it was written before anything was trained on it.
FROZEN_SHA256 = "0c3c707530dcca52a88e1bb744b4b9c3a0c1f8c5f503d22c4549177c56bc5df6"

BURST = Fracture(level=L1, kind=FractureKind.BURST, percent=40.0, compacted_hu=150.0, retropulsion=0.5)
SMALL = PhantomSpec(
    seed=50_001,
    slice_mm=2.0,
    size=160,
    first=VertebralLevel.T12,
    last=L2,
    fractures=(BURST, Fracture(level=VertebralLevel.T12, kind=FractureKind.WEDGE, percent=12.0)),
    variants=(Variant(level=L2, kind=VariantKind.SCHMORL_NODE, mm=6.0),),
)


def scan_of(family: Family, spec: PhantomSpec = SMALL) -> FractureScan:
    cohort = Cohort.EXTERNAL if family is Family.SECOND else Cohort.TEST
    return FractureScan(number=1, cohort=cohort, family=family, spec=spec)


def levels_in(scan: FractureScan) -> tuple[VertebralLevel, ...]:
    return USUAL_LEVELS[USUAL_LEVELS.index(scan.spec.first) : USUAL_LEVELS.index(scan.spec.last) + 1]


def test_the_list_is_the_one_that_was_frozen() -> None:
    assert hashlib.sha256(MANIFEST.read_bytes()).hexdigest() == FROZEN_SHA256


def test_the_list_follows_from_its_seed() -> None:
    assert manifest_text(draw_manifest()) == MANIFEST.read_text(encoding="utf-8")
    assert read_manifest() == tuple(draw_manifest())


def test_every_cohort_has_its_scans_and_no_person_is_there_twice() -> None:
    scans = read_manifest()

    assert Counter(scan.cohort for scan in scans) == SCANS
    assert len({scan.spec.seed for scan in scans}) == len(scans)
    assert [scan.number for scan in scans] == list(range(len(scans)))


def test_only_the_external_cohort_is_of_the_second_family() -> None:
    assert {scan.cohort for scan in read_manifest() if scan.family is Family.SECOND} == {Cohort.EXTERNAL}
    with pytest.raises(ValueError, match="second family"):
        FractureScan(number=0, cohort=Cohort.TRAINING, family=Family.SECOND, spec=SMALL)


@pytest.mark.parametrize("cohort", list(SCANS), ids=str)
def test_every_cohort_has_every_class_kind_and_variant(cohort: Cohort) -> None:
    scans = [scan for scan in read_manifest() if scan.cohort is cohort]
    classes = Counter(scan.morphology(level) for scan in scans for level in levels_in(scan))
    kinds = {fracture.kind for scan in scans for fracture in scan.spec.fractures}
    variants = {variant.kind for scan in scans for variant in scan.spec.variants}

    assert min(classes[each] for each in MorphologyClass) >= 15
    assert kinds == set(FractureKind)
    assert variants == set(VariantKind)


def test_a_class_is_that_of_the_fracture_and_a_small_loss_is_none() -> None:
    scan = scan_of(Family.FIRST)
    crush = replace(SMALL, fractures=(Fracture(level=L1, kind=FractureKind.CRUSH, percent=20.0),))

    assert scan.morphology(L1) is MorphologyClass.BURST
    assert scan.morphology(VertebralLevel.T12) is MorphologyClass.NONE
    assert scan.morphology(L2) is MorphologyClass.NONE
    assert scan_of(Family.FIRST, crush).morphology(L1) is MorphologyClass.COMPRESSION


@pytest.mark.parametrize("text", ["", "number\n1\n", "cohort,number\ntraining,x\n"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)

    with pytest.raises(InputRejected, match="list of the fracture set"):
        read_manifest(path)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="list of the fracture set"):
        read_manifest(tmp_path / "nothing.csv")


@pytest.mark.parametrize("family", list(Family), ids=str)
def test_a_scan_shows_its_levels_and_what_has_happened_to_them(family: Family) -> None:
    scan = scan_of(family)
    plain = scan_of(family, replace(SMALL, fractures=(), variants=()))

    drawn, whole = draw_scan(scan), draw_scan(plain)

    assert drawn.truth.shape == drawn.volume.hu.shape
    assert drawn.heights[L1].anterior < 0.7 * whole.heights[L1].anterior
    assert drawn.heights[L2] == whole.heights[L2]
    counts, before = (np.bincount(each.truth.ravel(), minlength=30) for each in (drawn, whole))
    voxel, other = (each.volume.affine.voxel_volume_mm3 for each in (drawn, whole))
    for level in levels_in(scan):
        assert counts[level.number] > 0
        assert not (drawn.truth[0] == level.number).any()
        assert not (drawn.truth[-1] == level.number).any()
    lost = 1.0 - counts[L1.number] * voxel / (before[L1.number] * other)
    assert 0.12 < lost < 0.45


@pytest.mark.parametrize("family", list(Family), ids=str)
def test_the_same_scan_gives_the_same_voxels(family: Family) -> None:
    first, second = (draw_scan(scan_of(family)) for _ in range(2))

    np.testing.assert_array_equal(first.volume.hu, second.volume.hu)
    np.testing.assert_array_equal(first.truth, second.truth)


def test_the_second_family_makes_injuries_of_what_is_said() -> None:
    injuries = injuries_of(scan_of(Family.SECOND))

    assert injuries[L1].fragment_mm == pytest.approx(8.0)
    assert injuries[L1].pressed_hu == 150.0
    assert injuries[L1].loss == pytest.approx((0.4, 0.36, 0.18))
    assert injuries[VertebralLevel.T12].fragment_mm == 0.0
    assert injuries[L2].pit_mm == 6.0
    assert not injuries[L2].is_fracture
    assert len({injury.seed for injury in injuries.values()}) == 3
