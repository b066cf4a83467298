"""Programs that tests start as processes of their own: they record, claim and complete on one index.

`python tests/integration/index_program.py record URL STUDY FIRST LAST` records slices one by one, forever where LAST is
0, and prints the number of each once the index has taken it. `claim URL WORK_ID WORKER` waits for a line on its
standard input, claims, and prints what it got.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from node.domain.errors import TransientFailure
from node.domain.ports import SystemClock
from node.domain.work import Lease, WorkItem
from node.store.engine import open_engine
from node.store.enqueuing import Enqueuer, QueuePolicy
from node.store.instances import SqlInstanceIndex
from node.store.ledger import LedgerPolicy, SqlWorkLedger
from tests.builders.index import an_instance, ct_facts


class NoBroker:
    """A broker that is away."""

    def send(self, item: WorkItem) -> None:
        """Refuse."""
        raise TransientFailure(f"no broker for {item.work_id}")


def record(url: str, study: str, first: int, last: int) -> None:
    """Record slices of a study, and say so of each."""
    index = SqlInstanceIndex(open_engine(url))
    for k in range(first, last) if last else itertools.count(first):
        (verdict,) = index.record([an_instance(k, study=study, series=f"{study}.1", facts=ct_facts(k))])
        sys.stdout.write(f"{k} {verdict}\n")
        sys.stdout.flush()


def claim(url: str, work_id: int, worker: str) -> None:
    """Claim a piece of work once told to."""
    engine = open_engine(url)
    enqueuer = Enqueuer(engine, NoBroker(), QueuePolicy(), destinations=())
    ledger = SqlWorkLedger(engine, SystemClock(), enqueuer=enqueuer, policy=LedgerPolicy())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    answer = ledger.claim(work_id, worker=worker)
    sys.stdout.write(f"lease {answer.token}\n" if isinstance(answer, Lease) else f"no: {answer.because}\n")


def main(arguments: Sequence[str]) -> None:
    """Do what the command line says."""
    name, url, *rest = arguments
    if name == "record":
        record(url, rest[0], int(rest[1]), int(rest[2]))
    else:
        claim(url, int(rest[0]), rest[1])


if __name__ == "__main__":
    main(sys.argv[1:])
