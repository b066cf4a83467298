"""A listener in this process, for tests that look at what it stored and recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from node.domain.identifiers import AETitle
from node.domain.ports import InstanceIndex
from node.domain.pseudonym import Pseudonymizer
from node.receive.intake import free_bytes
from node.receive.listener import Listener
from node.receive.server import listening_socket
from node.receive.settings import ListenerSettings
from node.store.part10 import data_set_start
from tests.builders.memory_index import MemoryIndex

KEY = Pseudonymizer(b"sixteen bytes at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A running listener, and what it has left so far."""

    port: int
    settings: ListenerSettings
    index: MemoryIndex = field(repr=False)

    def content(self, sop_instance_uid: str) -> bytes:
        """The data set of an instance as it was stored."""
        return data_set(self.settings.store / self.index.instances[sop_instance_uid].file)

    def partial_files(self) -> list[Path]:
        """What lies in the incoming folder."""
        return list(self.settings.store.glob("incoming/*/*.part"))

    def stored_files(self) -> list[Path]:
        """What lies under its own name, conflicts left out."""
        return list(self.settings.store.glob("instances/*/*/*/*.dcm"))


def data_set(file: Path) -> bytes:
    """The bytes of a file's data set."""
    with file.open("rb") as stream:
        stream.seek(data_set_start(stream.fileno()))
        return stream.read()


def quick_settings(store: Path, **changes: object) -> ListenerSettings:
    """Settings for tests: any disk is large enough, stopping does not wait."""
    plain = ListenerSettings(store=store, ae_title=AETitle("OSTEONODE"), port=0, min_free_bytes=0, drain_s=0.2)
    return replace(plain, **changes)


@contextlib.contextmanager
def listening(
    store: Path,
    *,
    index: InstanceIndex | None = None,
    free: Callable[[Path], int] = free_bytes,
    **changes: object,
) -> Iterator[Listening]:
    """A listener on a free port of the loopback interface."""
    settings = quick_settings(store, **changes)
    memory = index or MemoryIndex()
    listener = Listener(
        settings, listening_socket(settings.host, settings.port), index=memory, pseudonymizer=KEY, free=free
    )
    listener.start()
    try:
        yield Listening(port=listener.port, settings=settings, index=memory)  # type: ignore[arg-type]
    finally:
        listener.stop()
