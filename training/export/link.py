"""Who is who in an export: a file for the site alone, by which a class that it knows of a patient finds its row."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset

#: Of the files that were exported; the first column is that of the manifest.
_HEAD = ("image", "PatientID", "AccessionNumber", "StudyDate", "SeriesInstanceUID")


@dataclass(slots=True, kw_only=True)
class Link:
    """Gathers what the series of an export were called before."""

    _called: dict[Path, tuple[str, ...]] = field(default_factory=dict)

    def add(self, folder: Path, original: Dataset) -> None:
        """Take note of an image whose copy lies in a folder."""
        self._called.setdefault(folder, tuple(str(original.get(keyword) or "") for keyword in _HEAD[1:]))

    def save(self, path: Path) -> None:
        """Write the file, which only its owner may read; one that is there already stays as it is.

        Raises
        ------
        OSError
            Where it is there or cannot be written.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEAD)
            writer.writerows((folder.as_posix(), *called) for folder, called in sorted(self._called.items()))
