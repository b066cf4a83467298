"""Keeps logs bounded that other processes have open, by copying them away and emptying them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

#: A log that has grown beyond is rotated; of each as many older ones are kept, of at most this size.
LARGEST_LOG_BYTES = 10_000_000
KEPT_LOGS = 2


def rotate_large_logs(folder: Path, *, largest: int = LARGEST_LOG_BYTES) -> None:
    """Rotate each NAME.log of a folder that is too large to NAME.log.1, NAME.log.1 to NAME.log.2, and so on.

    Their writers must have opened them for appending. They keep their handle and go on at the file's new beginning, so
    that several processes may share a log. What they write between the copy and the truncation is lost: at most a few
    lines each time, for a log that needs no help of those who write it, foreign programs included.
    """
    for log in sorted(folder.glob("*.log")):
        try:
            if log.stat().st_size > largest:
                _rotate(log, largest)
        except OSError:
            # a full disk, most likely; the next call tries again, and what runs must not end for it
            logger.exception("a log could not be rotated")


def _rotate(log: Path, largest: int) -> None:
    """Move older logs on once the newest has been copied: where that fails, nothing is lost."""
    copy = log.with_name(f"{log.name}.new")
    try:
        copy.write_bytes(_tail(log, largest))
    except OSError:
        copy.unlink(missing_ok=True)
        raise
    for number in range(KEPT_LOGS - 1, 0, -1):
        older = _numbered(log, number)
        if older.exists():
            older.replace(_numbered(log, number + 1))
    copy.replace(_numbered(log, 1))
    os.truncate(log, 0)


def _tail(log: Path, largest: int) -> bytes:
    """The last whole lines of a log, which may have grown for long before anybody looked."""
    with log.open("rb") as content:
        content.seek(max(0, log.stat().st_size - largest))
        content.readline()
        return content.read(largest)


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
