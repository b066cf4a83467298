"""A worker application for tests: real queues, real leases, and stages that only say that they ran.

`celery -A tests.integration.gpu_worker worker` reads the folder from `OSTEONODE_TEST_FOLDER` and the broker from
`OSTEONODE_TEST_BROKER`. A stage appends `WORK_ID TOKEN PID` to `ran`, waits while the file `hold` exists, and fails
where the file `fail` exists.
"""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

from celery.signals import celeryd_after_setup, worker_process_init
from sqlalchemy import Engine, insert

from node.domain.errors import InputRejected
from node.domain.ports import SystemClock
from node.domain.pseudonym import Pseudonymizer
from node.domain.state import RevisionState
from node.domain.study import Priority
from node.domain.work import CT_BONE, Lease, Pool, Stage, StageOutcome
from node.queueing import celery_app, stage_task
from node.running import LeaseRunner
from node.store.engine import open_engine, writing
from node.store.enqueuing import Enqueuer, QueuePolicy
from node.store.ledger import LedgerPolicy, SqlWorkLedger
from node.store.schema import revision, study
from node.store.upgrade import upgrade
from node.store.work_table import NewWork, add_work
from tests.builders.index import FakeQueue, uid
from workers.process import end_politely, serve_begun_studies

PSEUDONYMS = Pseudonymizer(b"the key of this test")
LEASE_S = 3.0


def new_index(folder: Path) -> Engine:
    """An empty index in the folder."""
    engine = open_engine(f"sqlite:///{folder / 'index.sqlite'}")
    upgrade(engine)
    return engine


def add_study(engine: Engine, number: int, priority: Priority = Priority.ROUTINE) -> None:
    """A closed study whose series is to be segmented; the n-th one added has work n."""
    now = SystemClock().now()
    with writing(engine) as connection:
        connection.execute(insert(study).values(study_uid=uid(number), newest=1))
        row = {"study_uid": uid(number), "number": 1, "state": RevisionState.COMPLETE, "priority": priority}
        connection.execute(insert(revision).values(**row, opened_at=now, closed_at=now))
        work = {"study_uid": uid(number), "revision": 1, "pipeline": CT_BONE, "series_uid": uid(f"{number}.1")}
        add_work(connection, NewWork(**work, stage=Stage.SEGMENT, priority=priority), now=now)


def ledger(engine: Engine) -> SqlWorkLedger:
    """The index as a worker sees it; what follows is not queued."""
    enqueuer = Enqueuer(engine, FakeQueue(), QueuePolicy(), destinations=())
    return SqlWorkLedger(engine, SystemClock(), enqueuer=enqueuer, policy=LedgerPolicy(lease_s=LEASE_S))


def folder() -> Path:
    """Where this worker writes."""
    return Path(os.environ["OSTEONODE_TEST_FOLDER"])


@cache
def runner() -> LeaseRunner:
    """This process's door."""
    engine = open_engine(f"sqlite:///{folder() / 'index.sqlite'}")
    return LeaseRunner(ledger(engine), f"test-{os.getpid()}", pseudonyms=PSEUDONYMS)


def stage(lease: Lease) -> StageOutcome:
    """Say that it ran, wait to be let go, and fail where that is wanted."""
    with (folder() / "ran").open("a") as ran:
        ran.write(f"{lease.item.work_id} {lease.token} {os.getpid()}\n")
    while (folder() / "hold").exists():
        time.sleep(0.02)
    if (folder() / "fail").exists():
        raise InputRejected("the test says so")
    return StageOutcome(assessable=True)


def run(work_id: int) -> str:
    """Body of both tasks."""
    return runner().run(work_id, stage)


celeryd_after_setup.connect(serve_begun_studies, weak=False)
worker_process_init.connect(end_politely, weak=False)

app = celery_app("test", os.environ.get("OSTEONODE_TEST_BROKER", "redis://127.0.0.1:1"), pool=Pool.GPU)
app.conf.worker_soft_shutdown_timeout = 1.0
stage_task(app, Stage.SEGMENT, run)
stage_task(app, Stage.SCREEN_BMD, run)
