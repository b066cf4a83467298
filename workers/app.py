"""Celery on the GPU hosts: `celery -A workers.app worker -Q gpu.urgent,gpu.routine,gpu.backfill -c 1`.

The parent process imports no torch and opens no connection but the broker's. Adapters and models belong to the child
that does the work, are made at its first task, and stay until it ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from celery.signals import celeryd_after_setup, setup_logging, worker_init, worker_process_init

from node.domain.work import Pool, Stage
from node.observe.logging import configure_logging
from node.queue_order import BEGUN, GPU_QUEUES
from node.queueing import celery_app, stage_task
from node.settings import load_settings
from workers.parts import WorkerParts

if TYPE_CHECKING:
    from workers.stages import CtBoneStages

#: Importing torch and loading a network takes seconds; this long means that it hangs.
CHECK_WITHIN_S = 180.0


@cache
def parts() -> WorkerParts:
    """This process's adapters."""
    from node.wiring import worker_parts

    return worker_parts(load_settings())


@cache
def stages() -> CtBoneStages:
    """This process's stages, with the model that they keep."""
    from workers.stages import CtBoneStages

    return CtBoneStages(parts())


def segment(work_id: int) -> str:
    """Find the vertebral bodies of a series."""
    return parts().runner.run(work_id, lambda lease: stages().segment(lease))


def screen_bmd(work_id: int) -> str:
    """Measure the vertebral bodies that were found."""
    return parts().runner.run(work_id, lambda lease: stages().screen_bmd(lease))


@setup_logging.connect(weak=False)
def log_as_the_node_does(**_: object) -> None:
    """Keep Celery's own format away."""
    configure_logging(load_settings().log_level)


@worker_init.connect(weak=False)
def refuse_to_start_broken(**_: object) -> None:
    """End at once where the device or the model does not work: this worker would fail every study for good."""
    checked = subprocess.run(
        [sys.executable, "-m", "workers.check"],
        capture_output=True,
        text=True,
        timeout=CHECK_WITHIN_S,
        check=False,
    )
    if checked.returncode != 0:
        raise SystemExit(f"this worker cannot work: {checked.stderr.strip()}")


@celeryd_after_setup.connect(weak=False)
def serve_begun_studies(instance: Any, **_: object) -> None:
    """Consume, for every queue that was asked for, also the queue of studies already begun."""
    queues = instance.app.amqp.queues
    for name in list(queues.consume_from):
        if name in GPU_QUEUES and not name.endswith(BEGUN):
            queues.select_add(f"{name}{BEGUN}")


@worker_process_init.connect(weak=False)
def end_politely(**_: object) -> None:
    """Let a child that is told to stop report its work as failed for now, instead of leaving its lease to expire."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


app = celery_app("osteonode.workers", load_settings().broker_url, pool=Pool.GPU)
stage_task(app, Stage.SEGMENT, segment)
stage_task(app, Stage.SCREEN_BMD, screen_bmd)
