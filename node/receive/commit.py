"""Tells the index of all that is waiting, at once and in turn with the other listener processes."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from node.domain.errors import Bug, TransientFailure
from node.domain.ports import InstanceIndex, Recorded
from node.domain.study import Instance

#: Two processes that bring the same study's first images at the same moment may fail each other once.
TRIES = 3


@dataclass(slots=True, kw_only=True)
class _Ticket:
    instances: tuple[Instance, ...]
    recorded: tuple[Recorded, ...] = ()
    error: Exception | None = None
    is_done: bool = field(default=False)


class Turn:
    """Lets one of several processes at a time into a `with` block; the kernel frees it where a process dies.

    SQLite has one writer. Whoever finds it busy sleeps for milliseconds and tries again, and two processes that write
    without a break sleep half of the time; here the next one is woken at once.
    """

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the handle back."""
        os.close(self._handle)


class GroupCommit:
    """One commit of the index for the instances of all associations of this process that wait for one.

    Who comes first leads: it takes what is waiting, while it commits others gather, and the next of them leads. With
    one association nothing is delayed, with many the cost of a commit is shared.
    """

    def __init__(self, index: InstanceIndex, turn: AbstractContextManager[None]) -> None:
        self._index = index
        self._turn = turn
        self._waiting: list[_Ticket] = []
        self._gathering = threading.Lock()
        self._leading = threading.Lock()

    def commit(self, instances: Sequence[Instance]) -> tuple[Recorded, ...]:
        """Record instances whose files are durable; the index is, too, when this returns.

        Raises
        ------
        TransientFailure
            Where the index cannot be written now.
        """
        ticket = _Ticket(instances=tuple(instances))
        with self._gathering:
            self._waiting.append(ticket)
        with self._leading:
            if not ticket.is_done:
                with self._turn:
                    self._commit_waiting()
        if ticket.error is not None:
            raise ticket.error
        return ticket.recorded

    def _commit_waiting(self) -> None:
        with self._gathering:
            batch, self._waiting = self._waiting, []
        try:
            self._commit(batch)
        except TransientFailure as error:
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                self._commit_singly(batch)
        for ticket in batch:
            ticket.is_done = True

    def _commit_singly(self, batch: list[_Ticket]) -> None:
        """One of the batch cannot be recorded; the others shall not suffer for it."""
        for ticket in batch:
            try:
                self._commit([ticket])
            except Exception as error:
                _fail([ticket], error)

    def _commit(self, batch: list[_Ticket]) -> None:
        recorded = self._record([each for ticket in batch for each in ticket.instances])
        for ticket in batch:
            count = len(ticket.instances)
            ticket.recorded, recorded = recorded[:count], recorded[count:]

    def _record(self, instances: Sequence[Instance]) -> tuple[Recorded, ...]:
        for tries_left in reversed(range(TRIES)):
            try:
                recorded = self._index.record(instances)
            except TransientFailure:
                if not tries_left:
                    raise
            else:
                if len(recorded) != len(instances):
                    raise Bug(f"the index must answer for {len(instances)} instances, got {len(recorded)}")
                return recorded
        raise Bug("the last try returns or raises")


def _fail(batch: list[_Ticket], error: Exception) -> None:
    for ticket in batch:
        ticket.error = error
