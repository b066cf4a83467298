"""The catalogue of log events: every line of the log names one of these."""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """A named event. The name is stable, for machines; the message beside it is for people."""

    # processes
    PROCESS_STARTED = "process-started"
    PROCESS_STOPPED = "process-stopped"
    PROCESS_RESTARTED = "process-restarted"
    PROCESS_NOT_STARTED = "process-not-started"
    # receiving
    ASSOCIATION_ACCEPTED = "association-accepted"
    ASSOCIATION_REJECTED = "association-rejected"
    ASSOCIATION_ENDED = "association-ended"
    ASSOCIATION_ABORTED = "association-aborted"
    INSTANCE_STORED = "instance-stored"
    INSTANCE_DUPLICATE = "instance-duplicate"
    INSTANCE_CONFLICT = "instance-conflict"
    INSTANCE_REFUSED = "instance-refused"
    INCOMING_CLEANED = "incoming-cleaned"
    # studies
    REVISION_CLOSED = "revision-closed"
    REVISION_SUPERSEDED = "revision-superseded"
    SERIES_CHOSEN = "series-chosen"
    NO_SUITABLE_SERIES = "no-suitable-series"
    # work
    WORK_QUEUED = "work-queued"
    WORK_CLAIMED = "work-claimed"
    WORK_DONE = "work-done"
    WORK_FAILED = "work-failed"
    WORK_GIVEN_UP = "work-given-up"
    WORK_QUARANTINED = "work-quarantined"
    WORK_WITHDRAWN = "work-withdrawn"
    LEASE_EXPIRED = "lease-expired"
    LEASE_STALE = "lease-stale"
    MESSAGE_LOST = "message-lost"
    BROKER_UNREACHABLE = "broker-unreachable"
    MODEL_LOADED = "model-loaded"
    # delivery
    OBJECT_SENT = "object-sent"
    OBJECT_REFUSED = "object-refused"
    BREAKER_OPENED = "breaker-opened"
    BREAKER_CLOSED = "breaker-closed"
    # errors nobody foresaw
    UNEXPECTED_ERROR = "unexpected-error"


#: Fields that a log line may carry. Anything else is left out, so that no identity can slip in by an `extra`.
FIELDS: frozenset[str] = frozenset(
    {
        "study",  # pseudonym
        "series",  # pseudonym
        "instance",  # pseudonym
        "work_id",
        "revision",
        "pipeline",
        "stage",
        "attempt",
        "token",
        "worker",
        "destination",
        "calling_ae",
        "called_ae",
        "status",
        "reason",
        "error",
        "kind",
        "count",
        "size",
        "seconds",
        "process_name",
        "exit_code",
        "port",
        "model",
        "device",
        "queue",
        "version",
    }
)
