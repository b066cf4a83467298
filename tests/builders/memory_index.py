"""An index in memory: what the listener needs of one, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from node.domain.errors import TransientFailure
from node.domain.ports import Recorded
from node.domain.study import Instance


@dataclass(slots=True)
class MemoryIndex:
    """Keeps instances and conflicts; `refuses` makes every record fail, as a database that is gone does."""

    instances: dict[str, Instance] = field(default_factory=dict)
    conflicts: list[Instance] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    refuses: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        """See the port."""
        with self._lock:
            if self.refuses:
                raise TransientFailure("the index cannot be written now")
            self.batches.append(len(batch))
            return tuple(self._record(each) for each in batch)

    def _record(self, each: Instance) -> Recorded:
        first = self.instances.setdefault(each.sop_instance_uid, each)
        if first is each:
            return Recorded.NEW
        if first.digest == each.digest:
            return Recorded.SAME
        if each.digest not in {known.digest for known in self.conflicts}:
            self.conflicts.append(each)
        return Recorded.DIFFERENT
