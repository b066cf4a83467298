"""What a GPU worker does beside tasks: checks itself at the start, serves begun studies, ends politely."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

from node.queue_order import BEGUN, GPU_QUEUES

#: Importing torch and loading a network takes seconds; this long means that it hangs.
CHECK_WITHIN_S = 180.0


def refuse_to_start_broken(**_: object) -> None:
    """End at once where the device or the model does not work: such a worker would fail every study for good.

    Asks a process of its own (`workers.check`), because this one, which children are forked from, must not load torch.
    """
    checked = subprocess.run(
        [sys.executable, "-m", "workers.check"],
        capture_output=True,
        text=True,
        timeout=CHECK_WITHIN_S,
        check=False,
    )
    if checked.returncode != 0:
        raise SystemExit(f"this worker cannot work: {checked.stderr.strip()}")


def serve_begun_studies(instance: Any, **_: object) -> None:
    """Consume, for every queue that was asked for, also the queue of studies already begun."""
    queues = instance.app.amqp.queues
    for name in list(queues.consume_from):
        if name in GPU_QUEUES and not name.endswith(BEGUN):
            queues.select_add(f"{name}{BEGUN}")


def end_politely(**_: object) -> None:
    """Let a child that is told to stop report its work as failed for now, instead of leaving its lease to expire."""
    signal.signal(signal.SIGTERM, _exit)


def _exit(*_: object) -> None:
    sys.exit(0)
