"""What the core asks of the world: each port has one meaning and several adapters."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from node.domain.identifiers import Uid
from node.domain.work import Artefact, Failure, Lease, NotClaimed, StageOutcome, WorkItem


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime.datetime:
        """The current time, with a time zone."""
        ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime.datetime:
        """The current time in UTC."""
        return datetime.datetime.now(datetime.UTC)


class StudyReader(Protocol):
    """Gives a worker the images of a series."""

    def files(self, study_uid: Uid, revision: int, series_uid: Uid) -> tuple[Path, ...]:
        """The DICOM files of a series as of a revision, in no order that means anything.

        Raises
        ------
        TransientFailure
            Where the files cannot be reached now.
        Bug
            Where the index knows no such series.
        """
        ...


class ArtefactStore(Protocol):
    """Keeps the files that one stage leaves for the next."""

    def write(self, lease: Lease, name: str, content: bytes) -> Artefact:
        """Keep a file under the lease's work and token, durable before this returns."""
        ...

    def read(self, artefact: Artefact) -> bytes:
        """The content of a file.

        Raises
        ------
        TransientFailure
            Where the file is missing or does not have the hash that it was written with.
        """
        ...


class WorkLedger(Protocol):
    """The index as a worker sees it."""

    def claim(self, work_id: int, *, worker: str) -> Lease | NotClaimed:
        """Take the lease of a piece of work whose turn it is."""
        ...

    def heartbeat(self, lease: Lease) -> Lease:
        """Extend a lease.

        Raises
        ------
        StaleLease
            Where another worker holds the work by now, or it is no longer wanted.
        """
        ...

    def artefacts(self, item: WorkItem) -> tuple[Artefact, ...]:
        """What the finished stages of the same pipeline, study and revision left."""
        ...

    def complete(self, lease: Lease, outcome: StageOutcome) -> None:
        """Record a finished stage, make the next one ready and queue it.

        Raises
        ------
        StaleLease
            As for `heartbeat`; nothing is recorded then.
        """
        ...

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Record a failed try; the index decides when it is tried again.

        Raises
        ------
        StaleLease
            As for `heartbeat`; nothing is recorded then.
        """
        ...


class WorkQueue(Protocol):
    """Hands messages to the broker: identifiers only."""

    def send(self, item: WorkItem) -> None:
        """Put one message for a piece of work into its queue.

        Raises
        ------
        TransientFailure
            Where the broker does not take it.
        """
        ...


#: Does the leased work and reports what came of it.
StageFunction = Callable[[Lease], StageOutcome]


class LeasedRunner(Protocol):
    """The door of every task: claims, keeps the lease alive, runs the stage, reports success or failure."""

    def run(self, work_id: int, stage: StageFunction) -> str:
        """Do a piece of work once. Returns a word for the task list: done, not-claimed, failed or stale."""
        ...
