"""Brings the index to the newest schema."""

from __future__ import annotations

from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from node.store.engine import reading, writing

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Apply every migration that the index lacks, all or none; does nothing on a new enough index.

    Raises
    ------
    TransientFailure
        Where the index cannot be written now.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def schema_version(engine: Engine) -> str | None:
    """The newest migration that the index has, or `None` where it has none.

    Raises
    ------
    TransientFailure
        Where the index cannot be read now.
    """
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()
