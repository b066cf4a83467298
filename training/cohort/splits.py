"""Who is in which cohort: shared out by patient and site, the same for the same seed, and written down."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from node.domain.errors import InputRejected
from training.cohort.manifest import Cohort, Scan, in_two_cohorts
from training.cohort.rows import ManifestRejected, Problem, one_of, read_rows

_COLUMNS = ("patient", "cohort")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How patients are shared out that the manifest gives no cohort.

    Parameters
    ----------
    seed
        Chance follows from it.
    validation, test
        Shares of the patients; the others are for training.
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

    Where a patient goes follows from the seed and the patient alone, so nobody changes sides when others are added.

    Raises
    ------
    InputRejected
        Where an external site has no scan.
    ManifestRejected
        Where a patient is in two cohorts, or an external site is not so in all its scans.
    """
    unknown = sorted(set(plan.external_sites) - {scan.site for scan in scans})
    if unknown:
        raise InputRejected(f"no scan is of the external site {', '.join(unknown)}")
    external = {*plan.external_sites, *(scan.site for scan in scans if scan.cohort is Cohort.EXTERNAL)}
    problems = [*in_two_cohorts(scans), *_straddling(scans, external)]
    if problems:
        raise ManifestRejected("the manifest", problems)
    return tuple(
        replace(scan, cohort=Cohort.EXTERNAL if scan.site in external else scan.cohort or _drawn(scan.patient, plan))
        for scan in scans
    )


def write_split(scans: Iterable[Scan], path: Path) -> None:
    """Write down which patient is in which cohort: `patient,cohort`, sorted."""
    cohorts = {scan.patient: scan.cohort for scan in scans}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(sorted((patient, str(cohort)) for patient, cohort in cohorts.items()))


def read_split(path: Path) -> dict[str, Cohort]:
    """The cohort of every patient, as `write_split` wrote it down.

    Raises
    ------
    InputRejected
        Where the file cannot be used.
    ManifestRejected
        Where rows are wrong, or name a patient twice.
    """
    rows = read_rows(path, needed=_COLUMNS, allowed=_COLUMNS)
    cohorts: dict[str, Cohort] = {}
    for row in rows:
        patient, cohort = row.text("patient"), row.optional("cohort", partial(one_of, Cohort))
        if patient in cohorts:
            row.refuse("patient", f"{patient} is there already")
        if cohort is None:
            row.text("cohort")
        else:
            cohorts[patient] = cohort
    problems = [problem for row in rows for problem in row.problems]
    if problems:
        raise ManifestRejected(path.name, problems)
    return cohorts


def _drawn(patient: str, plan: SplitPlan) -> Cohort:
    digest = hashlib.sha256(f"{plan.seed}\x1f{patient}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2.0**64
    if place < plan.test:
        return Cohort.TEST
    return Cohort.VALIDATION if place < plan.test + plan.validation else Cohort.TRAINING


def _straddling(scans: Sequence[Scan], external: Container[str]) -> Iterable[Problem]:
    outside = {scan.patient: scan.row for scan in scans if scan.site in external}
    for scan in scans:
        row = outside.get(scan.patient)
        if scan.site in external and scan.cohort not in {None, Cohort.EXTERNAL}:
            yield Problem(row=scan.row, column="cohort", what=f"is {scan.cohort}, but {scan.site} is an external site")
        elif scan.site not in external and row is not None:
            what = f"patient {scan.patient} is at {scan.site}, and in row {row} at an external site"
            yield Problem(row=scan.row, column="site", what=what)
