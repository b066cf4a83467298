"""Celery on the GPU hosts: `celery -A workers.app worker -Q gpu.urgent,gpu.routine,gpu.backfill -c 1`.

The parent process imports no torch and opens no connection but the broker's. Adapters and models belong to the child
that does the work, are made at its first task, and stay until it ends.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from celery.signals import celeryd_after_setup, setup_logging, worker_init, worker_process_init

from node.domain.work import Pool, Stage
from node.observe.logging import configure_logging
from node.queueing import celery_app, stage_task
from node.settings import load_settings
from workers.parts import WorkerParts
from workers.process import end_politely, refuse_to_start_broken, serve_begun_studies

if TYPE_CHECKING:
    from workers.stages import CtBoneStages


@cache
def parts() -> WorkerParts:
    """This process's adapters."""
    from node.wiring import code_version, worker_adapters

    settings = load_settings()
    adapters = worker_adapters(settings)
    return WorkerParts(
        runner=adapters.runner,
        reader=adapters.reader,
        artefacts=adapters.artefacts,
        ledger=adapters.ledger,
        device=settings.workers.device,
        threads=settings.workers.threads,
        networks=settings.workers.networks,
        classifier=settings.workers.second_answer,
        calibrations=settings.calibrated_scanners,
        internal_calibration=settings.density.internal_calibration,
        code_version=code_version(),
        configuration_sha256=settings.analysis_sha256,
    )


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


def picture(work_id: int) -> str:
    """Draw the vertebral bodies that were found."""
    return parts().runner.run(work_id, lambda lease: stages().picture(lease))


def log_as_the_node_does(**_: object) -> None:
    """Keep Celery's own format away."""
    configure_logging(load_settings().log_level)


setup_logging.connect(log_as_the_node_does, weak=False)
worker_init.connect(refuse_to_start_broken, weak=False)
celeryd_after_setup.connect(serve_begun_studies, weak=False)
worker_process_init.connect(end_politely, weak=False)

app = celery_app("osteonode.workers", load_settings().broker_url, pool=Pool.GPU)
stage_task(app, Stage.SEGMENT, segment)
stage_task(app, Stage.SCREEN_BMD, screen_bmd)
stage_task(app, Stage.PICTURE, picture)
