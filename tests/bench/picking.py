"""What it costs to pick the next piece of work among 10, 1,000 and 100,000: `python -m tests.bench.picking`.

Three things are timed on a SQLite index in a file, each as the node does it: the sweeper's look at what is due in a
lane, a worker's claim with everything that it checks (rolled back, so that each try finds the same index), and the look
for lost workers.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine, insert

from node.domain.state import WorkEvent, WorkState
from node.domain.study import Priority
from node.domain.work import CT_BONE, Stage
from node.store.engine import open_engine, reading, writing
from node.store.enqueuing import due, overdue
from node.store.schema import revision, study, work
from node.store.upgrade import upgrade
from node.store.work_table import advance, lane_of, load_work, rows_of
from tests.builders.index import NOON, seconds, uid

SIZES = (10, 1_000, 100_000)
#: As many as make a median stand still on a busy machine.
TRIES = 300
LANE = lane_of(Stage.SEGMENT, None)


class _RolledBack(Exception):
    """Ends a transaction without a trace."""


def fill(engine: Engine, count: int) -> None:
    """Make so many studies, each with one piece of work: half of it ready, half of it queued."""
    uids = [uid(n + 1) for n in range(count)]
    common = {"revision": 1, "pipeline": CT_BONE, "stage": Stage.SEGMENT, "lane": LANE, "priority": Priority.ROUTINE}
    with writing(engine) as connection:
        connection.execute(insert(study), [{"study_uid": each, "newest": 1} for each in uids])
        connection.execute(
            insert(revision),
            [
                {"study_uid": each, "number": 1, "state": "complete", "priority": "routine", "opened_at": NOON}
                for each in uids
            ],
        )
        connection.execute(
            insert(work),
            [
                {
                    "idempotency_key": str(each),
                    "study_uid": each,
                    "state": WorkState.READY if n % 2 == 0 else WorkState.QUEUED,
                    "due_at": NOON + seconds(n / 1000 if n % 2 == 0 else 3600),
                    "timings_s": {},
                    "created_at": NOON,
                    **common,
                }
                for n, each in enumerate(uids)
            ],
        )


def look(engine: Engine) -> None:
    """The next piece of work that is due in a lane."""
    with reading(engine) as connection:
        connection.execute(due(LANE, Priority.ROUTINE, NOON + seconds(1800), limit=1)).scalars().all()


def claim(engine: Engine) -> None:
    """Take the lease of a queued piece of work, up to the commit."""
    try:
        with writing(engine) as connection:
            row = load_work(connection, 2)
            if row is not None:
                advance(connection, row, WorkEvent.CLAIMED, due_at=NOON, token=row.token + 1, attempts=1)
            raise _RolledBack
    except _RolledBack:
        return


def lost(engine: Engine) -> None:
    """Whose lease has ended."""
    with reading(engine) as connection:
        rows_of(connection, overdue(WorkState.RUNNING, NOON, limit=1))


def milliseconds(do: Callable[[Engine], None], engines: Sequence[Engine]) -> list[float]:
    """Median time on each index, ms; tried in turn, so that what else the machine does falls on all of them."""
    taken: list[list[float]] = [[] for _ in engines]
    for _ in range(TRIES):
        for times, engine in zip(taken, engines, strict=True):
            begin = time.perf_counter()
            do(engine)
            times.append(time.perf_counter() - begin)
    return [1000 * statistics.median(times) for times in taken]


def main() -> None:
    """Print the table."""
    names = {"next due in a lane": look, "claim": claim, "lost workers": lost}
    with tempfile.TemporaryDirectory(prefix="picking-") as folder:
        engines = [open_engine(f"sqlite:///{Path(folder) / f'{size}.sqlite'}") for size in SIZES]
        for engine, size in zip(engines, SIZES, strict=True):
            upgrade(engine)
            fill(engine, size)
        table = {name: milliseconds(do, engines) for name, do in names.items()}
        for engine in engines:
            engine.dispose()
    heads = "".join(f" {size:,} |" for size in SIZES)
    sys.stdout.write(f"Median of {TRIES}, ms, by the number of pieces of work in the index.\n\n")
    sys.stdout.write(f"| |{heads} {SIZES[1]:,} : {SIZES[0]} |\n|---|{'---|' * (len(SIZES) + 1)}\n")
    for name, values in table.items():
        cells = "".join(f" {value:.2f} |" for value in values)
        sys.stdout.write(f"| {name} |{cells} {values[1] / values[0]:.2f} |\n")


if __name__ == "__main__":
    main()
