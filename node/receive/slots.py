"""The limit on associations, shared by all listener processes.

Every association locks one byte of a small file. The kernel gives the locks of a process back when it dies, however it
dies, so nothing has to be counted, shared or repaired.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path


class AssociationSlots:
    """So many slots, of which processes take one for each association.

    Record locks belong to a process, so within one process a set keeps account; threads may share it. The file must not
    be opened a second time by the same process: closing any handle of it would free all its locks.
    """

    def __init__(self, file: Path, count: int) -> None:
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._count = count
        self._own: set[int] = set()
        self._lock = threading.Lock()

    def take(self) -> int | None:
        """A slot of one's own, or `None` where all are taken."""
        with self._lock:
            for slot in range(self._count):
                if slot not in self._own and self._try(slot):
                    self._own.add(slot)
                    return slot
        return None

    def give_back(self, slot: int) -> None:
        """Let others have the slot."""
        with self._lock:
            if slot in self._own:
                fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, slot)
                self._own.remove(slot)

    def taken_here(self) -> int:
        """How many slots this process holds."""
        return len(self._own)

    def close(self) -> None:
        """Give all slots back."""
        os.close(self._handle)

    def _try(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except OSError:
            return False
        return True
