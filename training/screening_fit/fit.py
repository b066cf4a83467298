"""From a manifest to weights: what `osteonode-train fit bmd-screening` does."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from models.card import Metric, Training
from models.screening.bundle import ScreeningBundle, load_bundle, logits_of, save_bundle, save_card
from models.screening.card import ScreeningCard
from models.screening.case import FORM
from models.screening.network import ARCHITECTURE, ScreeningNetwork
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from node.domain.errors import InputRejected
from node.domain.provenance import IntendedUse
from training.cohort.characteristics import characteristics
from training.cohort.manifest import Cohort, Files, Scan, list_scans
from training.cohort.rows import ManifestRejected
from training.cohort.splits import SplitPlan, read_split, share_out, write_split
from training.screening_fit.calibrating import choose_thresholds, fit_temperature
from training.screening_fit.casebook import CaseBook, Excluded, KnownCase, check_files
from training.screening_fit.checkpoint import Learner
from training.screening_fit.facts import with_facts
from training.screening_fit.learn import Epoch, learn
from training.screening_fit.plan import FitPlan, Lessons, check_cohorts
from training.table import Table

NAME = "bmd-screening"
#: What a fit leaves in its folder.
BUNDLE, SPLIT, CHARACTERISTICS, EXCLUDED = "bundle", "split.csv", "characteristics", "excluded.csv"
#: And in its work folder: what the classifier sees of each scan.
CASES = "cases"

_TASK = (
    "Say how probable normal bone, osteopenia and osteoporosis are from the middle planes of L1 and L2, or of L1 alone."
)

#: What a card says where nobody says more.
LICENCE = "As those who trained it say."


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What the card says: version, data in words (made up from the manifest where empty), command, and licence."""

    version: str
    data: str
    command: str
    licence: str = LICENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told how far it is.

    Parameters
    ----------
    step
        What is done now, and how much of it, 0 to 1.
    epoch
        What an epoch came to.
    say
        What else is good to know, in a sentence.
    """

    step: Callable[[str, float], None] = lambda what, share: None
    epoch: Callable[[Epoch], None] = lambda epoch: None
    say: Callable[[str], None] = lambda sentence: None


def fit_screening(
    manifest: Path, out: Path, *, split: SplitPlan, plan: FitPlan, naming: Naming, watch: Watch
) -> ScreeningCard:
    """Read, check, cut, learn and calibrate; leaves bundle, split and table of characteristics in a folder.

    Raises
    ------
    InputRejected
        Where the manifest or a file in it cannot be used, with every row that is wrong.
    ConfigurationError
        Where the work folder holds another training.
    """
    scans = _checked(manifest, split, _kept(out / SPLIT, watch), watch)
    check_cohorts(scans)
    scans = tuple(with_facts(scan) for scan in scans)
    book = CaseBook(plan.work / CASES, plan.device)
    cases, excluded = book.all(scans, counted(watch, "cutting out L1 and L2", len(scans)))
    out.mkdir(parents=True, exist_ok=True)
    write_excluded(excluded, out / EXCLUDED)
    try:
        lessons = Lessons.of(cases)
    except InputRejected as error:
        raise InputRejected(f"{error}; {len(excluded)} scans were left out, see {out / EXCLUDED}") from error
    write_split(scans, out / SPLIT)
    _write_characteristics(out, [known.scan for known in cases])

    def told(share: float, epoch: Epoch | None) -> None:
        watch.step("learning", share)
        if epoch is not None:
            watch.epoch(epoch)

    def resumed(learner: Learner) -> None:
        if learner.is_done(plan):
            watch.say(f"the training in {plan.work} is at its end, after epoch {learner.epoch}")
        else:
            watch.say(f"the training in {plan.work} goes on at epoch {learner.epoch + 1} of {plan.epochs}")

    learner = learn(plan, lessons, told, resumed)
    # also where it ended before the last epoch
    watch.step("learning", 1.0)
    card = _card(lessons, naming, steps=learner.epoch, split=out / SPLIT)
    return _save_calibrated(out / BUNDLE, card, learner.network, lessons.validation, plan.device)


def _kept(path: Path, watch: Watch) -> dict[str, Cohort]:
    """The cohorts of a fit in the same folder, which stay: what was to be judged by is not to be learned from."""
    if not path.exists():
        return {}
    kept = read_split(path)
    watch.say(f"patients that stay in the cohorts of {path}, whatever seed and shares say: {len(kept)}")
    return kept


def _checked(manifest: Path, split: SplitPlan, kept: Mapping[str, Cohort], watch: Watch) -> tuple[Scan, ...]:
    """The scans, each with its cohort, once nothing is wrong with rows, cohorts and files: all is told at once."""
    listed = list_scans(manifest)
    scans, problems = listed.scans, listed.problems
    if not problems:
        try:
            scans = share_out(scans, split, kept)
        except ManifestRejected as rejected:
            problems = rejected.problems
    rows: tuple[Scan | Files, ...] = (*scans, *listed.others)
    check_files(rows, counted(watch, "checking files", len(rows)), known=problems)
    return scans


def counted(watch: Watch, what: str, count: int) -> Callable[[], None]:
    """Tells the watch, each time that it is called, that one more of so many things is done."""
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        watch.step(what, done / count)

    return one_more


def _write_characteristics(out: Path, scans: Sequence[Scan]) -> None:
    table = characteristics(scans)
    (out / f"{CHARACTERISTICS}.csv").write_text(table.csv, encoding="utf-8")
    (out / f"{CHARACTERISTICS}.md").write_text(table.markdown, encoding="utf-8")


def write_excluded(excluded: Sequence[Excluded], path: Path) -> None:
    """Write which scans were left out, and why."""
    rows = tuple(
        (str(each.scan.row), str(each.scan.cohort), str(each.reason.code), each.reason.text) for each in excluded
    )
    path.write_text(Table(head=("row", "cohort", "code", "reason"), rows=rows).csv, encoding="utf-8")


def _card(lessons: Lessons, naming: Naming, *, steps: int, split: Path) -> ScreeningCard:
    return ScreeningCard(
        name=NAME,
        version=naming.version,
        task=_TASK,
        architecture=ARCHITECTURE,
        form=FORM,
        classes=tuple(BoneCategory),
        temperatures=(),
        thresholds=(),
        training=Training(data=naming.data or in_words(lessons.training), command=naming.command, steps=steps),
        metrics=(),
        licence=naming.licence,
        intended_use=IntendedUse.RESEARCH,
        split_sha256=hashlib.sha256(split.read_bytes()).hexdigest(),
        weights_sha256="0" * 64,
    )


def in_words(cases: Sequence[KnownCase]) -> str:
    """The scans that were learned from: how many, of whom, and how their truth is known."""
    scans = [known.scan for known in cases]
    counts = Counter(scan.category for scan in scans)
    categories = ", ".join(f"{counts[category]} {category}" for category in BoneCategory)
    patients, sites = (len({getattr(scan, name) for scan in scans}) for name in ("patient", "site"))
    drawn, measured = sum(scan.is_synthetic for scan in scans), sum(map(_is_measured, scans))
    truth = f"{measured} by quantitative CT, {drawn} synthetic, {len(scans) - measured - drawn} by their class alone"
    return f"Scans {len(scans)}, patients {patients}, sites {sites}; {categories}; {truth}."


def _is_measured(scan: Scan) -> bool:
    """Whether somebody's density was measured: what was drawn is known without."""
    return scan.qct_mg_cm3 is not None and not scan.is_synthetic


def _save_calibrated(
    folder: Path,
    card: ScreeningCard,
    network: ScreeningNetwork,
    validation: Sequence[KnownCase],
    device: torch.device,
) -> ScreeningCard:
    """The bundle, its temperatures and thresholds those of the weights as they are stored."""
    card = save_bundle(folder, card, network)
    bundle = load_bundle(folder, device)
    exact = logits_of(network, [known.case for known in validation], device)
    stored = bundle.logits([known.case for known in validation])
    for method in ClassifierMethod:
        there = np.array([method is ClassifierMethod.L1 or known.case.l2 is not None for known in validation])
        classes = np.array([list(BoneCategory).index(known.scan.category) for known in validation])[there]
        bundle = _calibrated(bundle, method, stored[method][there], classes)
        moved = (torch.softmax(stored[method][there], 1) - torch.softmax(exact[method][there], 1)).abs()
        card = _with_metrics(bundle.card, method, moved, len(classes))
        bundle = replace(bundle, card=card)
    save_card(folder, card)
    return card


def _calibrated(
    bundle: ScreeningBundle,
    method: ClassifierMethod,
    logits: torch.Tensor,
    classes: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> ScreeningBundle:
    data = f"{Cohort.VALIDATION} cohort, {len(classes)} scans"
    temperature = fit_temperature(logits.double().numpy(), classes, method=method, data=data)
    if temperature is None:
        return bundle
    card = replace(bundle.card, temperatures=(*bundle.card.temperatures, temperature))
    cooled = replace(bundle, card=card)
    thresholds = choose_thresholds(cooled.probabilities(logits, method).double().numpy(), classes, method)
    return replace(cooled, card=replace(card, thresholds=(*card.thresholds, *thresholds)))


def _with_metrics(card: ScreeningCard, method: ClassifierMethod, moved: torch.Tensor, cases: int) -> ScreeningCard:
    data = f"{Cohort.VALIDATION} cohort, {cases} scans"
    largest = float(moved.max()) if moved.numel() else 0.0
    metric = Metric(name=f"{method} largest change of a probability by 8 bits", value=largest, data=data)
    return replace(card, metrics=(*card.metrics, metric))
