"""Real Celery workers on a real Redis: order, fencing, refusal of anything but JSON, lost workers."""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis as redis_client
from celery import Celery
from sqlalchemy import Engine, select

from node.domain.state import WorkState
from node.domain.study import Priority
from node.domain.work import CT_BONE, Stage, WorkItem
from node.queue_order import PASSED_OVER_AT_MOST
from node.queueing import CeleryQueue, celery_app
from node.store.engine import reading
from node.store.schema import work
from tests.builders.index import uid
from tests.integration.gpu_worker import LEASE_S, PSEUDONYMS, add_study, ledger, new_index
from tests.peers import PROJECT, RedisServer, running, wait_until

QUEUES = "gpu.urgent,gpu.routine,gpu.backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A broker, an index, and a folder in which workers say what they did."""

    broker: RedisServer
    engine: Engine
    folder: Path

    @property
    def hold(self) -> Path:
        """While this exists stages wait."""
        return self.folder / "hold"

    @property
    def queue(self) -> CeleryQueue:
        """What the node sends with."""
        return CeleryQueue(celery_app("sender", self.broker.broker_url), PSEUDONYMS)

    def client(self) -> redis_client.Redis:
        """A plain connection to the broker."""
        return redis_client.Redis(unix_socket_path=str(self.broker.socket))

    def ran(self) -> list[tuple[int, int, int]]:
        """Work, token and process of every stage that ran, in order."""
        file = self.folder / "ran"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(map(int, line.split())) for line in lines if line]

    def works(self) -> list[int]:
        """The work that ran, in order."""
        return [work_id for work_id, _, _ in self.ran()]

    def state(self, work_id: int) -> WorkState:
        """What the index says of a piece of work."""
        with reading(self.engine) as connection:
            return connection.execute(select(work.c.state).where(work.c.work_id == work_id)).scalar_one()

    def add(self, number: int, priority: Priority = Priority.ROUTINE) -> WorkItem:
        """A study in the index and its work, not yet sent."""
        add_study(self.engine, number, priority)
        return item(number, priority)

    @contextlib.contextmanager
    def worker(self, **environment: str) -> Iterator[int]:
        """A running worker with one child; gives its process id once it takes messages."""
        command = [sys.executable, "-m", "celery", "-A", "tests.integration.gpu_worker", "worker", "-Q", QUEUES]
        command += ["-c", "1", "--loglevel", "INFO", "--without-mingle", "--without-gossip"]
        environment |= {
            "OSTEONODE_TEST_FOLDER": str(self.folder),
            "OSTEONODE_TEST_BROKER": self.broker.broker_url,
            "PYTHONPATH": str(PROJECT),
        }
        log = self.folder / "worker.log"
        with running(command, log=log, env=os.environ | environment) as process:
            wait_until(
                lambda: log.exists() and b" ready." in log.read_bytes(), f"the worker to start; its log is {log}"
            )
            yield process.pid


def item(number: int, priority: Priority = Priority.ROUTINE, stage: Stage = Stage.SEGMENT) -> WorkItem:
    return WorkItem(
        work_id=number,
        study_uid=uid(number),
        revision=1,
        pipeline=CT_BONE,
        stage=stage,
        priority=priority,
        series_uid=uid(f"{number}.1"),
    )


@pytest.fixture
def bench(redis: RedisServer, tmp_path: Path) -> Iterator[Bench]:
    engine = new_index(tmp_path)
    yield Bench(broker=redis, engine=engine, folder=tmp_path)
    engine.dispose()


def test_urgent_goes_before_routine_before_backfill_and_begun_studies_first(bench):
    order = [Priority.BACKFILL, Priority.ROUTINE, Priority.URGENT, Priority.BACKFILL, Priority.ROUTINE, Priority.URGENT]
    for number, priority in enumerate(order, 1):
        bench.queue.send(bench.add(number, priority))
    bench.add(7)
    bench.queue.send(item(7, Priority.ROUTINE, Stage.SCREEN_BMD))  # a later stage goes into the queue of begun studies

    with bench.worker():
        wait_until(lambda: len(bench.ran()) == 7, "all work to be done")

    assert bench.works() == [3, 6, 7, 2, 5, 1, 4]


def test_what_becomes_urgent_while_a_worker_is_busy_is_next(bench):
    bench.hold.touch()
    routine = [bench.add(number) for number in range(1, 4)]
    urgent = bench.add(4, Priority.URGENT)

    with bench.worker():
        for each in routine:
            bench.queue.send(each)
        wait_until(lambda: len(bench.ran()) == 1, "the first work to begin")
        bench.queue.send(urgent)
        bench.hold.unlink()
        wait_until(lambda: len(bench.ran()) == 4, "all work to be done")

    assert bench.works() == [1, 4, 2, 3]


def test_backfill_is_served_once_in_so_many_urgent_messages(bench):
    bench.queue.send(bench.add(1, Priority.BACKFILL))
    for number in range(2, PASSED_OVER_AT_MOST + 12):
        bench.queue.send(bench.add(number, Priority.URGENT))

    with bench.worker():
        wait_until(lambda: len(bench.ran()) == PASSED_OVER_AT_MOST + 11, "all work to be done")

    assert bench.works().index(1) == PASSED_OVER_AT_MOST


def test_a_message_holds_the_work_and_a_pseudonym_and_nothing_else(bench):
    bench.queue.send(item(41))

    (message,) = bench.client().lrange("gpu.routine", 0, -1)

    headers = json.loads(message)["headers"]
    assert headers["task"] == "osteonode.segment"
    assert headers["kwargsrepr"] == f"{{'work_id': 41, 'study': '{PSEUDONYMS.of(uid(41))}'}}"
    assert uid(41).encode() not in message


def test_a_pickled_message_is_refused_and_the_worker_goes_on(bench):
    attacker = Celery("attacker", broker=bench.broker.broker_url)
    trap = bench.folder / "executed"

    class Trap:
        def __reduce__(self):
            return Path.touch, (trap,)

    attacker.send_task(
        "osteonode.segment", kwargs={"work_id": Trap(), "study": "x"}, queue="gpu.routine", serializer="pickle"
    )
    bench.queue.send(bench.add(1))

    with bench.worker():
        wait_until(lambda: bench.works() == [1], "the JSON message to be done")

    assert not trap.exists()
    assert "ContentDisallowed" in (bench.folder / "worker.log").read_text()


def test_a_message_that_comes_three_times_is_done_once(bench):
    bench.hold.touch()
    only = bench.add(1)
    bench.queue.send(only)
    bench.queue.send(only)

    with bench.worker(), bench.worker():
        wait_until(lambda: bench.works() == [1], "the work to begin")
        bench.hold.unlink()
        wait_until(lambda: bench.state(1) is WorkState.DONE, "the work to be done")
        bench.queue.send(only)
        wait_until(lambda: not bench.client().llen("gpu.routine"), "the last message to be taken")
        wait_until(lambda: not bench.client().hlen("unacked"), "the last message to be acknowledged")

    assert bench.works() == [1]


def test_a_killed_child_leaves_its_work_to_the_index(bench):
    bench.hold.touch()
    lost, other = bench.add(1), bench.add(2)
    bench.queue.send(lost)

    with bench.worker():
        wait_until(lambda: bench.works() == [1], "the work to begin")
        os.kill(bench.ran()[0][2], signal.SIGKILL)
        wait_until(lambda: not bench.client().hlen("unacked"), "the message to be settled")
        bench.hold.unlink()
        bench.queue.send(other)
        wait_until(lambda: bench.works() == [1, 2], "a new child to do other work")

    assert bench.state(1) is WorkState.RUNNING  # until its lease ends; Celery did not try again
    assert not bench.client().llen("gpu.routine")


def test_a_lease_lives_as_long_as_its_worker(bench):
    bench.hold.touch()
    bench.queue.send(bench.add(1))

    with bench.worker():
        wait_until(lambda: bench.works() == [1], "the work to begin")
        time.sleep(LEASE_S * 1.3)
        bench.hold.unlink()
        wait_until(lambda: bench.state(1) is WorkState.DONE, "the work to be done")


def test_a_worker_that_is_stopped_hands_its_work_back(bench):
    bench.hold.touch()
    bench.queue.send(bench.add(1))

    with bench.worker(REMAP_SIGTERM="SIGQUIT") as pid:
        wait_until(lambda: bench.works() == [1], "the work to begin")
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: bench.state(1) is WorkState.READY, "the work to be handed back")


def test_a_wiped_broker_takes_messages_again(bench):
    bench.queue.send(bench.add(1))

    with bench.worker():
        wait_until(lambda: bench.works() == [1], "the work to be done")
        bench.client().flushall()
        bench.queue.send(bench.add(2))
        wait_until(lambda: bench.works() == [1, 2], "the work after the wipe to be done")


@contextlib.contextmanager
def monitored(bench: Bench) -> Iterator[dict[str, dict]]:
    """What a monitor hears meanwhile: the last event of each type."""
    seen: dict[str, dict] = {}
    listening, enough = threading.Event(), threading.Event()

    def listen() -> None:
        app = celery_app("monitor", bench.broker.broker_url)
        with app.connection() as connection:
            receiver = app.events.Receiver(
                connection, handlers={"*": lambda event: seen.update({event["type"]: event})}
            )
            listening.set()
            while not enough.is_set():
                with contextlib.suppress(TimeoutError):
                    receiver.capture(limit=None, timeout=1, wakeup=False)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    listening.wait(10)
    try:
        yield seen
    finally:
        enough.set()
        thread.join(20)


def test_a_monitor_finds_a_studys_task_its_queue_time_and_outcome(bench):
    with monitored(bench) as seen, bench.worker():
        bench.queue.send(bench.add(1))
        wait_until(lambda: "task-succeeded" in seen, "the monitor to hear of the end")

    assert PSEUDONYMS.of(uid(1)) in seen["task-received"]["kwargs"]
    assert seen["task-sent"]["queue"] == "gpu.routine"
    assert seen["task-succeeded"]["result"] == "'done'"
    assert seen["task-succeeded"]["runtime"] >= 0


def test_failed_work_is_a_failed_task_that_does_not_come_again(bench):
    (bench.folder / "fail").touch()

    with monitored(bench) as seen, bench.worker():
        bench.queue.send(bench.add(1))
        wait_until(lambda: "task-failed" in seen, "the monitor to hear of the failure")
        (bench.folder / "fail").unlink()
        bench.queue.send(bench.add(2))  # after a message that came again this one would be done later
        wait_until(lambda: bench.state(2) is WorkState.DONE, "the next work to be done")
        wait_until(lambda: not bench.client().hlen("unacked"), "both messages to be acknowledged")
        left = bench.client().llen("gpu.routine")

    assert bench.works() == [1, 2]
    assert bench.state(1) is WorkState.DEAD
    assert left == 0
    assert "WorkFailed" in seen["task-failed"]["exception"]
    assert "task-retried" not in seen
    assert uid(1) not in str(seen["task-failed"])


def test_the_index_decides_who_works_not_the_messages(bench):
    bench.add(1)
    mine = ledger(bench.engine).claim(1, worker="me")
    bench.queue.send(item(1))

    with bench.worker():
        wait_until(lambda: "not-claimed" in (bench.folder / "worker.log").read_text(), "the worker to refuse")

    assert bench.ran() == []
    ledger(bench.engine).heartbeat(mine)  # still mine
