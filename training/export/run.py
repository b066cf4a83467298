"""Exports a folder: copies without identity, and the manifest of a study that they may become."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from node.domain.errors import ConfigurationError, InputRejected, TransientFailure
from training.export.deidentify import Deidentifier
from training.export.manifest import ScanRows
from training.export.source import FileRefused, Refusal, Source, read_source

MANIFEST = "manifest.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """What is exported.

    Parameters
    ----------
    folder
        Of the files, at any depth.
    out
        Empty or not there yet.
    site
        What the manifest calls where the scans come from.
    """

    folder: Path
    out: Path
    deidentifier: Deidentifier
    site: str

    def __post_init__(self) -> None:
        here, there = self.folder.resolve(), self.out.resolve()
        if here.is_relative_to(there) or there.is_relative_to(here):
            raise ConfigurationError(
                f"the export must not lie in the folder of the files, or the other way round: {there}"
            )
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise ConfigurationError(
                f"the folder for the export must be empty, and {self.out} is not; choose another one"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that was not exported. Its name may tell who it is of: it is for the eyes of who exports, in no file."""

    path: Path
    refusal: Refusal
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """What came of an export."""

    images: int
    series: int
    patients: int
    left_out: tuple[LeftOut, ...]


def export_folder(plan: ExportPlan, watch: Callable[[int, int], None] = lambda done, total: None) -> ExportSummary:
    """Write copies below `out/PATIENT/SERIES/`, and `out/manifest.csv` with a row for each series.

    Parameters
    ----------
    watch
        Told how many of how many files were looked at.

    Raises
    ------
    InputRejected
        Where the folder has no file.
    TransientFailure
        Where the disk refuses a copy.
    """
    paths = sorted(path for path in plan.folder.rglob("*") if path.is_file())
    if not paths:
        raise InputRejected(f"{plan.folder} has no file to export")
    rows, left_out = ScanRows(site=plan.site), []
    written: set[Path] = set()
    for done, path in enumerate(paths, start=1):
        try:
            written.add(_export(path, plan, rows, written))
        except FileRefused as error:
            left_out.append(LeftOut(path=path, refusal=error.refusal, detail=error.detail))
        watch(done, len(paths))
    if written:
        with _writing():
            rows.save(plan.out / MANIFEST)
    return ExportSummary(images=len(written), series=rows.series, patients=rows.patients, left_out=tuple(left_out))


def _export(path: Path, plan: ExportPlan, rows: ScanRows, written: set[Path]) -> Path:
    """Write the copy of a file; returns where it lies."""
    with _silent():
        source = read_source(path)
        copy = plan.deidentifier.copy(source)
        place = _place(copy, source, plan)
        if plan.out / place in written:
            raise FileRefused(Refusal.TWICE)
        with _writing():
            (plan.out / place).parent.mkdir(parents=True, exist_ok=True)
            copy.save_as(plan.out / place, enforce_file_format=True)
    rows.add(place.parent, copy, source.facts)
    return plan.out / place


def _place(copy: Dataset, source: Source, plan: ExportPlan) -> Path:
    make = plan.deidentifier
    series, instance = make.name(copy.SeriesInstanceUID), make.name(copy.SOPInstanceUID)
    return Path(f"patient-{make.patient(source)}") / f"series-{series}" / f"{instance}.dcm"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep pydicom's warnings away: they show values, and values are identity."""
    library = logging.getLogger("pydicom")
    was_disabled = library.disabled
    library.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        library.disabled = was_disabled


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientFailure(f"the export cannot be written: {error.strerror}") from error
