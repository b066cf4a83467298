"""What is due is found by the index of the table, however much waits: no scan, no sorting."""

import pytest
from sqlalchemy import Select, select, text
from sqlalchemy.dialects import sqlite

from node.domain.state import WorkState
from node.domain.study import Priority
from node.store.closing import collecting_revisions
from node.store.engine import reading
from node.store.enqueuing import due, overdue, waiting
from node.store.schema import instance, work
from tests.builders.index import NOON, uid


def plan(engine, query: Select) -> str:
    """SQLite's plan for a query, one line a step."""
    compiled = query.compile(dialect=sqlite.dialect())
    statement = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}))
    values = tuple("x" for _ in compiled.positiontup or ())
    with reading(engine) as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return "\n".join(row[3] for row in rows)


QUERIES = {
    "what is due in a lane": (due("gpu", Priority.ROUTINE, NOON, limit=10), "ix_work_due"),
    "how many messages of a lane wait": (waiting("gpu", Priority.ROUTINE), "ix_work_due"),
    "whose message is lost": (overdue(WorkState.QUEUED, NOON), "ix_work_deadline"),
    "whose worker is lost": (overdue(WorkState.RUNNING, NOON), "ix_work_deadline"),
    "one piece of work": (select(work).where(work.c.work_id == 1), "INTEGER PRIMARY KEY"),
    "the work of a revision": (
        select(work).where(work.c.study_uid == uid("1"), work.c.revision == 1),
        "ix_work_study_uid_revision",
    ),
    "a known instance": (
        select(instance.c.digest).where(instance.c.sop_instance_uid == uid("1")),
        "sqlite_autoindex_instance_1",
    ),
    "what collects": (collecting_revisions(), "ix_revision_state_opened_at"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_an_index_answers(engine, name):
    query, index = QUERIES[name]

    steps = plan(engine, query)

    assert f"{index} (" in steps
    assert "SCAN" not in steps
    assert "TEMP B-TREE" not in steps


def test_a_query_without_an_index_would_be_seen(engine):
    steps = plan(engine, select(work).where(text("worker = 'x'")))

    assert "SCAN work" in steps
