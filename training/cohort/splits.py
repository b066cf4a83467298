"""Who is in which cohort: shared out by patient and site, the same for the same seed, and written down."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from node.domain.bone_category import BoneCategory
from node.domain.errors import InputRejected
from training.cohort.manifest import Cohort, Scan
from training.cohort.rows import ManifestRejected, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How patients are shared out that the manifest gives no cohort.

    Parameters
    ----------
    seed
        Chance follows from it.
    validation, test
        Shares of the patients of each category; the others are for training.
    external_sites
        Sites that no model learns from.

    Raises
    ------
    InputRejected
        Where no patient is left for training.
    """

    seed: int
    validation: float = 0.1
    test: float = 0.2
    external_sites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (min(self.validation, self.test) >= 0.0 and self.validation + self.test < 1.0):
            raise InputRejected(
                f"shares must not be negative and must leave patients for training, got {self.validation} for "
                f"validation and {self.test} for the test"
            )


def share_out(scans: Sequence[Scan], plan: SplitPlan) -> tuple[Scan, ...]:
    """The scans, each with its cohort; all scans of a patient are in one.

    Patients are shared out within their category, that of the sickest of their scans.

    Raises
    ------
    InputRejected
        Where an external site has no scan.
    ManifestRejected
        Where a patient of an external site has scans elsewhere, or the manifest has another cohort for one.
    """
    unknown = sorted(set(plan.external_sites) - {scan.site for scan in scans})
    if unknown:
        raise InputRejected(f"no scan is of the external site {', '.join(unknown)}")
    problems = list(_straddling(scans, plan.external_sites))
    if problems:
        raise ManifestRejected("the manifest", problems)
    outside = {scan.patient for scan in scans if scan.site in plan.external_sites}
    drawn = _drawn([scan for scan in scans if scan.cohort is None and scan.patient not in outside], plan)
    return tuple(
        replace(scan, cohort=Cohort.EXTERNAL if scan.patient in outside else scan.cohort or drawn[scan.patient])
        for scan in scans
    )


def write_split(scans: Iterable[Scan], path: Path) -> None:
    """Write down which patient is in which cohort: `patient,cohort`, sorted."""
    cohorts = {scan.patient: scan.cohort for scan in scans}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("patient", "cohort"))
        writer.writerows(sorted((patient, str(cohort)) for patient, cohort in cohorts.items()))


def _drawn(scans: Sequence[Scan], plan: SplitPlan) -> Mapping[str, Cohort]:
    order = list(BoneCategory)
    sickest: dict[str, BoneCategory] = {}
    for scan in scans:
        known = sickest.setdefault(scan.patient, scan.category)
        sickest[scan.patient] = max(known, scan.category, key=order.index)
    strata: dict[BoneCategory, list[str]] = defaultdict(list)
    for patient in sorted(sickest):
        strata[sickest[patient]].append(patient)
    cohorts: dict[str, Cohort] = {}
    for category in order:
        patients = strata[category]
        shuffled = np.random.default_rng((plan.seed, order.index(category))).permutation(patients)
        first, second = (round(share * len(patients)) for share in (plan.test, plan.test + plan.validation))
        for place, patient in enumerate(shuffled.tolist()):
            cohorts[patient] = (
                Cohort.TEST if place < first else Cohort.VALIDATION if place < second else Cohort.TRAINING
            )
    return cohorts


def _straddling(scans: Sequence[Scan], external_sites: Sequence[str]) -> Iterable[Problem]:
    outside = {scan.patient: scan.row for scan in scans if scan.site in external_sites}
    for scan in scans:
        row = outside.get(scan.patient)
        if row is None:
            continue
        if scan.site not in external_sites:
            what = f"patient {scan.patient} is at {scan.site}, and in row {row} at an external site"
            yield Problem(row=scan.row, column="site", what=what)
        elif scan.cohort not in {None, Cohort.EXTERNAL}:
            yield Problem(row=scan.row, column="cohort", what=f"is {scan.cohort}, but {scan.site} is an external site")
