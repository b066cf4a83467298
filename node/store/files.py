"""Files that are there after a power cut, and never overwrite each other."""

from __future__ import annotations

import os
import threading
from pathlib import Path

#: A folder known to be durable is asked for again with every slice of its series.
REMEMBERED_FOLDERS = 4096


def sync_directory(folder: Path) -> None:
    """Make the entries of a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_into_place(source: Path, target: Path) -> bool:
    """Give a file a second name, atomically and without ever replacing another file.

    Returns
    -------
    bool
        False where `target` was there before; nothing has changed then. The new name is durable only once the folder of
        `target` has been synced.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True


class DurableFolders:
    """Makes folders so that they survive a power cut, and remembers which ones it has made. Threads may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[Path] = set()
        self._lock = threading.Lock()

    def make(self, folder: Path) -> None:
        """Make a folder below the root with its parents; each is durable when this returns."""
        if folder in self._known:
            return
        at = self._root
        for part in folder.relative_to(self._root).parts:
            above, at = at, at / part
            if at not in self._known:
                at.mkdir(exist_ok=True)
                # synced even where another thread or process made it: that one may not have come so far yet
                sync_directory(above)
                self._remember(at)

    def _remember(self, folder: Path) -> None:
        with self._lock:
            if len(self._known) >= REMEMBERED_FOLDERS:
                self._known.clear()
            self._known.add(folder)

    def forget(self) -> None:
        """Look again next time: folders have gone."""
        with self._lock:
            self._known.clear()
