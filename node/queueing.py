"""What all processes share of Celery: names of queues, the application's configuration, tasks, and sending.

A message carries the identifier of a piece of work and the study's pseudonym, as JSON. The index owns retries: a task
tries once, and a message that is lost or comes twice does no harm, since the lease decides who works.
"""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery
from kombu.exceptions import KombuError

from node.domain.errors import NodeError, TransientFailure
from node.domain.pseudonym import Pseudonymizer
from node.domain.study import Priority
from node.domain.work import LONGEST_TIME_LIMIT_S, STAGES, Pool, Stage, WorkItem
from node.queue_order import BEGUN, GPU_QUEUES, StrictOrder
from node.running import FAILED
from node.worker_ready import announce_when_ready

__all__ = [
    "ENCODE_QUEUE",
    "GPU_QUEUES",
    "CeleryQueue",
    "WorkFailed",
    "celery_app",
    "delivery_queue",
    "gpu_queue",
    "queue_of",
    "stage_task",
]

#: The soft limit ends a task in time for it to report the failure; the hard limit then kills its process.
SOFT_BEFORE_HARD_S = 30.0
#: A message taken but not acknowledged goes back to its queue after this long. Longer than any task may run, so that
#: only a message whose worker is gone comes back.
VISIBILITY_TIMEOUT_S = LONGEST_TIME_LIMIT_S + 600.0
#: A broker that does not answer within these times counts as unreachable.
CONNECT_TIMEOUT_S = 2.0
SOCKET_TIMEOUT_S = 5.0
#: On SIGQUIT a task may run on for this long before its process is told to stop.
SOFT_SHUTDOWN_S = 10.0

ENCODE_QUEUE = "encode"

#: Priorities of kombu's Redis transport: 0 is served first, over all queues of a worker. The GPU pool has queues of
#: its own for each priority and leaves this at 0.
_MESSAGE_PRIORITY = {Priority.URGENT: 0, Priority.ROUTINE: 3, Priority.BACKFILL: 6}


def gpu_queue(priority: Priority, *, begun: bool = False) -> str:
    """The queue of the GPU workers; `begun` for the later stages of a study."""
    return f"gpu.{priority}{BEGUN if begun else ''}"


def delivery_queue(destination: str) -> str:
    """The queue of a destination: each has its own, and a worker of its own, so that a slow one delays no other."""
    return f"deliver.{destination}"


class WorkFailed(NodeError):
    """How a task ends in the task list whose work failed; the index knows by then, and decides what comes next."""


def queue_of(item: WorkItem) -> str:
    """The queue that a piece of work goes into."""
    spec = STAGES[item.stage]
    if spec.pool is Pool.GPU:
        return gpu_queue(item.priority, begun=bool(spec.after))
    if spec.pool is Pool.ENCODE:
        return ENCODE_QUEUE
    return delivery_queue(str(item.destination))


def celery_app(name: str, broker_url: str, *, pool: Pool | None = None) -> Celery:
    """A Celery application with the configuration that all of the node's processes share.

    Parameters
    ----------
    broker_url
        `redis://`, `rediss://`, or `redis+socket:///path` for a Unix socket.
    pool
        Whose queues the workers of this application consume; `None` for a process that only sends. The GPU pool serves
        its queues in strict order. The others serve messages by priority, and queues of equal priority in turn.
    """
    if pool is not None:
        announce_when_ready()
    app = Celery(name, broker=broker_url, set_as_current=pool is not None)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        event_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        # acknowledged late, so that a worker holds one message at a time; never given back by Celery: the index does it
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_acks_on_failure_or_timeout=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_soft_shutdown_timeout=SOFT_SHUTDOWN_S,
        worker_hijack_root_logger=False,
        worker_send_task_events=True,
        task_send_sent_event=True,
        broker_connection_timeout=CONNECT_TIMEOUT_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(pool),
        enable_utc=True,
        timezone="UTC",
    )
    return app


def stage_task(app: Celery, stage: Stage, run: Callable[[int], str]) -> None:
    """Register the task of a stage; `run` takes the work's identifier and returns a word for the task list.

    Failed work ends its task as failed, for whoever looks at the task list. Its message is acknowledged all the same.
    """
    spec = STAGES[stage]

    @app.task(
        name=spec.task,
        max_retries=0,
        time_limit=spec.time_limit_s,
        soft_time_limit=spec.time_limit_s - SOFT_BEFORE_HARD_S,
        shared=False,
        throws=(WorkFailed,),  # expected: Celery logs one line, since the trace of the cause was logged before
    )
    def task(*, work_id: int, study: str) -> str:
        # `study` is not for us: flower finds a study's tasks by it
        word = run(work_id)
        if word == FAILED:
            raise WorkFailed(f"work {work_id} failed; `osteonode why` and the log of its worker say why")
        return word


class CeleryQueue:
    """The work queue of the core, on Celery."""

    def __init__(self, app: Celery, pseudonyms: Pseudonymizer) -> None:
        self._app = app
        self._pseudonyms = pseudonyms

    def send(self, item: WorkItem) -> None:
        """Put one message for a piece of work into its queue; tried once, within seconds.

        Raises
        ------
        TransientFailure
            Where the broker does not take it.
        """
        spec = STAGES[item.stage]
        queue = queue_of(item)
        try:
            self._app.send_task(
                spec.task,
                kwargs={"work_id": item.work_id, "study": self._pseudonyms.of(item.study_uid)},
                queue=queue,
                priority=0 if spec.pool is Pool.GPU else _MESSAGE_PRIORITY[item.priority],
                retry=False,
                ignore_result=True,
            )
        except (KombuError, OSError) as error:
            raise TransientFailure(f"the broker did not take a message for {queue}: {type(error).__name__}") from error


def _transport_options(pool: Pool | None) -> dict[str, object]:
    options: dict[str, object] = {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": SOCKET_TIMEOUT_S,
        # without a bound kombu tries to connect for ever before it publishes
        "max_retries": 1,
        "interval_start": 0.0,
        "interval_step": 0.2,
        "interval_max": 0.2,
        "priority_steps": sorted(_MESSAGE_PRIORITY.values()),
    }
    if pool is Pool.GPU:
        options["queue_order_strategy"] = f"{StrictOrder.__module__}:{StrictOrder.__qualname__}"
    return options
