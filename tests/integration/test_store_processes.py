"""Several processes on one SQLite file: nothing acknowledged is lost, and one worker wins."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from node.domain.identifiers import Uid
from node.store.engine import open_engine, reading
from node.store.schema import instance, revision, study
from node.store.upgrade import upgrade
from tests.builders.index import FakeClock, FakeQueue, uid
from tests.builders.index_node import IndexNode

PROGRAM = Path(__file__).parent / "index_program.py"
WRITERS = 3
EACH = 25


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty index that processes share."""
    url = f"sqlite:///{tmp_path / 'index.sqlite'}"
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of the helper program, killed at the end."""
    command = [sys.executable, str(PROGRAM), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.read().splitlines()


def recorded(engine: Engine) -> list[Uid]:
    with reading(engine) as connection:
        return list(connection.execute(select(instance.c.sop_instance_uid)).scalars())


def test_listeners_that_record_one_study_together_lose_nothing_and_open_one_revision(url):
    with ExitStack() as stack:
        writers = [
            stack.enter_context(program("record", url, "1", str(n * EACH), str((n + 1) * EACH))) for n in range(WRITERS)
        ]
        answers = [line for writer in writers for line in lines(writer)]

    with opened(url) as engine:
        assert sorted(answers) == sorted(f"{k} new" for k in range(WRITERS * EACH))
        assert sorted(recorded(engine)) == sorted(uid(f"1.1.1.{k}") for k in range(WRITERS * EACH))
        with reading(engine) as connection:
            assert connection.execute(select(func.count()).select_from(revision)).scalar_one() == 1


def test_listeners_that_are_sent_the_same_images_record_each_once(url):
    with ExitStack() as stack:
        writers = [stack.enter_context(program("record", url, "1", "0", str(EACH))) for _ in range(WRITERS)]
        answers = [line for writer in writers for line in lines(writer)]

    with opened(url) as engine:
        assert len(recorded(engine)) == EACH
    assert sorted(answers) == sorted(line for k in range(EACH) for line in (f"{k} new", *[f"{k} same"] * (WRITERS - 1)))


def test_what_was_acknowledged_is_there_after_the_listener_was_killed(url):
    with program("record", url, "1", "0", "0") as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]

    with opened(url) as engine:
        found = set(recorded(engine))
        with reading(engine) as connection:
            row = connection.execute(select(study)).one()
    assert found >= {uid(f"1.1.1.{line.split()[0]}") for line in acknowledged}
    assert len(found) <= len(acknowledged) + 1  # one may have been taken and not yet told
    assert (row.newest, row.collecting) == (1, 1)


def test_of_workers_that_race_for_one_piece_of_work_one_wins(url):
    with opened(url) as engine:
        IndexNode(engine=engine, clock=FakeClock(), queue=FakeQueue()).complete_study()
    with ExitStack() as stack:
        workers = [stack.enter_context(program("claim", url, "1", f"worker-{n}")) for n in range(3)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"

        for worker in workers:
            start(worker)
        answers = [line for worker in workers for line in lines(worker)]

    assert sorted(answers) == ["lease 1", *["no: another worker holds the work"] * 2]


def start(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def test_an_index_that_was_pending_is_still_pending_for_the_next_process(url):
    clock = FakeClock()
    with opened(url) as engine:
        before = IndexNode(engine=engine, clock=clock, queue=FakeQueue(), holder="before")
        before.complete_study("1", "1.1")
        before.next_lease("lost")
        before.receive(study="2", series="2.1")

    with opened(url) as engine:
        after = IndexNode(engine=engine, clock=clock, queue=FakeQueue(), holder="after")
        first, second = after.sweep(61), after.sweep(10)

    assert (first.closed, first.taken_back) == (1, 1)
    assert first.queued + second.queued == 2
