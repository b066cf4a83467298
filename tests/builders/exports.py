"""A folder of CT images, and its export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import Dataset

from tests.builders.ct import write_series
from training.export.deidentify import Deidentifier
from training.export.kept import ProfileOption
from training.export.run import ExportPlan, ExportSummary, export_folder

KEY = b"k" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """Writes files into `folder`, and exports them to `out`."""

    folder: Path
    out: Path

    def write(self, datasets: Sequence[Dataset], below: str = "") -> None:
        """Save data sets among the files."""
        write_series(datasets, self.folder / below)

    def run(
        self, *, options: tuple[ProfileOption, ...] = (), key: bytes = KEY, to: Path | None = None
    ) -> ExportSummary:
        """Export all files."""
        deidentifier = Deidentifier(key=key, options=options)
        plan = ExportPlan(folder=self.folder, out=to or self.out, deidentifier=deidentifier, site="site-1")
        return export_folder(plan)

    def copies(self) -> list[Dataset]:
        """What was exported, by name."""
        return [pydicom.dcmread(path) for path in sorted(self.out.rglob("*.dcm"))]


def told(folder: Path) -> bytes:
    """All bytes of a folder, and all paths in it."""
    paths = sorted(folder.rglob("*"))
    contents = (path.read_bytes() if path.is_file() else b"" for path in paths)
    return b"".join(
        str(path.relative_to(folder)).encode() + content for path, content in zip(paths, contents, strict=True)
    )
