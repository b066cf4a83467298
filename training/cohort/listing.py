"""A manifest of cases, as another site reads it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from training.cohort.manifest import COLUMNS, Scan
from training.table import Table

#: Older people are few enough to be known by their age: ages above 89 are one group (45 CFR 164.514(b)(2)(i)(C)).
_OLDEST_YEARS = 90.0

#: Cases hold their masks, and whoever learns from them shares them out.
LISTED = tuple(column for column in COLUMNS if column not in {"mask", "cohort"})


def write_manifest(scans: Sequence[Scan], path: Path) -> None:
    """List cases with all that is known of each but cohorts; they are named by their place from the file's folder.

    Raises
    ------
    ValueError
        Where a scan has a mask: no column tells of it.
    """
    if any(scan.mask is not None for scan in scans):
        raise ValueError("cases hold their masks, and have none beside them")
    rows = tuple(tuple(_cells(scan, path.parent)) for scan in scans)
    path.write_text(Table(head=LISTED, rows=rows).csv, encoding="utf-8")


def _cells(scan: Scan, folder: Path) -> list[str]:
    return [
        os.path.relpath(scan.image.resolve(), folder.resolve()),
        scan.patient,
        scan.site,
        _number(scan.qct_mg_cm3),
        str(scan.category),
        _number(scan.measured_mg_cm3),
        scan.scanner or "",
        "" if scan.sex is None else str(scan.sex),
        _number(None if scan.age_years is None else min(scan.age_years, _OLDEST_YEARS)),
        _number(scan.kvp),
        scan.kernel or "",
        _yes_or_no(scan.contrast),
        _yes_or_no(scan.synthetic),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"
