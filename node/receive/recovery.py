"""What the start of a listener process makes of the files that its predecessor left in the incoming folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from node.domain.errors import NodeError
from node.observe.events import Event
from node.observe.logging import event
from node.receive.intake import PARTIAL_SUFFIX, Intake

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How many files were removed because they had not arrived completely, and how many were recorded."""

    removed: int
    recorded: int


def recover(incoming: Path, intake: Intake) -> Recovered:
    """Remove partial files and record complete ones.

    A file with one link had no name in the store yet: its sender was never told that it is kept. One with two has, and
    perhaps the index does not know. What cannot be recorded now stays for the next start.
    """
    removed = recorded = 0
    for file in sorted(incoming.glob(f"*{PARTIAL_SUFFIX}")):
        if file.stat().st_nlink == 1:
            file.unlink()
            removed += 1
            continue
        try:
            intake.record(file)
        except (NodeError, OSError):  # one unreadable leftover must not keep the listener from starting
            logger.exception("a complete object could not be recorded", extra=event(Event.INSTANCE_REFUSED))
        else:
            file.unlink()
            recorded += 1
    if removed or recorded:
        logger.info("incoming folder cleaned", extra=event(Event.INCOMING_CLEANED, count=removed + recorded))
    return Recovered(removed=removed, recorded=recorded)
