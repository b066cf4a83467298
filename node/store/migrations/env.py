"""Runs migrations on the connection that `node.store.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from node.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, once the driver's own transactions are off
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
