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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One process of the node.

    Parameters
    ----------
    ready
        Asked after the start until it says true; the next process waits for that.
    ready_within_s
        Longest wait for it.
    is_foundation
        Whether the others need it to the end: it is stopped after all of them.
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
    restart_at: float | None = None
    delay_s: float = FIRST_RESTART_S


class Supervisor:
    """Keeps the node's processes running until it is told to stop.

    Parameters
    ----------
    specs
        In the order in which they are started.
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

        Raises
        ------
        ConfigurationError
            Where a process does not become ready; the message names its log.
        """
        self._log_folder.mkdir(parents=True, exist_ok=True)
        try:
            for spec in self._specs:
                self._children.append(_Child(spec=spec, process=self._spawn(spec), started_at=time.monotonic()))
                self._wait_until_ready(self._children[-1])
                on_started(spec.name)
            while not self._stop.wait(_POLL_S):
                for child in self._children:
                    self._keep_alive(child)
        finally:
            self._stop_all()

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

    def _wait_until_ready(self, child: _Child) -> None:
        deadline = time.monotonic() + child.spec.ready_within_s
        while not child.spec.ready():
            if self._stop.is_set():
                return
            code = child.process.poll()
            if code is not None or time.monotonic() > deadline:
                state = "still starting" if code is None else f"ended with status {code}"
                raise ConfigurationError(
                    f"{child.spec.name} did not become ready within {child.spec.ready_within_s:.0f} s ({state}); "
                    f"see {self._log_folder / child.spec.name}.log"
                )
            time.sleep(0.05)

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
