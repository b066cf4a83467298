"""The listener as a service: processes that share one socket, watched by one that does nothing else."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from types import FrameType

from node.domain.errors import ConfigurationError
from node.domain.ports import InstanceIndex
from node.domain.pseudonym import Pseudonymizer
from node.observe.events import Event
from node.observe.logging import event
from node.receive.listener import Listener, quiet_libraries
from node.receive.server import listening_socket
from node.receive.settings import ListenerSettings

logger = logging.getLogger(__name__)

#: A process that dies is started again after this long, doubled each time it dies young, s.
RESTART_PAUSE_S = 0.2
LONGEST_RESTART_PAUSE_S = 30.0
#: Who lives longer than this did not die young, s.
YOUTH_S = 60.0


def _nothing() -> None:
    """Configure nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What each listener process makes for itself. Functions of modules, or partials of them: they are pickled.

    Parameters
    ----------
    make_index
        Opens the index; called once in each process.
    configure
        Called first in each process, for logging.
    """

    make_index: Callable[[], InstanceIndex]
    pseudonymizer: Pseudonymizer
    configure: Callable[[], None] = _nothing


def serve(settings: ListenerSettings, parts: Parts, *, on_ready: Callable[[int], None] = lambda port: None) -> None:
    """Listen until SIGTERM or SIGINT, then let associations end, and return.

    Must be called in the main thread.

    Parameters
    ----------
    on_ready
        Called once with the port, when every process accepts associations.

    Raises
    ------
    ConfigurationError
        Where the address cannot be bound, or a process cannot start at all.
    """
    try:
        shared = listening_socket(settings.host, settings.port)
    except OSError as error:
        raise ConfigurationError(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}); is another listener running?"
        ) from error
    with shared:
        family = _Family(settings, parts, shared)
        wakeup, bell = socket.socketpair()
        with wakeup, bell:
            restore = _on_signals(bell)
            try:
                family.start(on_ready)
                family.watch(wakeup)
            finally:
                family.stop()
                restore()


@dataclass(slots=True, kw_only=True)
class _Child:
    process: BaseProcess
    started_at: float
    pause_s: float


class _Family:
    """The listener processes."""

    def __init__(self, settings: ListenerSettings, parts: Parts, shared: socket.socket) -> None:
        # fork would copy whatever locks and threads the caller has at that moment
        self._context = multiprocessing.get_context("spawn")
        self._settings = settings
        self._parts = parts
        self._shared = shared
        self._children: dict[int, _Child] = {}

    def start(self, on_ready: Callable[[int], None]) -> None:
        readers = []
        for number in range(self._settings.processes):
            reader, writer = self._context.Pipe(duplex=False)
            self._spawn(number, writer, pause_s=RESTART_PAUSE_S)
            writer.close()
            readers.append(reader)
        for reader in readers:
            try:
                reader.recv()
            except EOFError as error:
                raise ConfigurationError("a listener process ended before it could listen; its log says why") from error
            finally:
                reader.close()
        on_ready(int(self._shared.getsockname()[1]))

    def watch(self, wakeup: socket.socket) -> None:
        """Start again who dies, until the wake-up rings."""
        while True:
            sentinels = {child.process.sentinel: number for number, child in self._children.items()}
            ready = connection.wait([wakeup, *sentinels])
            if wakeup in ready:
                return
            for sentinel in ready:
                if isinstance(sentinel, int) and not self._restarted(sentinels[sentinel], wakeup):
                    return

    def stop(self) -> None:
        for child in self._children.values():
            child.process.terminate()
        deadline = time.monotonic() + self._settings.drain_s + self._settings.dimse_timeout_s
        for child in self._children.values():
            child.process.join(max(0.0, deadline - time.monotonic()))
            if child.process.is_alive():
                child.process.kill()
                child.process.join()

    def _restarted(self, number: int, wakeup: socket.socket) -> bool:
        """Start a process again after a pause; false where the wake-up rang meanwhile."""
        child = self._children[number]
        child.process.join()
        logger.error(
            "a listener process died and is started again",
            extra=event(Event.PROCESS_RESTARTED, process_name=child.process.name, exit_code=child.process.exitcode),
        )
        was_young = time.monotonic() - child.started_at < YOUTH_S
        pause_s = min(LONGEST_RESTART_PAUSE_S, 2 * child.pause_s) if was_young else RESTART_PAUSE_S
        if connection.wait([wakeup], timeout=child.pause_s):
            return False
        reader, writer = self._context.Pipe(duplex=False)
        with reader, writer:
            self._spawn(number, writer, pause_s=pause_s)
        return True

    def _spawn(self, number: int, ready: connection.Connection, *, pause_s: float) -> None:
        process = self._context.Process(
            target=_run, args=(self._settings, self._parts, self._shared, number, ready), name=f"listener-{number}"
        )
        process.start()
        self._children[number] = _Child(process=process, started_at=time.monotonic(), pause_s=pause_s)


def _run(
    settings: ListenerSettings, parts: Parts, shared: socket.socket, number: int, ready: connection.Connection
) -> None:
    """One listener process: until SIGTERM, or until its parent is gone."""
    parts.configure()
    quiet_libraries()
    wakeup, bell = socket.socketpair()
    _on_signals(bell)
    listener = Listener(settings, shared, index=parts.make_index(), pseudonymizer=parts.pseudonymizer, number=number)
    # what is there now stays; pynetdicom collects garbage by hand, and would look at these 100,000 objects each time
    gc.collect()
    gc.freeze()
    listener.start()
    logger.info("listener process started", extra=event(Event.PROCESS_STARTED, port=listener.port))
    _tell(ready, os.getpid())
    parent = multiprocessing.parent_process()
    connection.wait([wakeup] if parent is None else [wakeup, parent.sentinel])
    listener.stop()
    logger.info("listener process stopped", extra=event(Event.PROCESS_STOPPED, port=listener.port))


def _tell(ready: connection.Connection, process_id: int) -> None:
    """Say that this process listens; nobody asks where it was started again."""
    try:
        ready.send(process_id)
    except BrokenPipeError:
        return
    finally:
        ready.close()


def _on_signals(bell: socket.socket) -> Callable[[], None]:
    """Ring on SIGTERM and SIGINT. Returns what restores the former handling."""

    def ring(number: int, frame: FrameType | None) -> None:
        bell.send(b"!")

    former = {each: signal.signal(each, ring) for each in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for each, handler in former.items():
            signal.signal(each, handler)

    return restore
