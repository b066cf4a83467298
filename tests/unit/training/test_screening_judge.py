"""Scans of the screening set through the node's measurements, with their true masks in place of the networks'."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.screening.bundle import ScreeningBundle, load_bundle
from models.screening.case import case_from_bytes
from node.domain.calibration import CalibrationMethod
from node.domain.reasons import ReasonCode
from tests.builders.screening import write_untrained
from tests.builders.screening_spec import SMALL
from tests.builders.true_scan import true_scan
from training.cohort.manifest import Cohort, read_manifest
from training.evaluation.screening.judge import JudgedScan, judge_scan
from training.evaluation.screening.run import MANIFEST, SUMMARY, judge_set
from training.evaluation.screening.segmented import SegmentedScan
from training.heldout.screening.spec import Fault, Phase, ScreeningSpec
from training.screening_fit.fit import Watch
from training.screening_report.run import EvaluationPlan, evaluate_screening


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ScreeningBundle:
    folder = tmp_path_factory.mktemp("bundle")
    write_untrained(folder)
    return load_bundle(folder, torch.device("cpu"))


@pytest.fixture(scope="module")
def plain(classifier: ScreeningBundle) -> JudgedScan:
    return judge_scan(true_scan(SMALL), classifier)


def test_cores_read_the_truth_and_the_interval_holds_the_density(plain: JudgedScan) -> None:
    outcome = plain.outcome

    assert [abs(core.error_hu) < 3.0 for core in outcome.cores] == [True, True]
    assert outcome.density is not None
    assert outcome.density.method is CalibrationMethod.ASYNCHRONOUS
    assert outcome.true_mg_cm3 is not None
    assert outcome.density.covers(outcome.true_mg_cm3)
    # an untrained classifier cannot decide, and takes nothing from a density that does
    assert outcome.refusals == {ReasonCode.CLASSIFIER_UNDECIDED}
    assert outcome.by_density is outcome.true_category


def test_a_classifier_would_be_shown_both_vertebrae_and_what_tissues_read(plain: JudgedScan) -> None:
    assert plain.outcome.is_shown
    assert plain.case is not None
    assert plain.case.l2 is not None
    references = plain.case.references
    assert (references.kvp, references.slice_mm) == (120.0, 3.0)
    assert references.blood_hu is not None
    assert 25.0 < references.blood_hu < 70.0


def test_a_site_without_a_calibration_measures_by_tissues_with_a_wider_interval(classifier: ScreeningBundle) -> None:
    outcome = judge_scan(true_scan(replace(SMALL, calibrated=False)), classifier).outcome

    assert outcome.density is not None
    assert outcome.density.method is CalibrationMethod.INTERNAL
    low, high = outcome.density.interval_95
    assert high - low > 60.0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fault": Fault.LOW_TUBE_VOLTAGE, "kvp": 80.0}, ReasonCode.TUBE_VOLTAGE),
        ({"fault": Fault.ARTERIAL_PHASE, "phase": Phase.ARTERIAL}, ReasonCode.ARTERIAL_PHASE),
        ({"fault": Fault.TOO_THICK, "slice_mm": 8.0}, ReasonCode.SLICES_TOO_THICK),
        ({"fault": Fault.METAL}, ReasonCode.METAL),
    ],
)
def test_a_scan_with_a_fault_says_nothing_but_why(
    change: dict[str, object], code: ReasonCode, classifier: ScreeningBundle
) -> None:
    judged = judge_scan(true_scan(replace(SMALL, **change)), classifier)  # type: ignore[arg-type]

    assert judged.outcome.density is None
    assert not judged.outcome.is_shown
    assert code in judged.outcome.refusals


class TrueScans:
    """Scans with their true masks, in place of what networks would find."""

    def scan(self, spec: ScreeningSpec, *, noise: int = 0) -> SegmentedScan:
        return true_scan(spec, noise=noise)


def test_the_set_leaves_figures_and_a_manifest_that_a_classifier_can_be_judged_on(
    tmp_path: Path, classifier: ScreeningBundle
) -> None:
    specs = (replace(SMALL, number=12), replace(SMALL, number=13, fault=Fault.LOW_TUBE_VOLTAGE, kvp=80.0))
    told: list[None] = []

    outcomes = judge_set(TrueScans(), specs, tmp_path, lambda: told.append(None), classifier=classifier)

    assert [outcome.spec.number for outcome in outcomes] == [12, 13]
    assert len(told) == 3  # the first one is made twice
    (scan,) = read_manifest(tmp_path / MANIFEST)
    assert scan.cohort is Cohort.EXTERNAL
    assert case_from_bytes(scan.image.read_bytes()).references.kvp == 120.0
    with (tmp_path / MANIFEST).open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["qct_mg_cm3"]) == pytest.approx(outcomes[0].true_mg_cm3, abs=0.06)
    summary = (tmp_path / SUMMARY).read_text(encoding="utf-8")
    assert "| 80 kVp | 1 | 1 | 1 |" in summary
    assert "2 cores" in summary
    write_untrained(tmp_path / "bundle")
    plan = EvaluationPlan(
        manifest=tmp_path / MANIFEST,
        bundle=tmp_path / "bundle",
        out=tmp_path / "classifier",
        work=tmp_path / "work",
        device=torch.device("cpu"),
        cohort=Cohort.EXTERNAL,
    )
    assert evaluate_screening(plan, Watch()).overall.scans == 1
