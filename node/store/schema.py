"""The tables of the index.

A study's images arrive in revisions; a pipeline on a revision is an analysis; its stages and deliveries are work. A
column `due_at` of work says when the sweeper must look at it: when it may be queued (ready), when its message counts as
lost (queued), when its lease ends (running). Settled work has none.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from node.domain.breaker import BreakerState
from node.domain.completeness import CompletionCause
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.reasons import Reason
from node.domain.state import RevisionState, WorkState
from node.domain.study import ImageFacts, Priority
from node.domain.work import Stage
from node.store.columns import AsJson, UidColumn, UtcTime, enum_column
from node.store.history_kinds import HistoryKind

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NAME = String(64)
_DIGEST = String(64)
#: SQLite counts rows by itself only under a plain INTEGER.
_ROW_ID = BigInteger().with_variant(Integer, "sqlite")


def _of_revision() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["study_uid", "revision"], ["revision.study_uid", "revision.number"])


study = Table(
    "study",
    metadata,
    Column("study_uid", UidColumn, primary_key=True),
    Column("newest", Integer, nullable=False),  # number of the newest revision
    Column("collecting", Integer),  # number of the revision that images go to now; none where all are closed
)

revision = Table(
    "revision",
    metadata,
    Column("study_uid", UidColumn, ForeignKey("study.study_uid"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", enum_column(RevisionState), nullable=False),
    Column("priority", enum_column(Priority), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("cause", enum_column(CompletionCause)),
    Column("waits_for", Text, nullable=False, default=""),
    Column("waits_until", UtcTime),
    Column("images_seen", Integer, nullable=False, default=0),  # images of the study when it was last looked at
    Index(None, "state", "opened_at"),
)

instance = Table(
    "instance",
    metadata,
    Column("sop_instance_uid", UidColumn, primary_key=True),
    Column("study_uid", UidColumn, nullable=False),
    Column("revision", Integer, nullable=False),  # the one that it arrived in; later ones have it too
    Column("series_uid", UidColumn, nullable=False),
    Column("sop_class_uid", UidColumn, nullable=False),
    Column("transfer_syntax", UidColumn, nullable=False),
    Column("file", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("patient", _DIGEST, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("facts", AsJson[ImageFacts](ImageFacts), nullable=False),
    _of_revision(),
    Index(None, "study_uid", "revision", "received_at"),
)

conflict = Table(
    "conflict",
    metadata,
    Column("conflict_id", _ROW_ID, primary_key=True),
    Column("sop_instance_uid", UidColumn, ForeignKey("instance.sop_instance_uid"), nullable=False),
    Column("study_uid", UidColumn, nullable=False, index=True),  # of the first, which stays
    Column("file", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    UniqueConstraint("sop_instance_uid", "digest"),
)

analysis = Table(
    "analysis",
    metadata,
    Column("study_uid", UidColumn, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("pipeline", _NAME, primary_key=True),
    Column("concerned", Boolean, nullable=False),  # whether the study has anything that the pipeline reads
    Column("series_uid", UidColumn),  # the chosen series; none where none suited
    Column("unknown", AsJson[tuple[str, ...]](tuple[str, ...]), nullable=False),
    _of_revision(),
)

series_decision = Table(
    "series_decision",
    metadata,
    Column("study_uid", UidColumn, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("pipeline", _NAME, primary_key=True),
    Column("series_uid", UidColumn, primary_key=True),
    Column("chosen", Boolean, nullable=False),
    Column("reasons", AsJson[tuple[Reason, ...]](tuple[Reason, ...]), nullable=False),
    _of_revision(),
)

work = Table(
    "work",
    metadata,
    Column("work_id", _ROW_ID, primary_key=True),
    Column("idempotency_key", String(320), nullable=False, unique=True),
    Column("study_uid", UidColumn, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("pipeline", _NAME, nullable=False),
    Column("stage", enum_column(Stage), nullable=False),
    Column("series_uid", UidColumn),
    Column("object_uid", UidColumn),
    Column("destination", _NAME),
    Column("lane", String(80), nullable=False),  # what queues together: a pool, or the deliveries to one destination
    Column("priority", enum_column(Priority), nullable=False),
    Column("state", enum_column(WorkState), nullable=False),
    Column("due_at", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("losses", Integer, nullable=False, default=0),
    Column("token", Integer, nullable=False, default=0),
    Column("worker", Text, nullable=False, default=""),
    Column("last_error", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    Column("timings_s", AsJson[dict[str, float]](dict[str, float]), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("claimed_at", UtcTime),
    Column("ended_at", UtcTime),
    _of_revision(),
    # what is due in a lane is found in the same time whether ten or a hundred thousand wait
    Index("ix_work_due", "state", "lane", "priority", "due_at"),
    Index("ix_work_deadline", "state", "due_at"),
    Index(None, "study_uid", "revision"),
    Index(None, "object_uid", "destination"),
)

artefact = Table(
    "artefact",
    metadata,
    Column("work_id", _ROW_ID, ForeignKey("work.work_id"), primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("file", Text, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("size", BigInteger, nullable=False),
)

outgoing_object = Table(
    "outgoing_object",
    metadata,
    Column("sop_instance_uid", UidColumn, primary_key=True),
    Column("kind", enum_column(ObjectKind), nullable=False),
    Column("sop_class_uid", UidColumn, nullable=False),
    Column("series_uid", UidColumn, nullable=False),
    Column("file", Text, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("intended_use", enum_column(IntendedUse), nullable=False),
    Column("not_evaluable", Boolean, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("made_at", UtcTime, nullable=False),
)

#: Which analysis led to which object: the same work of a later revision leads to the same object.
object_of_analysis = Table(
    "object_of_analysis",
    metadata,
    Column("study_uid", UidColumn, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("pipeline", _NAME, primary_key=True),
    Column("object_uid", UidColumn, ForeignKey("outgoing_object.sop_instance_uid"), primary_key=True),
    _of_revision(),
)

breaker = Table(
    "breaker",
    metadata,
    Column("destination", _NAME, primary_key=True),
    Column("state", enum_column(BreakerState), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retry_at", UtcTime),
)

history = Table(
    "history",
    metadata,
    Column("history_id", _ROW_ID, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("study_uid", UidColumn, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("work_id", _ROW_ID),
    Column("what", enum_column(HistoryKind), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Index(None, "study_uid", "history_id"),
)

#: One row a role that only one process may have at a time.
role = Table(
    "role",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", UtcTime, nullable=False),
)
