"""The files of the objects that the node makes: written once, durable, never over one another."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from node.domain.identifiers import Uid
from node.domain.work import Lease
from node.store.files import DurableFolders, sync_directory

OBJECTS = "objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFile:
    """A file in the store: its name relative to the store, and its BLAKE3 digest, hexadecimal."""

    file: str
    digest: str


class ObjectFiles:
    """Keeps result objects below `objects` in the store.

    Parameters
    ----------
    root
        Folder of the store.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = DurableFolders(root)

    def write(self, lease: Lease, object_uid: Uid, content: bytes) -> ObjectFile:
        """Keep an object under its UID and the lease's work and token; durable before this returns.

        The token keeps two workers apart that both think the work is theirs: each writes a file of its own, and the
        index says which one counts.
        """
        item = lease.item
        shard = hashlib.sha256(item.study_uid.encode("ascii")).hexdigest()[:2]
        name = f"{OBJECTS}/{shard}/{item.study_uid}/{object_uid}.{item.work_id}-{lease.token}.dcm"
        path = self._root / name
        self._folders.make(path.parent)
        # a lease writes each object once: a file that is there already would be a fault of the program
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(path.parent)
        return ObjectFile(file=name, digest=blake3(content).hexdigest())
