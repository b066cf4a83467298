"""A table as text, for any kind of page."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table: what stands over its columns, and its rows, of which each begins with its name."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def markdown(self) -> str:
        """The table for a page in Markdown."""
        lines = (self.head, ("---",) * len(self.head), *self.rows)
        return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)

    @property
    def csv(self) -> str:
        """The table for programs, separated by commas."""
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows((self.head, *self.rows))
        return buffer.getvalue()


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
