"""What the headers of a series say of a scan, where its manifest does not."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pydicom
from pydicom.errors import InvalidDicomError

from node.domain.acquisition import Acquisition
from training.cohort.manifest import OLDEST_YEARS, Scan, Sex
from training.cohort.rows import Problem
from training.images import series_files
from training.series_headers import read_series

Value = TypeVar("Value")

_KEYWORDS = ("PatientSex", "PatientAge", "PatientBirthDate", "StudyDate")

#: A header may say a tube voltage with decimals, kV.
_SAME_KVP = 1.0

_DAYS_A_YEAR = 365.25


def with_facts(scan: Scan) -> Scan:
    """The scan with what its DICOM headers say where the manifest is silent; NIfTI and cases have no headers.

    Raises
    ------
    InputRejected
        Where the headers cannot be read.
    """
    if not scan.image.is_dir():
        return scan
    acquisition, headers = Acquisition.of(read_series(scan.image)), _headers(scan.image)
    scanner = " ".join(filter(None, (acquisition.manufacturer, acquisition.model)))
    return replace(
        scan,
        scanner=scan.scanner or scanner or None,
        kvp=scan.kvp if scan.kvp is not None else _positive(acquisition.kvp),
        kernel=scan.kernel or acquisition.kernel,
        contrast=scan.contrast if scan.contrast is not None else acquisition.contrast_agent,
        sex=scan.sex or _told(headers, _sex),
        age_years=scan.age_years if scan.age_years is not None else _told(headers, _age),
    )


def acquisition_of(scan: Scan) -> Acquisition:
    """How a scan was made, of which `with_facts` has told what its headers say.

    Raises
    ------
    InputRejected
        Where the headers cannot be read.
    """
    told = Acquisition.of(read_series(scan.image)) if scan.image.is_dir() else Acquisition()
    return replace(told, kvp=scan.kvp, kernel=scan.kernel, contrast_agent=scan.contrast)


def contradictions(scan: Scan) -> Iterator[Problem]:
    """Where the manifest says otherwise than the headers: a row about another scan, most likely.

    Raises
    ------
    InputRejected
        Where the headers cannot be read.
    """
    if not scan.image.is_dir():
        return
    kvp, sex = Acquisition.of(read_series(scan.image)).kvp, _told(_headers(scan.image), _sex)
    if scan.kvp is not None and kvp is not None and abs(scan.kvp - kvp) > _SAME_KVP:
        yield Problem(row=scan.row, column="kvp", what=f"is {scan.kvp:g}, the headers say {kvp:g}")
    if scan.sex is not None and sex not in {None, Sex.OTHER, scan.sex}:
        yield Problem(row=scan.row, column="sex", what=f"is {scan.sex}, the headers say {sex}")


def _headers(folder: Path) -> tuple[pydicom.Dataset, ...]:
    """The few elements of every file; one that is no DICOM is left to those who read its pixels."""
    found = []
    for path in series_files(folder):
        try:
            found.append(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_KEYWORDS)))
        except (InvalidDicomError, OSError):
            continue
    return tuple(found)


def _told(headers: Sequence[pydicom.Dataset], of: Callable[[pydicom.Dataset], Value | None]) -> Value | None:
    """What all headers say alike."""
    values = [of(header) for header in headers]
    return values[0] if values and all(value == values[0] for value in values) else None


def _text(header: pydicom.Dataset, keyword: str) -> str:
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def _positive(number: float | None) -> float | None:
    return number if number is not None and number > 0.0 else None


def _sex(header: pydicom.Dataset) -> Sex | None:
    value = _text(header, "PatientSex").upper()
    return Sex(value) if value in set(Sex) else None


def _age(header: pydicom.Dataset) -> float | None:
    """Years on the day of the scan, where a person can have them; Patient's Age is a number and D, W, M or Y."""
    age = _text(header, "PatientAge").upper()
    days = {"D": 1.0, "W": 7.0, "M": _DAYS_A_YEAR / 12.0, "Y": _DAYS_A_YEAR}.get(age[-1:])
    if days is not None and age[:-1].isdigit():
        years = int(age[:-1]) * days / _DAYS_A_YEAR
    else:
        born, scanned = (_date(_text(header, keyword)) for keyword in ("PatientBirthDate", "StudyDate"))
        if born is None or scanned is None:
            return None
        years = float((scanned - born).days // _DAYS_A_YEAR)
    return years if 0.0 <= years <= OLDEST_YEARS else None


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
