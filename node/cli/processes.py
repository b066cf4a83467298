"""`osteonode up`, `listen` and `sweep`: the processes of the node."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from node.child_process import ChildSpec, Need
from node.cli.reachable import something_listens
from node.cli.start_report import StartReport, forget_starts
from node.domain.errors import ConfigurationError
from node.domain.study import Priority
from node.observe.logging import configure_logging
from node.private_redis import private_redis
from node.queueing import ENCODE_QUEUE, delivery_queue, gpu_queue
from node.settings import Settings, load_settings
from node.supervisor import Supervisor
from node.wiring import listener_ready_file, prepare, run_listener, run_sweeper
from node.worker_ready import READY_FILE_VARIABLE

#: A worker checks its device and its network before it takes work (`workers.check`).
WORKER_READY_WITHIN_S = 180.0
#: Only shows what the others do.
FLOWER = "flower"


def up() -> None:
    """Run the whole node on this machine: Redis, listener, sweeper, Celery workers, flower."""
    settings = load_settings()
    console = Console(stderr=True)
    with only_one(settings.home):
        configure_logging(settings.log_level, settings.home / "logs" / "up.log")
        prepare(settings)
        _forget_readiness(settings)
        specs = processes(settings)
        report = StartReport(settings.home, (spec.name for spec in specs), _where(settings), console)
        supervisor = Supervisor(specs, settings.home / "logs", report)
        _stop_on_signal(supervisor.stop)
        try:
            supervisor.run()
        finally:
            forget_starts(settings.home)


def listen() -> None:
    """Receive images by C-STORE."""
    settings = load_settings()
    configure_logging(settings.log_level)
    run_listener(settings)


def sweep() -> None:
    """Find complete studies, lost work and due retries."""
    settings = load_settings()
    configure_logging(settings.log_level)
    stop = threading.Event()
    _stop_on_signal(stop.set)
    run_sweeper(settings, stop)


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home's lock: two nodes on one home would sweep and listen against each other.

    Raises
    ------
    ConfigurationError
        Where another `osteonode up` holds it.
    """
    (home / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"another `osteonode up` runs on {home}; stop it, or choose another home"
            ) from error
        yield


def processes(settings: Settings) -> tuple[ChildSpec, ...]:
    """What `osteonode up` runs: `tasks` encodes, and each destination has a worker of its own."""
    python = sys.executable
    specs = []
    if not settings.broker.url:
        specs.append(private_redis(settings.redis_socket, settings.home / "redis"))
    listening = listener_ready_file(settings)
    specs.append(
        ChildSpec(
            name="listen",
            command=(python, "-m", "node", "listen"),
            need=Need.RECEPTION,
            before_start=partial(listening.unlink, missing_ok=True),
            ready=listening.exists,
        )
    )
    specs.append(ChildSpec(name="sweep", command=(python, "-m", "node", "sweep"), need=Need.RECEPTION))
    gpu_queues = ",".join(gpu_queue(priority) for priority in Priority)
    specs.append(_celery("gpu", "workers.app", queues=gpu_queues, home=settings.home))
    specs.append(_celery("tasks", "node.tasks", queues=ENCODE_QUEUE, home=settings.home))
    for destination in settings.destinations:
        queue = delivery_queue(destination.name)
        specs.append(_celery(f"deliver-{destination.name}", "node.tasks", queues=queue, home=settings.home))
    if settings.flower.enabled:
        specs.append(_flower(settings))
    return tuple(specs)


def _celery(name: str, application: str, *, queues: str, home: Path) -> ChildSpec:
    """A worker that does one task at a time."""
    options = ("-Q", queues, "-c", "1", "-n", f"{name}@%h", "--without-mingle", "--without-gossip")
    ready = _worker_ready_folder(home) / name
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", "celery", "-A", application, "worker", "--loglevel", "WARNING", *options),
        need=Need.WORK,
        environment={
            # Celery's soft shutdown: a task that does not end in time hands its work back instead of being killed
            "REMAP_SIGTERM": "SIGQUIT",
            READY_FILE_VARIABLE: str(ready.resolve()),
        },
        before_start=partial(ready.unlink, missing_ok=True),
        ready=ready.exists,
        ready_within_s=WORKER_READY_WITHIN_S,
    )


def _worker_ready_folder(home: Path) -> Path:
    """Holds a file for each Celery worker that has started."""
    return home / "ready"


def _forget_readiness(settings: Settings) -> None:
    """Remove what an earlier run said of its processes."""
    listener_ready_file(settings).unlink(missing_ok=True)
    forget_starts(settings.home)
    shutil.rmtree(_worker_ready_folder(settings.home), ignore_errors=True)
    _worker_ready_folder(settings.home).mkdir(mode=0o700)


#: Of the task list: `kwargs` names the study by its pseudonym, `routing_key` is the queue, `result` the outcome.
_FLOWER_COLUMNS = "name,kwargs,routing_key,state,result,received,runtime,worker"


def _flower(settings: Settings) -> ChildSpec:
    history = ("--persistent=True", f"--db={settings.home / 'flower.db'}")
    options = (
        f"--address={settings.flower.host}",
        f"--port={settings.flower.port}",
        f"--tasks_columns={_FLOWER_COLUMNS}",
        *history,
    )
    return ChildSpec(
        name=FLOWER,
        command=(sys.executable, "-m", "celery", "-A", "node.tasks", "flower", *options),
        need=Need.WORK,
        before_start=lambda: _refuse_taken_port(settings.flower.host, settings.flower.port),
        ready=lambda: something_listens(settings.flower.host, settings.flower.port),
    )


def _refuse_taken_port(host: str, port: int) -> None:
    """Raise where another program would be taken for flower."""
    if something_listens(host, port):
        raise ConfigurationError(f"another program listens on {host}:{port}; choose another flower.port")


def _where(settings: Settings) -> str:
    lines = [f"{settings.ae_title} listens on {settings.listen.host}:{settings.listen.port}"]
    if settings.flower.enabled:
        lines.append(f"flower: http://{settings.flower.host}:{settings.flower.port}")
    lines.append(f"logs: {settings.home / 'logs'}; Ctrl-C stops the node")
    return "\n".join(lines)


def _stop_on_signal(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
