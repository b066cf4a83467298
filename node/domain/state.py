"""The states that the index keeps, as tables.

Work is a stage of a pipeline on a revision of a study, or the delivery of one object to one destination: both are
queued, leased, tried again and given up in the same way. What a study shows is derived from its work.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class RevisionState(StrEnum):
    """Where a revision of a study stands."""

    COLLECTING = "collecting"  # images arrive
    COMPLETE = "complete"  # closed, pipelines chosen, work queued
    SUPERSEDED = "superseded"  # a later revision took its place


class RevisionEvent(StrEnum):
    """What happens to a revision."""

    CLOSED = "closed"
    OVERTAKEN = "overtaken"


REVISION_TRANSITIONS: dict[tuple[RevisionState, RevisionEvent], RevisionState] = {
    (RevisionState.COLLECTING, RevisionEvent.CLOSED): RevisionState.COMPLETE,
    (RevisionState.COMPLETE, RevisionEvent.OVERTAKEN): RevisionState.SUPERSEDED,
}


class WorkState(StrEnum):
    """Where a piece of work stands."""

    READY = "ready"  # may be queued once its `not_before` has passed
    QUEUED = "queued"  # its message is with the broker
    RUNNING = "running"  # a worker holds its lease
    DONE = "done"
    DEAD = "dead"  # given up; an operator may requeue it
    QUARANTINED = "quarantined"  # it took its worker down too often; an operator may requeue it
    WITHDRAWN = "withdrawn"  # no longer wanted: a later revision took its place


class WorkEvent(StrEnum):
    """What happens to a piece of work."""

    ENQUEUED = "enqueued"  # its message was handed to the broker
    MESSAGE_LOST = "message-lost"  # queued past its deadline, or the broker refused the message
    CLAIMED = "claimed"
    COMPLETED = "completed"
    FAILED = "failed"  # for a cause that may pass
    GIVEN_UP = "given-up"  # failed for good, or too often, or nobody is left to do it
    LEASE_EXPIRED = "lease-expired"  # its worker is gone
    WORKER_LOST_TOO_OFTEN = "worker-lost-too-often"
    REQUEUED = "requeued"  # by an operator
    OVERTAKEN = "overtaken"


#: (state, event) -> next state. A pair that is not here is refused, and the refusal is tested too.
WORK_TRANSITIONS: dict[tuple[WorkState, WorkEvent], WorkState] = {
    (WorkState.READY, WorkEvent.ENQUEUED): WorkState.QUEUED,
    # a message of an earlier try may still come: whoever claims first does the work
    (WorkState.READY, WorkEvent.CLAIMED): WorkState.RUNNING,
    # nobody is left to do it: the destination of a delivery was taken out of the configuration
    (WorkState.READY, WorkEvent.GIVEN_UP): WorkState.DEAD,
    (WorkState.READY, WorkEvent.OVERTAKEN): WorkState.WITHDRAWN,
    (WorkState.QUEUED, WorkEvent.CLAIMED): WorkState.RUNNING,
    (WorkState.QUEUED, WorkEvent.MESSAGE_LOST): WorkState.READY,
    (WorkState.QUEUED, WorkEvent.OVERTAKEN): WorkState.WITHDRAWN,
    (WorkState.RUNNING, WorkEvent.COMPLETED): WorkState.DONE,
    (WorkState.RUNNING, WorkEvent.FAILED): WorkState.READY,
    (WorkState.RUNNING, WorkEvent.GIVEN_UP): WorkState.DEAD,
    (WorkState.RUNNING, WorkEvent.LEASE_EXPIRED): WorkState.READY,
    (WorkState.RUNNING, WorkEvent.WORKER_LOST_TOO_OFTEN): WorkState.QUARANTINED,
    (WorkState.RUNNING, WorkEvent.OVERTAKEN): WorkState.WITHDRAWN,
    (WorkState.DEAD, WorkEvent.REQUEUED): WorkState.READY,
    (WorkState.DEAD, WorkEvent.OVERTAKEN): WorkState.WITHDRAWN,
    (WorkState.QUARANTINED, WorkEvent.REQUEUED): WorkState.READY,
    (WorkState.QUARANTINED, WorkEvent.OVERTAKEN): WorkState.WITHDRAWN,
}

#: States that wait for nothing any more.
SETTLED: frozenset[WorkState] = frozenset({WorkState.DONE, WorkState.DEAD, WorkState.QUARANTINED, WorkState.WITHDRAWN})
#: States that an operator hears of.
GIVEN_UP: frozenset[WorkState] = frozenset({WorkState.DEAD, WorkState.QUARANTINED})


def next_work_state(state: WorkState, event: WorkEvent) -> WorkState | None:
    """The state after an event, or `None` where the event is not for this state and changes nothing."""
    return WORK_TRANSITIONS.get((state, event))


class StudyState(StrEnum):
    """What a study shows, derived from its newest revision and that revision's work."""

    RECEIVING = "receiving"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


def study_state(revision: RevisionState, work: Iterable[WorkState]) -> StudyState:
    """What a study shows, given its newest revision and the states of that revision's work."""
    if revision is RevisionState.COLLECTING:
        return StudyState.RECEIVING
    states = set(work) - {WorkState.WITHDRAWN}
    if states - SETTLED:
        return StudyState.WORKING
    return StudyState.FAILED if states & GIVEN_UP else StudyState.DONE
