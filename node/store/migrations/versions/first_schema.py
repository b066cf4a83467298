"""The first schema: studies in revisions, analyses, work, objects, history.

Types are plain on purpose: a migration must keep its meaning when the program's own types change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _create_breaker()
    _create_history()
    _create_outgoing_object()
    _create_role()
    _create_study()
    _create_revision()
    _create_analysis()
    _create_instance()
    _create_object_of_analysis()
    _create_series_decision()
    _create_work()
    _create_artefact()
    _create_conflict()


def downgrade() -> None:
    """Take back."""
    for table in (
        "conflict",
        "artefact",
        "work",
        "series_decision",
        "object_of_analysis",
        "instance",
        "analysis",
        "revision",
        "study",
        "role",
        "outgoing_object",
        "history",
        "breaker",
    ):
        op.drop_table(table)


def _create_breaker() -> None:
    op.create_table(
        "breaker",
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("destination", name="pk_breaker"),
    )


def _create_history() -> None:
    op.create_table(
        "history",
        sa.Column("history_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("work_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("history_id", name="pk_history"),
    )
    op.create_index("ix_history_study_uid_history_id", "history", ["study_uid", "history_id"])


def _create_outgoing_object() -> None:
    op.create_table(
        "outgoing_object",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("series_uid", sa.String(length=64), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("intended_use", sa.String(length=32), nullable=False),
        sa.Column("not_evaluable", sa.Boolean(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sop_instance_uid", name="pk_outgoing_object"),
    )


def _create_role() -> None:
    op.create_table(
        "role",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_role"),
    )


def _create_study() -> None:
    op.create_table(
        "study",
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("collecting", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("study_uid", name="pk_study"),
    )


def _create_revision() -> None:
    op.create_table(
        "revision",
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("images_seen", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["study_uid"], ["study.study_uid"], name="fk_revision_study_uid"),
        sa.PrimaryKeyConstraint("study_uid", "number", name="pk_revision"),
    )
    op.create_index("ix_revision_state_opened_at", "revision", ["state", "opened_at"])


def _create_analysis() -> None:
    op.create_table(
        "analysis",
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("concerned", sa.Boolean(), nullable=False),
        sa.Column("series_uid", sa.String(length=64), nullable=True),
        sa.Column("unknown", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_uid", "revision"], ["revision.study_uid", "revision.number"], name="fk_analysis_study_uid_revision"
        ),
        sa.PrimaryKeyConstraint("study_uid", "revision", "pipeline", name="pk_analysis"),
    )


def _create_instance() -> None:
    op.create_table(
        "instance",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("series_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("transfer_syntax", sa.String(length=64), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_uid", "revision"], ["revision.study_uid", "revision.number"], name="fk_instance_study_uid_revision"
        ),
        sa.PrimaryKeyConstraint("sop_instance_uid", name="pk_instance"),
    )
    op.create_index("ix_instance_study_uid_revision_received_at", "instance", ["study_uid", "revision", "received_at"])


def _create_object_of_analysis() -> None:
    op.create_table(
        "object_of_analysis",
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("object_uid", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_uid"], ["outgoing_object.sop_instance_uid"], name="fk_object_of_analysis_object_uid"
        ),
        sa.ForeignKeyConstraint(
            ["study_uid", "revision"],
            ["revision.study_uid", "revision.number"],
            name="fk_object_of_analysis_study_uid_revision",
        ),
        sa.PrimaryKeyConstraint("study_uid", "revision", "pipeline", "object_uid", name="pk_object_of_analysis"),
    )


def _create_series_decision() -> None:
    op.create_table(
        "series_decision",
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("series_uid", sa.String(length=64), nullable=False),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_uid", "revision"],
            ["revision.study_uid", "revision.number"],
            name="fk_series_decision_study_uid_revision",
        ),
        sa.PrimaryKeyConstraint("study_uid", "revision", "pipeline", "series_uid", name="pk_series_decision"),
    )


def _create_work() -> None:
    op.create_table(
        "work",
        sa.Column("work_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("idempotency_key", sa.String(length=320), nullable=False),
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("series_uid", sa.String(length=64), nullable=True),
        sa.Column("object_uid", sa.String(length=64), nullable=True),
        sa.Column("destination", sa.String(length=64), nullable=True),
        sa.Column("lane", sa.String(length=80), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("timings_s", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_uid", "revision"], ["revision.study_uid", "revision.number"], name="fk_work_study_uid_revision"
        ),
        sa.PrimaryKeyConstraint("work_id", name="pk_work"),
        sa.UniqueConstraint("idempotency_key", name="uq_work_idempotency_key"),
    )
    op.create_index("ix_work_deadline", "work", ["state", "due_at"])
    op.create_index("ix_work_due", "work", ["state", "lane", "priority", "due_at"])
    op.create_index("ix_work_object_uid_destination", "work", ["object_uid", "destination"])
    op.create_index("ix_work_study_uid_revision", "work", ["study_uid", "revision"])


def _create_artefact() -> None:
    op.create_table(
        "artefact",
        sa.Column("work_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["work_id"], ["work.work_id"], name="fk_artefact_work_id"),
        sa.PrimaryKeyConstraint("work_id", "name", name="pk_artefact"),
    )


def _create_conflict() -> None:
    op.create_table(
        "conflict",
        sa.Column("conflict_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sop_instance_uid"], ["instance.sop_instance_uid"], name="fk_conflict_sop_instance_uid"
        ),
        sa.PrimaryKeyConstraint("conflict_id", name="pk_conflict"),
        sa.UniqueConstraint("sop_instance_uid", "digest", name="uq_conflict_sop_instance_uid_digest"),
    )
    op.create_index("ix_conflict_study_uid", "conflict", ["study_uid"])
