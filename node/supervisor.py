"""Runs the processes of a node on one machine: starts them in order, restarts what dies, stops them together."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from node.domain.errors import ConfigurationError
from node.observe.events import Event
from node.observe.logging import event

logger = logging.getLogger(__name__)

#: Wait before the first restart, doubled up to the longest while a process keeps dying soon after its start.
FIRST_RESTART_S = 1.0
LONGEST_RESTART_S = 30.0
#: A process that ran for this long counts as healthy again.
HEALTHY_AFTER_S = 30.0
#: A process that has not stopped so long after SIGTERM is killed.
STOP_WITHIN_S = 15.0
_POLL_S = 0.2
_START_POLL_S = 0.05
#: Of a log no more than so many bytes are looked at for its last line.
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One process of the node.

    Parameters
    ----------
    ready
        Asked after the start until it says true.
    ready_within_s
        Longest wait for it.
    is_foundation
        Whether the others need it from their start to their end: they are started once it is ready, and stopped before
        it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 120.0  # a loaded machine takes half a minute to import everything
    is_foundation: bool = False


@dataclass(slots=True)
class _Child:
    """A process that runs, and how often it was restarted."""

    spec: ChildSpec
    process: subprocess.Popen[bytes]
    started_at: float
    log_from: int
    restart_at: float | None = None
    delay_s: float = FIRST_RESTART_S


class Supervisor:
    """Keeps the node's processes running until it is told to stop.

    Parameters
    ----------
    specs
        Foundations are started one after the other, in this order; the rest all at once.
    log_folder
        Each process writes its log to NAME.log here.
    """

    def __init__(self, specs: tuple[ChildSpec, ...], log_folder: Path) -> None:
        self._specs = specs
        self._log_folder = log_folder
        self._children: list[_Child] = []
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the supervisor to end; may be called from a signal handler."""
        self._stop.set()

    def run(self, *, on_started: Callable[[str], None] = lambda name: None) -> None:
        """Start all processes, watch them, and stop them when asked to.

        Parameters
        ----------
        on_started
            Told the name of each process once it is ready.

        Raises
        ------
        ConfigurationError
            Where a process does not become ready; the message says the last line of its log, and where that is.
        """
        self._log_folder.mkdir(parents=True, exist_ok=True)
        try:
            for spec in self._specs:
                if spec.is_foundation:
                    self._wait_until_ready([self._start(spec)], on_started)
            others = [self._start(spec) for spec in self._specs if not spec.is_foundation]
            self._wait_until_ready(others, on_started)
            while not self._stop.wait(_POLL_S):
                for child in self._children:
                    self._keep_alive(child)
        finally:
            self._stop_all()

    def _start(self, spec: ChildSpec) -> _Child:
        log = self._log_folder / f"{spec.name}.log"
        log_from = log.stat().st_size if log.exists() else 0
        child = _Child(spec=spec, process=self._spawn(spec), started_at=time.monotonic(), log_from=log_from)
        self._children.append(child)
        return child

    def _spawn(self, spec: ChildSpec) -> subprocess.Popen[bytes]:
        # the kernel ends the process with its supervisor, even one that is killed: no orphan keeps the port
        setpriv = shutil.which("setpriv")
        leash = (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()
        with (self._log_folder / f"{spec.name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*leash, *spec.command],
                env={**os.environ, **spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops the rest in order
            )
        logger.info("process started", extra=event(Event.PROCESS_STARTED, process_name=spec.name, kind="child"))
        return process

    def _wait_until_ready(self, starting: list[_Child], on_started: Callable[[str], None]) -> None:
        """Wait for processes that start side by side, and tell of each as soon as it is ready."""
        waiting = list(starting)
        while waiting and not self._stop.wait(_START_POLL_S):
            for child in tuple(waiting):
                if child.spec.ready():
                    waiting.remove(child)
                    on_started(child.spec.name)
                else:
                    self._refuse_unless_starting(child)

    def _refuse_unless_starting(self, child: _Child) -> None:
        code, longest = child.process.poll(), child.spec.ready_within_s
        if code is None and time.monotonic() - child.started_at <= longest:
            return
        state = f"did not become ready within {longest:.0f} s" if code is None else f"ended with status {code}"
        log = self._log_folder / f"{child.spec.name}.log"
        raise ConfigurationError(
            f"{child.spec.name} {state} at its start: {_last_line(log, child.log_from)}; see {log}"
        )

    def _keep_alive(self, child: _Child) -> None:
        now = time.monotonic()
        if child.restart_at is None:
            code = child.process.poll()
            if code is None:
                return
            if now - child.started_at > HEALTHY_AFTER_S:
                child.delay_s = FIRST_RESTART_S
            child.restart_at = now + child.delay_s
            child.delay_s = min(child.delay_s * 2, LONGEST_RESTART_S)
            logger.error(
                "process ended, it is started again",
                extra=event(Event.PROCESS_RESTARTED, process_name=child.spec.name, exit_code=code),
            )
        elif now >= child.restart_at:
            child.process, child.started_at, child.restart_at = self._spawn(child.spec), now, None

    def _stop_all(self) -> None:
        """End all processes side by side, and after them those that they stand on."""
        for is_foundation in (False, True):
            ending = [child for child in self._children if child.spec.is_foundation is is_foundation]
            for child in ending:
                if child.process.poll() is None:
                    child.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_WITHIN_S
            for child in ending:
                self._wait_for_end(child, deadline)

    @staticmethod
    def _wait_for_end(child: _Child, deadline: float) -> None:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        logger.info(
            "process stopped",
            extra=event(Event.PROCESS_STOPPED, process_name=child.spec.name, exit_code=child.process.returncode),
        )


def _last_line(log: Path, start: int) -> str:
    """The last line that a process has written to its log, whose part before `start` bytes is of an earlier run."""
    with log.open("rb") as content:
        content.seek(max(start, log.stat().st_size - _TAIL_BYTES))
        lines = content.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it logged nothing")
