"""What the core asks of the world: each port has one meaning and several adapters."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from node.domain.acquisition import Acquisition
from node.domain.identifiers import Uid
from node.domain.outgoing import OutgoingObject
from node.domain.study import Instance
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


class Recorded(StrEnum):
    """What the index made of an instance that it was handed."""

    NEW = "new"  # recorded; belongs to the revision that collects now
    SAME = "same"  # was there with the same bytes; nothing changed
    DIFFERENT = "different"  # was there with other bytes; recorded as a conflict, the first stays


class InstanceIndex(Protocol):
    """The index as the listener sees it."""

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        """Record instances whose files are durable, in one transaction that is durable when this returns.

        Raises
        ------
        TransientFailure
            Where the index cannot be written now; nothing of the batch is recorded then.
        """
        ...


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

    def input_digest(self, study_uid: Uid, revision: int, series_uid: Uid) -> str:
        """`node.domain.study.input_digest` of the same instances as `files`.

        Raises
        ------
        TransientFailure, Bug
            As for `files`.
        """
        ...

    def acquisition(self, study_uid: Uid, revision: int, series_uid: Uid) -> Acquisition:
        """How the same instances as `files` were scanned.

        Raises
        ------
        TransientFailure, Bug
            As for `files`.
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


class Outbox(Protocol):
    """What encoding and delivery ask of the index beside their lease."""

    def object(self, object_uid: Uid) -> OutgoingObject:
        """An object that was registered when `encode` completed."""
        ...

    def existing(self, object_uid: Uid) -> OutgoingObject | None:
        """The object of this UID, where one was made before: the first one made is kept."""
        ...

    def previous_report(self, study_uid: Uid, *, before_revision: int, pipeline: str) -> OutgoingObject | None:
        """The newest SR of an earlier revision, which a new one supersedes."""
        ...


class Breakers(Protocol):
    """One circuit breaker a destination, shared by all processes, so that a dead PACS is not asked again and again."""

    def admits(self, destination: str) -> bool:
        """Whether a delivery may be tried now; after a pause one is let through as a probe.

        Asked once, by who delivers; the ledger only looks at the breaker before it gives out the lease.
        """
        ...

    def succeeded(self, destination: str) -> None:
        """The destination answered: the breaker closes."""
        ...

    def failed(self, destination: str) -> None:
        """The destination could not be reached: after so many times in a row the breaker opens."""
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
