"""Table E.1-1 of DICOM PS3.15 2026c: every attribute that the Basic Profile protects, and how.

The table beside this file has the tag (x for any digit), the name, the action of the Basic Profile, and those of the
options 113108 Retain Patient Characteristics and 113109 Retain Device Identity (as of June 2025). Two independent
transcriptions of the standard agree on all that both have.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR

#: What no output may hold, whatever attribute it came in: as text, as a code, as dates and numbers, and in UIDs.
SECRETS = (b"Zqx", b"ZQX", b"19610203", b"131719", b"061Y", b"4711.4711", b"47114711", b"1.2.3.4711.")

_NOT_IN_A_DATA_SET = ("0000", "0002", "0004")
_BINARY = {"US": 47114, "SS": 4711, "UL": 47114711, "SL": 47114711, "FL": 4711.0, "FD": 4711.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A row; a digit x of the tag stands for any."""

    tag: str
    name: str
    basic: str
    patient_characteristics: str
    device_identity: str

    @property
    def first(self) -> int:
        """The tag, or the first of those that it stands for."""
        return int(self.tag.replace("x", "0"), 16)


def protected_attributes() -> tuple[Protected, ...]:
    """The whole table."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Protected(
                tag=row["tag"],
                name=row["name"],
                basic=row["basic"],
                patient_characteristics=row["113108"],
                device_identity=row["113109"],
            )
            for row in csv.DictReader(file)
        )


def plant_identity(dataset: Dataset) -> int:
    """Fill every attribute of the table with a secret, but the UIDs that are there; returns how many."""
    planted = 0
    for number, row in enumerate(protected_attributes()):
        is_needed = row.basic == "U" and row.first in dataset
        if row.tag[:4] not in _NOT_IN_A_DATA_SET and not is_needed:
            dataset.add(_secret(row.first, number))
            planted += 1
    return planted


def _secret(tag: int, number: int) -> DataElement:
    try:
        kind = dictionary_VR(tag).split(" or ")[-1]
    except KeyError:
        kind = "LO"
    if kind == "SQ":
        item = Dataset()
        item.PatientName, item.CodeMeaning, item.ReferencedSOPInstanceUID = "Zqx^Item", "Zqx", f"1.2.3.4711.{number}"
        return DataElement(tag, kind, [item])
    texts = {
        "CS": f"ZQX{number}",
        "DA": "19610203",
        "TM": "131719",
        "DT": "19610203131719",
        "AS": "061Y",
        "UI": f"1.2.3.4711.{number}",
        "DS": "4711.4711",
        "IS": "47114711",
        "UR": f"http://Zqx{number}.example",
    }
    if kind.startswith("O") or kind == "UN":
        return DataElement(tag, kind, b"Zqx bytes 12")
    return DataElement(tag, kind, texts.get(kind, _BINARY.get(kind, f"Zqx{number}")))
