"""The light Celery tasks: `celery -A node.tasks worker -Q encode,deliver.NAME,...`."""

from __future__ import annotations

from functools import cache

from celery.signals import worker_process_shutdown, worker_shutdown

from node.domain.work import Pool, Stage
from node.queueing import celery_app, stage_task
from node.settings import load_settings
from node.task_parts import NodeTaskParts
from node.wiring import node_task_parts


@cache
def parts() -> NodeTaskParts:
    """This process's parts, built at its first task: connections must not be made before the process is forked."""
    return node_task_parts(load_settings())


def encode(work_id: int) -> str:
    """Make the DICOM objects of an analysis."""
    return parts().runner.run(work_id, parts().encoding.encode)


def deliver(work_id: int) -> str:
    """Send one object to one destination."""
    return parts().runner.run(work_id, parts().delivery.deliver)


def close(**_: object) -> None:
    """Release the associations of this process, if it has any."""
    if parts.cache_info().currsize:
        parts().associations.close()


worker_process_shutdown.connect(close)
worker_shutdown.connect(close)

app = celery_app("osteonode", load_settings().broker_url, pool=Pool.ENCODE)
stage_task(app, Stage.ENCODE, encode)
stage_task(app, Stage.DELIVER, deliver)
