"""One object on its way in: a file that grows while the fragments come, never held in memory."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from node.domain.identifiers import AETitle, Uid
from node.receive.statuses import DISK_FULL, TOO_LARGE, Answer
from node.store.part10 import DataSetDigest, FileMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A complete object in an open file. `digest` and `size` are of the data set, without the file's head."""

    file: Path
    handle: int
    meta: FileMeta
    size: int
    digest: str


class Arriving:
    """Takes the fragments of one data set.

    Once something forbids to keep it (too large, disk full) the rest is read and dropped, so that the association can
    go on and the sender gets its answer.
    """

    def __init__(self, file: Path, meta: FileMeta, *, max_bytes: int) -> None:
        self._file = file
        self._meta = meta
        self._max_bytes = max_bytes
        self._size = 0
        self._digest = DataSetDigest()
        self._handle = -1
        self.refusal: Answer | None = None
        try:
            self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._write(memoryview(meta.encode()))
        except OSError:
            self._refuse(DISK_FULL)

    def add(self, fragment: memoryview) -> None:
        """Append a fragment of the data set."""
        if self.refusal is not None:
            return
        self._size += len(fragment)
        if self._size > self._max_bytes:
            self._refuse(TOO_LARGE)
            return
        try:
            self._write(fragment)
        except OSError:
            self._refuse(DISK_FULL)
            return
        self._digest.add(fragment)

    def complete(self) -> Arrived:
        """The object after its last fragment; its handle is open until `discard` or `leave`."""
        return Arrived(
            file=self._file,
            handle=self._handle,
            meta=self._meta,
            size=self._size,
            digest=self._digest.hexadecimal(),
        )

    def discard(self) -> None:
        """Leave nothing behind."""
        self._close()
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def leave(self) -> None:
        """Leave nothing behind, unless the store has the file under its own name: the next start will index it."""
        self._close()
        with contextlib.suppress(OSError):
            if self._file.stat().st_nlink == 1:
                self._file.unlink()

    def _write(self, data: memoryview) -> None:
        while data:
            data = data[os.write(self._handle, data) :]

    def _refuse(self, why: Answer) -> None:
        self.refusal = why
        self.discard()

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends: the AE title for the log and the file's head."""

    ae_title: AETitle | None
    transfer_syntax: Uid
    abstract_syntax: Uid
