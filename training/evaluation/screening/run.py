"""The frozen screening set, whole: outcomes, figures of the measurement, and a manifest to judge classifiers by."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from models.screening.bundle import ScreeningBundle
from models.screening.case import case_to_bytes
from training.cohort.manifest import Cohort
from training.evaluation.screening.judge import JudgedScan, judge_scan
from training.evaluation.screening.outcome import ScanOutcome
from training.evaluation.screening.pictures import agreement_picture, core_picture
from training.evaluation.screening.segmented import SegmentedScan
from training.evaluation.screening.summary import summary_markdown
from training.heldout.screening.scan import KERNEL_NAMES
from training.heldout.screening.spec import Phase, ScreeningSpec, Sharpness

#: What is left in the folder.
OUTCOMES, SUMMARY, MANIFEST, CASES = "outcomes.json", "summary.md", "manifest.csv", "cases"
AGREEMENT_PICTURE, CORE_PICTURE = "agreement.png", "cores.png"

#: So many scans are made twice, with other noise: every twelfth.
_RESCANNED = 12

_OUTCOMES = TypeAdapter(tuple[ScanOutcome, ...])
_COLUMNS = (
    "image",
    "patient",
    "site",
    "qct_mg_cm3",
    "measured_mg_cm3",
    "scanner",
    "kvp",
    "kernel",
    "contrast",
    "cohort",
    "synthetic",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescan:
    """Mean CT numbers of the cores of one vertebra in the same person, scanned twice, HU."""

    first: float
    second: float


class ScanSource(Protocol):
    """Where segmented scans come from: `SegmentedScans`."""

    def scan(self, spec: ScreeningSpec, *, noise: int = 0) -> SegmentedScan:
        """The scan of a specification; another `noise` is the same person once more."""
        ...


def judge_set(
    scans: ScanSource,
    specs: Sequence[ScreeningSpec],
    out: Path,
    watch: Callable[[], None],
    *,
    classifier: ScreeningBundle,
) -> tuple[ScanOutcome, ...]:
    """Judge all scans, and leave outcomes, figures and a manifest in a folder.

    Parameters
    ----------
    watch
        Told when a scan is done, and when it is done again with other noise.
    classifier
        The second answer, which decides with the density what a report says.
    """
    (out / CASES).mkdir(parents=True, exist_ok=True)
    judged = []
    for spec in specs:
        judged.append(judge_scan(scans.scan(spec), classifier))
        watch()
    rescans = [pair for spec in rescanned(specs) for pair in _rescan(scans, spec, watch, classifier)]
    outcomes = tuple(each.outcome for each in judged)
    _write_manifest(judged, out)
    (out / OUTCOMES).write_bytes(_OUTCOMES.dump_json(outcomes, indent=1))
    (out / AGREEMENT_PICTURE).write_bytes(agreement_picture(outcomes))
    (out / CORE_PICTURE).write_bytes(core_picture(outcomes))
    pairs = [(pair.first, pair.second) for pair in rescans]
    (out / SUMMARY).write_text(summary_markdown(outcomes, pairs), encoding="utf-8")
    return outcomes


def rescanned(specs: Sequence[ScreeningSpec]) -> tuple[ScreeningSpec, ...]:
    """The scans that are made twice."""
    return tuple(spec for spec in specs if spec.in_scope and spec.number % _RESCANNED == 0)


def _rescan(
    scans: ScanSource, spec: ScreeningSpec, watch: Callable[[], None], classifier: ScreeningBundle
) -> list[Rescan]:
    first, second = (
        {core.level: core.hu for core in judge_scan(scans.scan(spec, noise=noise), classifier).outcome.cores}
        for noise in (0, 1)
    )
    watch()
    return [Rescan(first=first[level], second=second[level]) for level in first if level in second]


def _write_manifest(judged: Sequence[JudgedScan], out: Path) -> None:
    """Scans in scope that a classifier may answer to; the column of the site says whether the scan is a usual one.

    Nothing was ever learned from them, so that they need no split of any fit.
    """
    with (out / MANIFEST).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for each in judged:
            spec, true = each.outcome.spec, each.outcome.true_mg_cm3
            if not spec.in_scope or each.case is None or true is None:
                continue
            path = out / CASES / f"{spec.name}.npz"
            path.write_bytes(case_to_bytes(each.case))
            density = each.outcome.density
            measured = "" if density is None else f"{density.mg_cm3:.1f}"
            scanned = (f"slices of {spec.slice_mm:g} mm", f"{spec.kvp:g}", KERNEL_NAMES[spec.sharpness])
            contrast = "no" if spec.phase is Phase.NATIVE else "yes"
            person = f"scan-{spec.name}"
            known = (f"{CASES}/{path.name}", person, site_of(spec), f"{true:.1f}", measured, *scanned, contrast)
            writer.writerow((*known, Cohort.EXTERNAL, "yes"))


def site_of(spec: ScreeningSpec) -> str:
    """Usual scans are of 120 kV without contrast agent by kernels that are not sharp; in the others these vary."""
    usual = spec.kvp == 120.0 and spec.phase is Phase.NATIVE and spec.sharpness is not Sharpness.SHARP
    return "usual" if usual else "tube voltage, contrast agent or kernel vary"
