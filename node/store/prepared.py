"""Statements for the one place where running them by SQLAlchemy would be most of the work: every image that arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from node.domain.errors import Bug, TransientFailure
from node.store.engine import BEGIN_WRITING, reachable


class Prepared:
    """A statement that is put together once and run by the database's driver.

    Values go through the columns' types as ever. Rows come as the driver has them: select what needs no type.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler):
            raise Bug(f"a statement that can be prepared must be SQL, got {type(compiled).__name__}")
        self._sql = compiled.string
        self._is_positional = compiled.positiontup is not None
        names = compiled.positiontup if compiled.positiontup is not None else list(compiled.binds)
        self._values = tuple(
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
        )

    def run(self, cursor: DBAPICursor, values: Mapping[str, Any]) -> None:
        """Run the statement; the cursor has the rows, or how many there were."""
        given = {name: convert(values[name]) if convert else values[name] for name, convert in self._values}
        cursor.execute(self._sql, [given[name] for name, _ in self._values] if self._is_positional else given)


@contextmanager
def writing_by_driver(engine: Engine) -> Iterator[PoolProxiedConnection]:
    """A transaction on the driver's connection, for `Prepared`. What the block does not commit is undone.

    Raises
    ------
    TransientFailure
        Where the index cannot be written now, or another writer was faster.
    """
    driver = engine.dialect.loaded_dbapi
    with reachable():
        connection = engine.raw_connection()
    try:
        if engine.dialect.name == "sqlite":
            connection.cursor().execute(BEGIN_WRITING)
        yield connection
    except (driver.OperationalError, driver.InterfaceError, driver.IntegrityError) as error:
        raise TransientFailure(f"the index cannot be used now: {type(error).__name__}") from error
    finally:
        connection.close()
