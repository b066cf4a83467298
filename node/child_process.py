"""One process of the node: how it is started, when it is ready, and what the node is without it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

#: Of a log no more than so many bytes are looked at for its last line.
_TAIL_BYTES = 4096


class Need(StrEnum):
    """What the node is without a process."""

    #: The others need it from their start to their end: they are started once it is ready, and stopped before it.
    FOUNDATION = "foundation"
    #: Without it images are not received or not followed: a node that cannot start it does not start.
    RECEPTION = "reception"
    #: Without it images are received and kept, and wait: the node runs on and tries to start it again.
    WORK = "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One process of the node.

    Parameters
    ----------
    before_start
        Called before each start; raises `ConfigurationError` where the process could not work. It also takes back what
        an earlier run said of being ready.
    ready
        Asked after the start until it says true.
    ready_within_s
        Longest wait for it.
    """

    name: str
    command: tuple[str, ...]
    need: Need
    environment: Mapping[str, str] = field(default_factory=dict)
    before_start: Callable[[], object] = lambda: None
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 120.0  # a loaded machine takes half a minute to import everything


class ChildProcess:
    """A process that was started and writes to its log."""

    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self._log = log
        self._log_from = log.stat().st_size if log.exists() else 0
        # the kernel ends the process with its supervisor, even one that is killed: no orphan keeps the port
        setpriv = shutil.which("setpriv")
        leash = (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*leash, *spec.command],
                env={**os.environ, **spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops the rest in order
            )
        self._started_at = time.monotonic()

    @property
    def age_s(self) -> float:
        """Time since its start."""
        return time.monotonic() - self._started_at

    def exit_code(self) -> int | None:
        """Its exit status, negative for a signal; `None` while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Send SIGTERM; return at once."""
        self._process.send_signal(signal.SIGTERM)

    def end(self, within_s: float = 0.0) -> None:
        """Wait for its end, and kill it and its children where that takes longer."""
        try:
            self._process.wait(max(0.0, within_s))
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_line(self) -> str:
        """The last line that it has written to its log, whose part before its start is of an earlier run."""
        size = self._log.stat().st_size
        start = self._log_from if self._log_from <= size else 0  # the log was rotated since
        with self._log.open("rb") as content:
            content.seek(max(start, size - _TAIL_BYTES))
            lines = content.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it logged nothing")
