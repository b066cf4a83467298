"""Rows of a CSV file, with everything that is wrong in them told at once."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from node.domain.errors import InputRejected

Value = TypeVar("Value")
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong in a row; the header is row 1, as programs for tables count. `column` is "" for the whole row."""

    row: int
    column: str
    what: str

    def __str__(self) -> str:
        place = f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"
        return f"{place}: {self.what}"


class ManifestRejected(InputRejected):
    """A list of scans has errors; every one is told, with its row."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.row, problem.column)))
        lines = [f"  {problem}" for problem in self.problems]
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
        super().__init__("\n".join([f"{name} cannot be used, {count}:", *lines]))


class Row:
    """One row: gives the values of its columns, and keeps what was wrong with them."""

    def __init__(self, number: int, cells: Mapping[str, str]) -> None:
        self.number = number
        self.problems: list[Problem] = []
        self._cells = cells

    def refuse(self, column: str, what: str) -> None:
        """Keep a problem of a column."""
        self.problems.append(Problem(row=self.number, column=column, what=what))

    def text(self, column: str) -> str:
        """A text that must be there; "" where it is not, and then that is a problem."""
        value = self._cells.get(column, "")
        if not value:
            self.refuse(column, "is empty and must not be")
        return value

    def optional(self, column: str, parse: Callable[[str], Value]) -> Value | None:
        """What a parser makes of a text; `None` where it is empty, or wrong by the parser's `ValueError`."""
        value = self._cells.get(column, "")
        if not value:
            return None
        try:
            return parse(value)
        except ValueError as error:
            self.refuse(column, str(error))
            return None

    def path(self, column: str, folder: Path) -> Path | None:
        """A file or folder that must be there; `None` where it is not, and then that is a problem."""
        return self.optional(column, partial(existing, folder)) if self.text(column) else None


def existing(folder: Path, text: str) -> Path:
    """A path relative to a folder.

    Raises
    ------
    ValueError
        Where nothing is there.
    """
    path = folder / text
    try:
        found = path.exists()
    except OSError as error:
        raise ValueError(f"{text[:80]!r} cannot be looked up: {error.strerror}") from error
    if not found:
        raise ValueError(f"{text} does not exist in {folder.resolve()}")
    return path


def number(text: str) -> float:
    """A finite number with a decimal point.

    Raises
    ------
    ValueError
        Where it is none.
    """
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"must be a number with a decimal point, got {text!r}")
    return value


def one_of(words: type[Word], text: str) -> Word:
    """A word of a closed vocabulary, in capitals or not.

    Raises
    ------
    ValueError
        Where it is none of them.
    """
    for word in words:
        if word.value.lower() == text.lower():
            return word
    raise ValueError(f"must be one of {', '.join(words)}, got {text!r}")


def read_rows(path: Path, *, needed: Iterable[str], allowed: Iterable[str]) -> tuple[Row, ...]:
    """All rows of a file with a header, in UTF-8, separated by commas or semicolons; empty rows are left out.

    Raises
    ------
    InputRejected
        Where it cannot be read, or its header lacks a needed column, has one twice, or one that nobody knows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputRejected(f"{path.name} cannot be read as a CSV file in UTF-8: {error}") from error
    header = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ",", strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader]
    except csv.Error as error:
        raise InputRejected(f"{path.name} is no CSV file: line {reader.line_num}: {error}") from error
    names = lines[0][1] if lines else []
    _check_header(path.name, names, needed=tuple(needed), allowed=tuple(allowed))
    rows = []
    for number, cells in lines[1:]:
        if any(cells):
            row = Row(number, dict(zip(names, cells, strict=False)))
            if len(cells) != len(names):
                row.refuse("", f"has {len(cells)} cells, the header has {len(names)}")
            rows.append(row)
    if not rows:
        raise InputRejected(f"{path.name} has a header and no row")
    return tuple(rows)


def _check_header(file: str, names: list[str], *, needed: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in allowed]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults = [
        f"{what} {', '.join(map(repr, found))}"
        for what, found in (("lacks", missing), ("has the unknown", unknown), ("has twice", twice))
        if found
    ]
    if faults:
        raise InputRejected(f"the header of {file} {'; '.join(faults)}; columns are {', '.join(allowed)}")
