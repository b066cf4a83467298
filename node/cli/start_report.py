"""What `osteonode up` tells of the starts of its processes: people on the terminal, other commands by files."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from node.supervisor import StartObserver

logger = logging.getLogger(__name__)


def ready_file(home: Path) -> Path:
    """Exists while `osteonode up` runs and each of its processes has either started or been told of as not started."""
    return home / "up.ready"


def not_started(home: Path) -> Mapping[str, str]:
    """The processes of the node on this home whose last start failed, with the reasons."""
    folder = _not_started_folder(home)
    return {file.name: file.read_text() for file in sorted(folder.iterdir())} if folder.is_dir() else {}


def forget_starts(home: Path) -> None:
    """Remove what an earlier or ended run told."""
    ready_file(home).unlink(missing_ok=True)
    shutil.rmtree(_not_started_folder(home), ignore_errors=True)


class StartReport(StartObserver):
    """Tells of each process once that it started, or why not, and the summary once each had its start.

    Parameters
    ----------
    names
        All processes that are to start.
    summary
        What the user wants to know of a node that runs.
    """

    def __init__(self, home: Path, names: Iterable[str], summary: str, console: Console) -> None:
        self._home = home
        self._starting = set(names)
        self._refused: dict[str, str] = {}
        self._summary = summary
        self._console = console

    def started(self, name: str) -> None:
        """Tell it unless it was running before."""
        if name not in self._starting and name not in self._refused:
            return
        self._refused.pop(name, None)
        self._record(name, None)
        self._tell(f"  [green]✓[/green] {name}")
        self._had_its_start(name)

    def refused(self, name: str, reason: str) -> None:
        """Tell it unless the same was told before: what cannot start is tried for as long as the node runs."""
        if self._refused.get(name) == reason:
            return
        self._refused[name] = reason
        self._record(name, reason)
        self._tell(f"  [red]✗[/red] {escape(reason)}\n    the node runs on without it and tries again")
        self._had_its_start(name)

    def _had_its_start(self, name: str) -> None:
        if name not in self._starting:
            return
        self._starting.discard(name)
        if self._starting:
            return
        ready_file(self._home).write_text("ready\n")
        self._tell(escape(self._summary))
        if self._refused:
            self._tell(f"[red]not running: {', '.join(sorted(self._refused))}[/red]; what needs them waits")

    def _record(self, name: str, reason: str | None) -> None:
        file = _not_started_folder(self._home) / name
        try:
            if reason is None:
                file.unlink(missing_ok=True)
                return
            file.parent.mkdir(mode=0o700, exist_ok=True)
            file.write_text(reason)
        except OSError:  # reception does not end because a disk is full
            logger.exception("what did not start could not be written down")

    def _tell(self, line: str) -> None:
        try:
            self._console.print(line, soft_wrap=True)
        except OSError:  # the terminal was closed; the log says the same
            logger.exception("the terminal cannot be written to")


def _not_started_folder(home: Path) -> Path:
    """Holds a file for each process whose last start failed."""
    return home / "not-started"
