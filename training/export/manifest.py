"""The manifest of an export: a row for each series, its class left for who knows it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset
from pydicom.multival import MultiValue

from node.domain.study import ImageFacts

#: Columns of `training.cohort.manifest` that a header can fill, and the two of which one is left to fill in.
HEAD = ("image", "patient", "site", "qct_mg_cm3", "class", "scanner", "sex", "age", "kvp", "kernel", "contrast")

_YEARS_OF = {"Y": 1.0, "M": 1.0 / 12.0, "W": 7.0 / 365.25, "D": 1.0 / 365.25}


@dataclass(slots=True, kw_only=True)
class ScanRows:
    """Gathers what the images of each series say; where they contradict each other, the cell stays empty."""

    site: str
    _told: dict[Path, dict[str, set[str]]] = field(default_factory=dict)

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self._told)

    @property
    def patients(self) -> int:
        """How many patients they are of."""
        return len({folder.parent for folder in self._told})

    def add(self, folder: Path, copy: Dataset, facts: ImageFacts) -> None:
        """Take note of an image of the series in a folder; `copy` tells no more than may be told."""
        told = self._told.setdefault(folder, {})
        for column, value in _cells(copy, facts).items():
            told.setdefault(column, set()).add(value)

    def save(self, path: Path) -> None:
        """Write the file; paths in it are relative to its folder."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEAD, restval="", lineterminator="\n")
            writer.writeheader()
            for folder, told in sorted(self._told.items()):
                agreed = {column: next(iter(values)) for column, values in told.items() if len(values) == 1}
                writer.writerow({"image": folder.as_posix(), "site": self.site} | agreed)


def _cells(copy: Dataset, facts: ImageFacts) -> dict[str, str]:
    return {
        "patient": str(copy.PatientID),
        "scanner": " ".join(filter(None, (_text(copy, "Manufacturer"), _text(copy, "ManufacturerModelName")))),
        "sex": str(copy.PatientSex or ""),
        "age": _years(str(copy.get("PatientAge", ""))),
        "kvp": f"{float(copy.KVP):g}" if copy.get("KVP") else "",
        "kernel": _text(copy, "ConvolutionKernel"),
        "contrast": {True: "yes", False: "no", None: ""}[facts.contrast_agent],
    }


def _text(copy: Dataset, keyword: str) -> str:
    value = copy.get(keyword) or ""
    return " ".join(map(str, value)) if isinstance(value, MultiValue) else str(value)


def _years(age: str) -> str:
    """An age string of DICOM in years, "" where there is none."""
    return f"{int(age[:3]) * _YEARS_OF[age[3]]:.3g}" if age else ""
