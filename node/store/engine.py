"""Connections to the index: SQLite made durable and safe for many processes, or PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from node.domain.errors import TransientFailure

#: How long a writer waits for another one before it gives up, ms. A transaction of the node takes milliseconds.
BUSY_TIMEOUT_MS = 30_000
#: A deferred transaction that reads first and writes then is refused at once when another one wrote in between.
BEGIN_WRITING = "BEGIN IMMEDIATE"
_WRITES = "osteonode_writes"
_inherited: list[Any] = []


def open_engine(url: str) -> Engine:
    """The engine for a database URL, `sqlite:///PATH` or `postgresql+psycopg://...`.

    On SQLite every commit is durable when it returns (WAL, `synchronous=FULL`), and foreign keys are enforced.
    """
    if not url.startswith("sqlite"):
        engine = sqlalchemy.create_engine(url, pool_pre_ping=True)
    else:
        # the driver's own transactions begin too late, and deferred: ours are begun below
        engine = sqlalchemy.create_engine(
            url, connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "connect", _remember_process)
    event.listen(engine, "checkout", _refuse_inherited)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the index and changes nothing.

    Raises
    ------
    TransientFailure
        Where the index cannot be reached now.
    """
    with reachable(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is durable when this returns, and changes nothing where the block raises.

    Raises
    ------
    TransientFailure
        Where the index cannot be written now: locked for too long, disk full, server away.
    """
    with reachable(), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        yield connection


@contextmanager
def reachable() -> Iterator[None]:
    """Turn what SQLAlchemy says of a database that cannot be used now into `TransientFailure`."""
    try:
        yield
    except (OperationalError, InterfaceError, DisconnectionError, PoolTimeoutError) as error:
        raise TransientFailure(f"the index cannot be used now: {type(error).__name__}") from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql(BEGIN_WRITING if writes else "BEGIN")


def _remember_process(_connection: Any, record: Any) -> None:
    record.info["pid"] = os.getpid()


def _refuse_inherited(_connection: Any, record: Any, proxy: Any) -> None:
    """Give a forked child connections of its own: one shared with its parent corrupts the file or the protocol.

    The parent's is kept, not closed: closing is a use, too (sqlite.org/howtocorrupt.html, section 2.6).
    """
    if record.info["pid"] != os.getpid():
        _inherited.append(record.dbapi_connection)
        record.dbapi_connection = proxy.dbapi_connection = None
        raise DisconnectionError("the connection belongs to the parent process")
