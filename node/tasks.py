"""The light Celery tasks, for workers that serve the queue `encode` or that of one destination, one task at a time.

A worker of its own for each destination: while one waits for a PACS that does not answer, the others go on.
"""

from __future__ import annotations

import importlib
import signal
import sys
from functools import cache
from typing import TYPE_CHECKING

from celery.signals import setup_logging, worker_init, worker_process_init, worker_process_shutdown

from node.domain.work import Pool, Stage
from node.observe.logging import configure_logging
from node.queueing import celery_app, stage_task
from node.settings import load_settings
from node.wiring import node_task_parts

if TYPE_CHECKING:
    from node.task_parts import NodeTaskParts

#: Loaded before the processes that work are forked, so that they share it and no study waits for it.
LOADED_AHEAD = ("node.encode_stage", "node.dispatch.deliver")


@cache
def parts() -> NodeTaskParts:
    """This process's parts, built at its first task: connections must not be made before the process is forked."""
    return node_task_parts(load_settings())


def encode(work_id: int) -> str:
    """Make the DICOM objects of an analysis."""
    return parts().runner.run(work_id, parts().encoding.encode)


def encode_picture(work_id: int) -> str:
    """Make the DICOM object of a picture."""
    return parts().runner.run(work_id, parts().encoding.encode_picture)


def deliver(work_id: int) -> str:
    """Send one object to one destination."""
    return parts().runner.run(work_id, parts().delivery.deliver)


def load_ahead(**_: object) -> None:
    """Import in the parent process what every task needs."""
    for module in LOADED_AHEAD:
        importlib.import_module(module)


def end_politely(**_: object) -> None:
    """Let a process that is told to stop report its work as failed for now, instead of leaving its lease to expire."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def close(**_: object) -> None:
    """Release the associations of this process, if it has any."""
    if parts.cache_info().currsize:
        parts().associations.close()


def log_as_the_node_does(**_: object) -> None:
    """Keep Celery's own format away."""
    configure_logging(load_settings().log_level)


setup_logging.connect(log_as_the_node_does, weak=False)
worker_init.connect(load_ahead, weak=False)
worker_process_init.connect(end_politely, weak=False)
worker_process_shutdown.connect(close, weak=False)

app = celery_app("osteonode", load_settings().broker_url, pool=Pool.ENCODE)
stage_task(app, Stage.ENCODE, encode)
stage_task(app, Stage.ENCODE_PICTURE, encode_picture)
stage_task(app, Stage.DELIVER, deliver)
stage_task(app, Stage.DELIVER_PICTURE, deliver)
