"""From a manifest and weights to a report: what `osteonode-train evaluate bmd-screening` does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from models.screening.bundle import ScreeningBundle, load_bundle
from models.screening.card import ScreeningCard
from node.domain.classifier import ClassifierMethod
from node.domain.errors import InputRejected
from training.cohort.manifest import Cohort, Scan, read_manifest
from training.cohort.rows import ManifestRejected, Problem
from training.cohort.splits import read_split
from training.screening_fit.casebook import CaseBook, KnownCase, check_files
from training.screening_fit.facts import with_facts
from training.screening_fit.fit import CASES, SPLIT, Watch, counted
from training.screening_report.evaluation import Evaluation, evaluate, save_evaluation
from training.screening_report.judged import judge_cases
from training.screening_report.page import write_page

#: What an evaluation leaves in its folder.
REPORT, FIGURES = "report.html", "evaluation.json"

#: Cohorts that a model may be judged on: nothing was learned from them.
JUDGED = (Cohort.TEST, Cohort.EXTERNAL, Cohort.PROSPECTIVE)

NO_SPLIT = "No split was given: that no patient was learned from rests on the manifest."
VOLTAGE_UNKNOWN = "Of {} scans nobody told the tube voltage: they were judged, and the node would not show them."
SCORES = "Probabilities of {} are not calibrated: they are scores."


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """What is judged on what.

    Parameters
    ----------
    bundle
        Folder of the weights.
    cohort
        One of `JUDGED`.
    split
        File that says which patient was in which cohort of the fit; `None` for the one beside the bundle, if there is
        one.
    work
        Folder where cases are kept.
    trusted
        Keys of a site, for weights that it has released for clinical use and watches.
    """

    manifest: Path
    bundle: Path
    out: Path
    work: Path
    device: torch.device
    cohort: Cohort = Cohort.TEST
    split: Path | None = None
    trusted: tuple[Ed25519PublicKey, ...] = ()

    def __post_init__(self) -> None:
        if self.cohort not in JUDGED:
            raise InputRejected(f"a model is judged on one of {', '.join(JUDGED)}, not on {self.cohort}")


def evaluate_screening(plan: EvaluationPlan, watch: Watch) -> Evaluation:
    """Judge weights on a cohort, and leave report and figures in a folder.

    Raises
    ------
    InputRejected
        Where manifest, split or a file cannot be used, or the cohort is empty.
    ConfigurationError
        Where the weights cannot be used.
    """
    bundle = load_bundle(plan.bundle, plan.device, trusted=plan.trusted)
    cohorts, limitations = _split_of(plan, bundle.card)
    scans = [scan for scan in placed(read_manifest(plan.manifest), cohorts) if scan.cohort is plan.cohort]
    if not scans:
        raise InputRejected(f"{plan.manifest.name} has no scan of the cohort {plan.cohort}")
    check_files(scans, counted(watch, "checking files", len(scans)))
    scans = [with_facts(scan) for scan in scans]
    book = CaseBook(plan.work / CASES, plan.device)
    cases, excluded = book.all(scans, counted(watch, "cutting out L1 and L2", len(scans)))
    if not cases:
        raise InputRejected(
            f"no scan of the cohort {plan.cohort} can be shown to the classifier: {excluded[0].reason.text}"
        )
    watch.step("asking both models", 0.0)
    judged = judge_cases(bundle, cases)
    watch.step("asking both models", 1.0)
    evaluation = evaluate(
        judged,
        excluded,
        card=bundle.card,
        cohort=plan.cohort,
        manifest_sha256=hashlib.sha256(plan.manifest.read_bytes()).hexdigest(),
        limitations=(*limitations, *_uncalibrated(bundle), *_unknown(cases)),
    )
    plan.out.mkdir(parents=True, exist_ok=True)
    save_evaluation(evaluation, plan.out / FIGURES)
    (plan.out / REPORT).write_text(write_page(evaluation, judged), encoding="utf-8")
    return evaluation


def placed(scans: Sequence[Scan], cohorts: Mapping[str, Cohort]) -> tuple[Scan, ...]:
    """The scans, each in the cohort that the fit had for its patient, or in that of the manifest for others.

    Raises
    ------
    ManifestRejected
        Where the two contradict each other, or nobody knows.
    """
    problems = []
    for scan in scans:
        known = cohorts.get(scan.patient)
        if known is not None and scan.cohort not in {None, known}:
            what = f"is {scan.cohort}, but patient {scan.patient} was in {known} when the weights were learned"
            problems.append(Problem(row=scan.row, column="cohort", what=what))
        if known is None and scan.cohort is None:
            what = f"patient {scan.patient} is in no cohort of the split, and the row names none"
            problems.append(Problem(row=scan.row, column="cohort", what=what))
    if problems:
        raise ManifestRejected("the manifest", problems)
    return tuple(replace(scan, cohort=cohorts.get(scan.patient, scan.cohort)) for scan in scans)


def _split_of(plan: EvaluationPlan, card: ScreeningCard) -> tuple[dict[str, Cohort], tuple[str, ...]]:
    """The cohorts of the fit, and what is to be said where they are not known."""
    path = plan.split or plan.bundle.parent / SPLIT
    if plan.split is None and not path.exists():
        if plan.cohort is Cohort.TEST:
            raise InputRejected(f"the test cohort is that of the fit: give its {SPLIT}")
        return {}, (NO_SPLIT,)
    cohorts = read_split(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != card.split_sha256:
        raise InputRejected(
            f"{path} is not the split that {card.name} {card.version} was learned with: SHA-256 {digest} instead of "
            f"{card.split_sha256}"
        )
    return cohorts, ()


def _unknown(cases: Sequence[KnownCase]) -> tuple[str, ...]:
    count = sum(known.case.references.kvp is None for known in cases)
    return (VOLTAGE_UNKNOWN.format(count),) if count else ()


def _uncalibrated(bundle: ScreeningBundle) -> tuple[str, ...]:
    words = {ClassifierMethod.L1_L2: "model 1", ClassifierMethod.L1: "model 2"}
    return tuple(SCORES.format(words[method]) for method in ClassifierMethod if bundle.card.temperature(method) is None)
