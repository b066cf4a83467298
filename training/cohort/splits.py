"""Who is in which cohort: shared out by patient and site, the same for the same seed, and written down."""

from __future__ import annotations

import csv
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from node.domain.bone_category import BoneCategory
from node.domain.errors import InputRejected
from training.cohort.drawing import Shares, draw_cohorts
from training.cohort.manifest import Cohort, Scan, in_two_cohorts
from training.cohort.rows import ManifestRejected, Problem, one_of, read_rows

_COLUMNS = ("patient", "cohort")

#: No patient was shared out before.
NOBODY: Mapping[str, Cohort] = MappingProxyType({})


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


def share_out(scans: Sequence[Scan], plan: SplitPlan, kept: Mapping[str, Cohort] = NOBODY) -> tuple[Scan, ...]:
    """The scans, each with its cohort; all scans of a patient are in one.

    Where a patient goes follows from the seed and the patient alone, so nobody changes sides when others are added, but
    for the few who are moved because a cohort would lack a category: see `draw_cohorts`.

    Parameters
    ----------
    kept
        Cohorts of patients who were shared out before: they stay there.

    Raises
    ------
    InputRejected
        Where an external site has no scan.
    ManifestRejected
        Where a patient is in two cohorts, or in another one than before, or an external site is not so in all scans.
    """
    unknown = sorted(set(plan.external_sites) - {scan.site for scan in scans})
    if unknown:
        raise InputRejected(f"no scan is of the external site {', '.join(unknown)}")
    external = {*plan.external_sites, *(scan.site for scan in scans if scan.cohort is Cohort.EXTERNAL)}
    problems = [*in_two_cohorts(scans), *_straddling(scans, external), *_moved(scans, external, kept)]
    if problems:
        raise ManifestRejected("the manifest", problems)
    given = {scan.patient: scan.cohort for scan in scans if scan.cohort is not None}
    given |= {scan.patient: Cohort.EXTERNAL for scan in scans if scan.site in external}
    given |= {scan.patient: kept[scan.patient] for scan in scans if scan.patient in kept}
    shares = Shares(seed=plan.seed, validation=plan.validation, test=plan.test)
    cohorts = {**given, **draw_cohorts(_categories(scans), given, shares)}
    return tuple(replace(scan, cohort=cohorts[scan.patient]) for scan in scans)


def _categories(scans: Iterable[Scan]) -> dict[str, BoneCategory]:
    """The category of each patient: the worst of all scans, whatever their order."""
    order = list(BoneCategory)
    found: dict[str, BoneCategory] = {}
    for scan in scans:
        found[scan.patient] = max(found.get(scan.patient, scan.category), scan.category, key=order.index)
    return found


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


def _moved(scans: Sequence[Scan], external: Container[str], kept: Mapping[str, Cohort]) -> Iterable[Problem]:
    for scan in scans:
        before = kept.get(scan.patient)
        now = Cohort.EXTERNAL if scan.site in external else scan.cohort
        if before is not None and now not in {None, before}:
            what = (
                f"is {now}, but patient {scan.patient} was in {before} when the patients were shared out; take that "
                "cohort, or another folder for the fit"
            )
            yield Problem(row=scan.row, column="cohort", what=what)


def _straddling(scans: Sequence[Scan], external: Container[str]) -> Iterable[Problem]:
    outside = {scan.patient: scan.row for scan in scans if scan.site in external}
    for scan in scans:
        row = outside.get(scan.patient)
        if scan.site in external and scan.cohort not in {None, Cohort.EXTERNAL}:
            yield Problem(row=scan.row, column="cohort", what=f"is {scan.cohort}, but {scan.site} is an external site")
        elif scan.site not in external and row is not None:
            what = f"patient {scan.patient} is at {scan.site}, and in row {row} at an external site"
            yield Problem(row=scan.row, column="site", what=what)
