"""How a Celery worker tells who started it that it consumes messages: by a file."""

from __future__ import annotations

import os
from pathlib import Path

from celery.signals import worker_ready

#: The environment variable that names the file; a worker that has none tells nobody.
READY_FILE_VARIABLE = "OSTEONODE_READY_FILE"


def announce_when_ready() -> None:
    """Have this process, where it is a worker, write its file once its consumer is connected and its pool runs."""
    worker_ready.connect(_announce, weak=False, dispatch_uid="osteonode-ready-file")


def _announce(**_: object) -> None:
    named = os.environ.get(READY_FILE_VARIABLE)
    if named:
        Path(named).write_text(f"{os.getpid()}\n")
