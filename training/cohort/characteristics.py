"""Who the people of each cohort are: the first table of every paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from node.domain.bone_category import BoneCategory
from training.cohort.manifest import Cohort, Scan, Sex
from training.cohort.truth import truth_of
from training.table import Table

#: What stands where nothing is known.
_NOTHING = "-"


def characteristics(scans: Sequence[Scan]) -> Table:
    """Age, sex, bone and scanner by cohort; what is unknown is counted as such.

    Age, sex and category are those of patients: the age at their first scan in the manifest, the category of it.

    Raises
    ------
    ValueError
        Where a scan has no cohort yet.
    """
    if any(scan.cohort is None for scan in scans):
        raise ValueError("every scan must have a cohort")
    by_cohort = {cohort: [scan for scan in scans if scan.cohort is cohort] for cohort in Cohort}
    there = {cohort: members for cohort, members in by_cohort.items() if members}
    firsts = [list({scan.patient: scan for scan in reversed(members)}.values()) for members in there.values()]
    sites = sorted({scan.site for scan in scans})
    rows = [
        ("patients", *(str(len(patients)) for patients in firsts)),
        ("scans", *(str(len(members)) for members in there.values())),
        ("age, years", *(_spread([scan.age_years for scan in patients]) for patients in firsts)),
        *_shares("sex", [sex.value for sex in Sex], firsts, lambda scan: scan.sex),
        *_shares("category", [each.value for each in BoneCategory], firsts, lambda scan: scan.category),
        (f"{truth_of(scans)}, mg/cm3", *(_spread([scan.qct_mg_cm3 for scan in patients]) for patients in firsts)),
        *_shares("site", sites, list(there.values()), lambda scan: scan.site),
        *_listed("scanner", list(there.values()), lambda scan: scan.scanner),
        *_listed("kV", list(there.values()), lambda scan: None if scan.kvp is None else f"{scan.kvp:g}"),
        *_shares("contrast agent", ["yes", "no"], list(there.values()), _contrast),
    ]
    return Table(head=("", *(str(cohort) for cohort in there)), rows=tuple(rows))


def _contrast(scan: Scan) -> str | None:
    return None if scan.contrast is None else "yes" if scan.contrast else "no"


def _spread(values: Sequence[float | None]) -> str:
    """Mean and standard deviation, range, and how many are unknown."""
    known = np.array([value for value in values if value is not None])
    missing = len(values) - len(known)
    unknown = f", {missing} unknown" if missing else ""
    if len(known) < 2:
        return _NOTHING if not len(known) else f"{known[0]:.0f}{unknown}"
    return f"{known.mean():.1f} ± {known.std(ddof=1):.1f} ({known.min():.0f} to {known.max():.0f}){unknown}"


def _listed(name: str, cohorts: Sequence[Sequence[Scan]], of: Callable[[Scan], str | None]) -> list[tuple[str, ...]]:
    values = sorted({value for scans in cohorts for scan in scans if (value := of(scan)) is not None})
    return _shares(name, values, cohorts, of)


def _shares(
    name: str, values: Sequence[str], cohorts: Sequence[Sequence[Scan]], of: Callable[[Scan], str | None]
) -> list[tuple[str, ...]]:
    """A row for each value: how many, and the share of those of whom it is known; a last one for the unknown.

    Where nothing is known of anybody, that one alone.
    """
    counts = [Counter(of(scan) for scan in scans) for scans in cohorts]
    known = any(each.total() > each[None] for each in counts)
    rows = [(f"{name}: {value}", *(_count(each, value) for each in counts)) for value in values if known]
    if any(each[None] for each in counts):
        rows.append((f"{name}: unknown", *(str(each[None]) for each in counts)))
    return rows


def _count(counts: Counter[str | None], value: str) -> str:
    known = counts.total() - counts[None]
    return f"{counts[value]} ({100.0 * counts[value] / known:.0f} %)" if known else _NOTHING
