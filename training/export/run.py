"""Exports a folder: copies without identity, and the manifest of a study that they may become."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset

from node.domain.errors import ConfigurationError, InputRejected, TransientFailure
from training.export.deidentify import Deidentifier
from training.export.link import Link
from training.export.manifest import ScanRows
from training.export.source import FileRefused, Refusal, Source, read_source, readable

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
    link
        Where it is written down who is who, outside of `out`; `None` for nowhere.
    """

    folder: Path
    out: Path
    deidentifier: Deidentifier
    site: str
    link: Path | None = None

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
        if self.link is not None and self.link.resolve().is_relative_to(there):
            raise ConfigurationError(f"{self.link} tells who is who, and must not lie in the export")
        if self.link is not None and self.link.exists():
            raise ConfigurationError(f"{self.link} is there already; choose another name for who is who")


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
    exported, left_out = _Exported(rows=ScanRows(site=plan.site)), []
    for done, path in enumerate(paths, start=1):
        try:
            _export(path, plan, exported)
        except FileRefused as error:
            left_out.append(LeftOut(path=path, refusal=error.refusal, detail=error.detail))
        watch(done, len(paths))
    if exported.places:
        _finish(plan, exported)
    return ExportSummary(
        images=len(exported.places),
        series=exported.rows.series,
        patients=exported.rows.patients,
        left_out=tuple(left_out),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exported:
    """What is gathered on the way; `places` are those of the copies, relative to the export."""

    rows: ScanRows
    link: Link = field(default_factory=Link)
    places: set[Path] = field(default_factory=set)


def _export(path: Path, plan: ExportPlan, exported: _Exported) -> None:
    with _silent(), readable():
        source = read_source(path)
        copy = plan.deidentifier.copy(source)
        place = _place(copy, source, plan)
        if place in exported.places:
            raise FileRefused(Refusal.TWICE)
        content = io.BytesIO()
        copy.save_as(content, enforce_file_format=True)
        exported.rows.add(place.parent, copy, source.facts)
        exported.link.add(place.parent, source.dataset)
    with _writing():
        (plan.out / place).parent.mkdir(parents=True, exist_ok=True)
        (plan.out / place).write_bytes(content.getvalue())
    exported.places.add(place)


def _finish(plan: ExportPlan, exported: _Exported) -> None:
    with _writing():
        exported.rows.save(plan.out / MANIFEST)
        if plan.link is not None:
            exported.link.save(plan.link)


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
