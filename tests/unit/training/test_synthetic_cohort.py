"""Synthetic people for the classifier of bone density: what is said of them is true of their images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.photons import HYDROXYAPATITE
from models.screening.case import case_from_bytes
from node.domain.errors import ConfigurationError
from training.anatomy.template import Template, build_template
from training.cohort.manifest import read_manifest
from training.rendering.screening_case import DrawnCase, draw_screening_case
from training.synthetic_cohort import CohortPlan, write_cohort

SPACING_MM = 3.0


@pytest.fixture(scope="module")
def template() -> Template:
    return build_template(np.random.default_rng(5), spacing_mm=SPACING_MM)


@pytest.fixture(scope="module")
def people(template: Template) -> list[DrawnCase]:
    drawn = [draw_screening_case(template, np.random.default_rng((8, number))) for number in range(24)]
    return [each for each in drawn if each is not None]


def inner_hu(drawn: DrawnCase) -> float:
    """Mean of the middle of both axial planes, HU."""
    means = []
    for image in (drawn.case.l1, drawn.case.l2):
        assert image is not None
        means.append(float(image.hu[0, 26:36, 28:36].mean()))
    return float(np.mean(means))


def test_the_same_state_gives_the_same_person(template: Template) -> None:
    first, second = (draw_screening_case(template, np.random.default_rng((8, 1))) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.bmd_mg_cm3 == second.bmd_mg_cm3
    assert np.array_equal(first.case.l1.hu, second.case.l1.hu)
    assert first.case.references == second.case.references


def test_bone_is_as_bright_as_its_density_makes_it_at_120_kv(people: list[DrawnCase]) -> None:
    slope = HYDROXYAPATITE.hu_per_mg_cm3(70.0)
    native = [each for each in people if not each.enhanced and each.kvp == 120.0]
    assert len(native) >= 3
    errors = [inner_hu(each) - slope * each.bmd_mg_cm3 for each in native]
    assert float(np.median(np.abs(errors))) < 25.0


def test_blood_tells_who_had_contrast_agent(people: list[DrawnCase]) -> None:
    for each in people:
        blood = each.case.references.blood_hu
        assert blood is not None
        assert (blood > 80.0) == each.enhanced


def test_nearly_everybody_has_two_bodies_that_can_be_measured(people: list[DrawnCase]) -> None:
    assert len(people) >= 20
    for each in people:
        assert each.case.l2 is not None
        assert 2_000 > int(each.case.l1.body[0].sum()) > 400


def test_the_manifest_of_a_cohort_can_be_trained_on(tmp_path: Path) -> None:
    plan = CohortPlan(folder=tmp_path, seed=4, people=5, trunks=1, trunk_mm=SPACING_MM)
    told: list[None] = []
    manifest = write_cohort(plan, lambda: told.append(None))
    scans = read_manifest(manifest)
    assert len(told) == len(scans) == 5
    assert len({scan.patient for scan in scans}) == 5
    assert all(scan.synthetic for scan in scans)
    for scan in scans:
        assert scan.qct_mg_cm3 is not None
        case = case_from_bytes(scan.image.read_bytes())
        assert case.references.kvp == scan.kvp


def test_a_cohort_that_was_stopped_goes_on_to_the_same_end(tmp_path: Path) -> None:
    plan = CohortPlan(folder=tmp_path / "stopped", seed=4, people=3, trunks=1, trunk_mm=SPACING_MM)

    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        write_cohort(plan, stop)
    resumed = write_cohort(plan, lambda: None)
    whole = write_cohort(
        CohortPlan(folder=tmp_path / "whole", seed=4, people=3, trunks=1, trunk_mm=SPACING_MM), lambda: None
    )
    assert resumed.read_text(encoding="utf-8") == whole.read_text(encoding="utf-8")
    for name in ("00000.npz", "00002.npz"):
        assert (resumed.parent / name).read_bytes() == (whole.parent / name).read_bytes()


def test_a_cohort_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        CohortPlan(folder=tmp_path, seed=1, people=0)
