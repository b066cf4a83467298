"""Cases of a site for others to learn from, without its scans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.screening.case import case_to_bytes
from node.domain.errors import InputRejected
from training.cohort.listing import write_manifest
from training.cohort.manifest import read_manifest
from training.screening_fit.casebook import CASE_SUFFIX, CaseBook, Excluded, KnownCase, check_files
from training.screening_fit.facts import with_facts
from training.screening_fit.fit import EXCLUDED, Watch, counted, write_excluded

MANIFEST = "manifest.csv"


def write_cases(
    manifest: Path, out: Path, book: CaseBook, watch: Watch
) -> tuple[tuple[KnownCase, ...], tuple[Excluded, ...]]:
    """Write what the classifier sees of each scan, and a manifest of that, into an empty folder.

    Raises
    ------
    InputRejected
        Where the manifest or a file in it cannot be used, with every row that is wrong, or the folder is not empty:
        what it holds would be handed over as well.
    """
    if out.exists() and any(out.iterdir()):
        raise InputRejected(f"{out} must be empty: all of it is handed over")
    scans = read_manifest(manifest)
    check_files(scans, counted(watch, "checking files", len(scans)))
    scans = tuple(with_facts(scan) for scan in scans)
    known, excluded = book.all(scans, counted(watch, "cutting out L1 and L2", len(scans)))
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for each in known:
        path = out / f"{each.scan.row:05d}{CASE_SUFFIX}"
        path.write_bytes(case_to_bytes(each.case))
        written.append(replace(each.scan, image=path, mask=None))
    write_manifest(written, out / MANIFEST)
    write_excluded(excluded, out.with_name(f"{out.name}-{EXCLUDED}"))
    return known, excluded
