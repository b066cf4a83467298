"""Runs the processes of a node on one machine: starts them in order, restarts what dies, stops them together."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from node.child_process import ChildProcess, ChildSpec, Need
from node.domain.errors import ConfigurationError
from node.observe.events import Event
from node.observe.log_rotation import rotate_large_logs
from node.observe.logging import event

logger = logging.getLogger(__name__)

#: Wait before the first restart, doubled up to the longest while a process keeps dying soon after its start.
FIRST_RESTART_S = 1.0
LONGEST_RESTART_S = 30.0
#: A process that was ready for this long counts as healthy again.
HEALTHY_AFTER_S = 30.0
#: A process that has not stopped so long after SIGTERM is killed.
STOP_WITHIN_S = 15.0
ROTATE_EVERY_S = 5.0
_POLL_S = 0.05


class StartObserver:
    """Hears what comes of each start; this one keeps it to itself."""

    def started(self, name: str) -> None:
        """Hear that a process is ready, also one that was started again."""

    def refused(self, name: str, reason: str) -> None:
        """Hear that a process did not start, and why; it will be started again."""


class _State(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"  # before it is started again


@dataclass(slots=True)
class _Child:
    """A process and where it stands."""

    spec: ChildSpec
    log: Path
    process: ChildProcess | None = None
    state: _State = _State.STARTING
    was_ready: bool = False
    ready_since: float | None = None
    restart_at: float = 0.0
    delay_s: float = FIRST_RESTART_S


class Supervisor:
    """Keeps the node's processes running until it is told to stop.

    Parameters
    ----------
    specs
        Foundations are started one after the other, in this order; the rest all at once.
    log_folder
        Each process writes its log to NAME.log here; all logs of the folder are kept bounded.
    observer
        Told what comes of each start.
    """

    def __init__(self, specs: tuple[ChildSpec, ...], log_folder: Path, observer: StartObserver | None = None) -> None:
        self._specs = specs
        self._log_folder = log_folder
        self._observer = observer or StartObserver()
        self._children: list[_Child] = []
        self._stop = threading.Event()
        self._rotate_at = 0.0

    def stop(self) -> None:
        """Ask the supervisor to end; may be called from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Start all processes, watch them, and stop them when asked to.

        Raises
        ------
        ConfigurationError
            Where a process without which no image is received does not become ready; the message says the last line of
            its log, and where that is. The others are started again and again while the rest goes on.
        """
        self._log_folder.mkdir(parents=True, exist_ok=True)
        try:
            for spec in self._of_need(Need.FOUNDATION):
                child = self._add(spec)
                while child.state is not _State.RUNNING and not self._stop.wait(_POLL_S):
                    self._watch_all()
            if not self._stop.is_set():
                for spec in self._of_need(Need.RECEPTION) + self._of_need(Need.WORK):
                    self._add(spec)
            while not self._stop.wait(_POLL_S):
                self._watch_all()
        finally:
            self._stop_all()

    def _of_need(self, need: Need) -> tuple[ChildSpec, ...]:
        return tuple(spec for spec in self._specs if spec.need is need)

    def _add(self, spec: ChildSpec) -> _Child:
        child = _Child(spec=spec, log=self._log_folder / f"{spec.name}.log")
        self._children.append(child)
        self._begin(child)
        return child

    def _watch_all(self) -> None:
        for child in self._children:
            self._watch(child)
        if time.monotonic() >= self._rotate_at:
            rotate_large_logs(self._log_folder)
            self._rotate_at = time.monotonic() + ROTATE_EVERY_S

    def _watch(self, child: _Child) -> None:
        if child.state is _State.PAUSING or child.process is None:
            if time.monotonic() >= child.restart_at:
                self._begin(child)
            return
        code = child.process.exit_code()
        if child.state is _State.STARTING:
            self._watch_start(child, child.process, code)
        elif code is not None:
            logger.error(
                "process ended, it is started again",
                extra=event(Event.PROCESS_RESTARTED, process_name=child.spec.name, exit_code=code),
            )
            _pause(child)

    def _begin(self, child: _Child) -> None:
        child.state = _State.STARTING
        try:
            child.spec.before_start()
            child.process = ChildProcess(child.spec, child.log)
        except (ConfigurationError, OSError) as error:  # a machine without memory or disk may start nothing for a while
            self._refuse(child, f"did not start: {error}")
            return
        logger.info("process started", extra=event(Event.PROCESS_STARTED, process_name=child.spec.name, kind="child"))

    def _watch_start(self, child: _Child, process: ChildProcess, code: int | None) -> None:
        longest = child.spec.ready_within_s
        if code is not None:
            self._refuse(child, f"ended with status {code} at its start: {_evidence(child, process)}")
        elif child.spec.ready():
            child.state, child.was_ready, child.ready_since = _State.RUNNING, True, time.monotonic()
            self._observer.started(child.spec.name)
        elif process.age_s > longest and not _may_take_its_time(child):
            process.end()
            self._refuse(
                child, f"did not become ready within {longest:.0f} s at its start: {_evidence(child, process)}"
            )

    def _refuse(self, child: _Child, what: str) -> None:
        """End the node for a process without which it is none; tell of another one, and try again later."""
        reason = f"{child.spec.name} {what}"
        if child.spec.need is not Need.WORK and not child.was_ready:
            raise ConfigurationError(reason)
        logger.error(
            "process did not start, it is tried again",
            extra=event(Event.PROCESS_NOT_STARTED, process_name=child.spec.name, reason=reason),
        )
        _pause(child)
        self._observer.refused(child.spec.name, reason)

    def _stop_all(self) -> None:
        """End all processes side by side, and after them those that they stand on."""
        for needs in ({Need.RECEPTION, Need.WORK}, {Need.FOUNDATION}):
            ending = [
                (child.spec.name, child.process)
                for child in self._children
                if child.spec.need in needs and child.process is not None
            ]
            for _, process in ending:
                process.ask_to_end()
            deadline = time.monotonic() + STOP_WITHIN_S
            for name, process in ending:
                process.end(deadline - time.monotonic())
                logger.info(
                    "process stopped",
                    extra=event(Event.PROCESS_STOPPED, process_name=name, exit_code=process.exit_code()),
                )


def _evidence(child: _Child, process: ChildProcess) -> str:
    """The last that a process said, and where it said it."""
    return f"{process.last_line()}; see {child.log}"


def _may_take_its_time(child: _Child) -> bool:
    """Whether it comes back with what it had received, which may be much and must not be broken off."""
    return child.was_ready and child.spec.need is not Need.WORK


def _pause(child: _Child) -> None:
    """Wait before the next start, for longer each time until it was healthy."""
    now = time.monotonic()
    if child.ready_since is not None and now - child.ready_since > HEALTHY_AFTER_S:
        child.delay_s = FIRST_RESTART_S
    child.state, child.ready_since, child.restart_at = _State.PAUSING, None, now + child.delay_s
    child.delay_s = min(child.delay_s * 2, LONGEST_RESTART_S)
