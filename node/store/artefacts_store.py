"""Keeps the files that one stage leaves for the next: durable, written once, read only with the right hash."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from blake3 import blake3

from node.domain.errors import Bug, TransientFailure
from node.domain.work import Artefact, Lease
from node.store.files import DurableFolders, sync_directory

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class FileArtefactStore:
    """Adapter of `node.domain.ports.ArtefactStore` over a folder.

    Every lease has a folder of its own, so that a worker that lost its lease cannot overwrite what its successor wrote.

    Parameters
    ----------
    root
        The folder of the store; it must exist.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = DurableFolders(root)

    def write(self, lease: Lease, name: str, content: bytes) -> Artefact:
        """Keep a file under the lease's work and token, durable before this returns.

        Raises
        ------
        Bug
            Where the name is no plain file name.
        TransientFailure
            Where the file cannot be written now.
        """
        if not _NAME.fullmatch(name):
            raise Bug(f"an artefact's name must be letters, digits, '.', '_' and '-', got {name[:100]!r}")
        file = f"{_folder(lease)}/{name}"
        try:
            self._write(self._root / file, content)
        except OSError as error:
            raise TransientFailure(f"an artefact could not be written: {error.strerror}") from error
        return Artefact(name=name, file=file, digest=blake3(content).hexdigest(), size=len(content))

    def read(self, artefact: Artefact) -> bytes:
        """The content of a file; see the port."""
        try:
            content = (self._root / artefact.file).read_bytes()
        except OSError as error:
            raise TransientFailure(f"the artefact {artefact.name} cannot be read: {error.strerror}") from error
        if blake3(content).hexdigest() != artefact.digest:
            raise TransientFailure(
                f"the artefact {artefact.name} must have the hash that it was written with, got {len(content)} bytes "
                f"of another content instead of {artefact.size}"
            )
        return content

    def _write(self, target: Path, content: bytes) -> None:
        self._folders.make(target.parent)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_directory(target.parent)


def _folder(lease: Lease) -> str:
    item = lease.item
    return f"artefacts/{item.study_uid}/{item.revision}/{item.pipeline}/{item.stage}-{lease.token}"
