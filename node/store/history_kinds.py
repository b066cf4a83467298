"""What the history of a study can tell."""

from __future__ import annotations

from enum import StrEnum


class HistoryKind(StrEnum):
    """One kind of entry; the detail beside it is for people and carries no identity."""

    OPENED = "revision-opened"
    CLOSED = "revision-closed"
    SUPERSEDED = "revision-superseded"
    CONFLICT = "conflict"
    CHOSEN = "series-chosen"
    NONE_CHOSEN = "no-series-chosen"
    CLAIMED = "work-claimed"
    DONE = "work-done"
    FAILED = "work-failed"
    GIVEN_UP = "work-given-up"
    WORKER_LOST = "worker-lost"
    QUARANTINED = "work-quarantined"
    MESSAGE_LOST = "message-lost"
    WITHDRAWN = "work-withdrawn"
    REQUEUED = "work-requeued"
