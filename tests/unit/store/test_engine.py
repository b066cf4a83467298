"""The index is durable, and its migrations give the schema that the program means."""

import datetime
import os

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from node.domain.errors import TransientFailure
from node.store import engine as engine_module
from node.store.columns import UtcTime
from node.store.engine import open_engine, reading, writing
from node.store.schema import metadata, study
from node.store.upgrade import upgrade
from tests.builders.index import uid


def test_the_migrations_give_the_schema_of_the_program(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(engine):
    before = inspect(engine).get_table_names()

    upgrade(engine)

    assert inspect(engine).get_table_names() == before


def test_sqlite_writes_ahead_syncs_every_commit_and_holds_foreign_keys(engine):
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    # synchronous 2 is FULL (sqlite.org/pragma.html#pragma_synchronous)
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_write_that_raises_leaves_nothing(engine):
    def write_and_fail() -> None:
        with writing(engine) as connection:
            connection.execute(study.insert().values(study_uid=uid(1), newest=0))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()

    with reading(engine) as connection:
        assert connection.execute(select(study)).all() == []


def test_an_index_that_stays_locked_is_a_transient_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 20)
    engine = open_engine(f"sqlite:///{tmp_path / 'index.sqlite'}")
    upgrade(engine)

    with writing(engine), pytest.raises(TransientFailure, match="index cannot be used"), writing(engine):
        pass

    engine.dispose()


def test_a_folder_that_is_not_there_is_a_transient_failure(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'missing' / 'index.sqlite'}")

    with pytest.raises(TransientFailure), reading(engine):
        pass


def test_a_forked_child_opens_connections_of_its_own(engine):
    with reading(engine) as connection:
        connection.execute(text("select 1"))
    reader, writer = os.pipe()

    child = os.fork()
    if child == 0:  # the child must never come back into the test runner
        try:
            with reading(engine) as connection:
                opened_by = connection.connection.info["pid"]
            os.write(writer, b"own" if opened_by == os.getpid() else b"inherited")
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)

    assert os.read(reader, 100) == b"own"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        UtcTime().process_bind_param(datetime.datetime(2026, 5, 1), None)  # noqa: DTZ001


def test_a_time_comes_back_in_utc():
    summer = datetime.timezone(datetime.timedelta(hours=2))
    stored = UtcTime().process_bind_param(datetime.datetime(2026, 5, 1, 14, tzinfo=summer), None)

    assert UtcTime().process_result_value(stored.replace(tzinfo=None), None) == datetime.datetime(
        2026, 5, 1, 12, tzinfo=datetime.UTC
    )
