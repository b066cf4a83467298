"""The whole index, put together as the node does it, with a clock and a broker that tests command."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine, select

from node.domain.breaker import BreakerPolicy
from node.domain.completeness import CompletenessPolicy
from node.domain.destination import Destination
from node.domain.identifiers import AETitle, Uid
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.provenance import IntendedUse
from node.domain.pseudonym import Pseudonymizer
from node.domain.retries import RetryPolicy
from node.domain.selection import SelectionRule
from node.domain.state import WorkState
from node.domain.work import CT_BONE, Artefact, Lease, NotClaimed, Stage, StageOutcome
from node.store.breakers import SqlBreakers
from node.store.closing import RevisionCloser
from node.store.engine import reading
from node.store.enqueuing import Enqueuer, QueuePolicy
from node.store.instances import SqlInstanceIndex
from node.store.ledger import LedgerPolicy, SqlWorkLedger
from node.store.lost_workers import LostWorkers
from node.store.outbox import SqlOutbox
from node.store.removed_destinations import RemovedDestinations
from node.store.roles import SWEEPER, Role
from node.store.schema import work
from node.store.sweeper import Sweeper, Swept
from node.store.work_table import WorkRow, rows_of
from tests.builders.index import FakeClock, FakeQueue, ct_instances, digest, uid

PSEUDONYMS = Pseudonymizer(b"a key of sixteen bytes or more")
CT_RULE = SelectionRule(pipeline=CT_BONE, modalities=frozenset({"CT"}))
PACS = Destination(
    name="pacs",
    host="localhost",
    port=4242,
    ae_title=AETitle("PACS"),
    research_results=True,
    not_evaluable_reports=True,
)
ARCHIVE = Destination(name="archive", host="localhost", port=4243, ae_title=AETitle("ARCHIVE"), research_results=True)

LEASE_S = 60.0
MESSAGE_S = 300.0
RETRY = RetryPolicy(attempts=3, first_delay_s=10.0, longest_delay_s=40.0, jitter=0.0, worker_losses=3)
COMPLETENESS = CompletenessPolicy(study_quiet_s=60.0, series_quiet_s=300.0, longest_wait_s=1800.0)


def an_object(name: str, kind: ObjectKind = ObjectKind.SR, *, not_evaluable: bool = False) -> OutgoingObject:
    """An object as `encode` reports it."""
    return OutgoingObject(
        kind=kind,
        sop_class_uid=uid("5"),
        sop_instance_uid=uid(f"9.{int(digest(name)[:6], 16)}"),
        series_uid=uid("9.1"),
        file=f"artefacts/{name}.dcm",
        digest=digest(name),
        intended_use=IntendedUse.RESEARCH,
        not_evaluable=not_evaluable,
    )


@dataclass(kw_only=True)
class IndexNode:
    """All adapters over one engine."""

    engine: Engine
    clock: FakeClock
    queue: FakeQueue
    destinations: tuple[Destination, ...] = (PACS,)
    shadow: bool = False
    rules: tuple[SelectionRule, ...] = (CT_RULE,)
    queue_policy: QueuePolicy = field(default_factory=lambda: QueuePolicy(message_s=MESSAGE_S))
    holder: str = "this"

    def __post_init__(self) -> None:
        retries = dict.fromkeys(Stage, RETRY)
        self.instances = SqlInstanceIndex(self.engine)
        served = () if self.shadow else self.destinations
        self.enqueuer = Enqueuer(
            self.engine, self.queue, self.queue_policy, destinations=[each.name for each in served]
        )
        self.breakers = SqlBreakers(self.engine, self.clock, BreakerPolicy(failures=2, pause_s=30.0, probe_s=120.0))
        self.outbox = SqlOutbox(self.engine)
        self.ledger = SqlWorkLedger(
            self.engine,
            self.clock,
            enqueuer=self.enqueuer,
            policy=LedgerPolicy(lease_s=LEASE_S, retries=retries, destinations=served),
            chance=lambda: 0.0,
        )
        self.closer = RevisionCloser(self.engine, rules=self.rules, completeness=COMPLETENESS, pseudonyms=PSEUDONYMS)
        self.lost_workers = LostWorkers(self.engine, retries=retries, pseudonyms=PSEUDONYMS, chance=lambda: 0.0)
        self.sweeper = Sweeper(
            role=Role(self.engine, SWEEPER, holder=self.holder),
            closer=self.closer,
            lost_workers=self.lost_workers,
            removed_destinations=RemovedDestinations(self.engine, configured=[each.name for each in self.destinations]),
            enqueuer=self.enqueuer,
        )

    def now(self) -> datetime.datetime:
        """The time."""
        return self.clock.now()

    def receive(
        self, slices: Sequence[int] = range(40), *, study: str = "1", series: str = "1.1", **facts: object
    ) -> Uid:
        """A series arrives now."""
        self.instances.record(ct_instances(slices, study=study, series=series, at=self.now(), **facts))
        return uid(study)

    def sweep(self, after_s: float = 0.0) -> Swept:
        """Let time pass, then sweep."""
        return self.sweeper.sweep_once(self.clock.advance(after_s))

    def complete_study(self, study: str = "1", series: str = "1.1") -> Uid:
        """A study arrives, and its quiet period passes."""
        study_uid = self.receive(study=study, series=series)
        self.sweep(61)
        return study_uid

    def claim(self, work_id: int, worker: str = "worker") -> Lease:
        """A worker takes the lease, which must be free."""
        lease = self.ledger.claim(work_id, worker=worker)
        if isinstance(lease, NotClaimed):
            pytest.fail(lease.because)
        return lease

    def next_lease(self, worker: str = "worker") -> Lease:
        """A worker takes the oldest message and its lease."""
        return self.claim(self.queue.take().work_id, worker)

    def do_next(self, outcome: StageOutcome | None = None) -> Lease:
        """A worker does the next piece of work."""
        lease = self.next_lease()
        self.ledger.complete(lease, outcome if outcome is not None else outcome_of(lease))
        return lease

    def do_all(self) -> None:
        """Workers do everything that is queued, and what follows from it."""
        while self.queue.messages:
            self.do_next()

    def work(self, **where: object) -> tuple[WorkRow, ...]:
        """All work, in the order in which it was made."""
        query = select(work).order_by(work.c.work_id)
        for column, value in where.items():
            query = query.where(work.c[column] == value)
        with reading(self.engine) as connection:
            return rows_of(connection, query)

    def states(self, **where: object) -> list[WorkState]:
        """The states of all work."""
        return [row.state for row in self.work(**where)]


def outcome_of(lease: Lease) -> StageOutcome:
    """What a stage usually reports."""
    item = lease.item
    if item.stage is Stage.ENCODE:
        name = f"{item.study_uid}-{item.revision}"
        return StageOutcome(
            assessable=True,
            objects=(an_object(f"{name}-seg", ObjectKind.SEG), an_object(f"{name}-sr", ObjectKind.SR)),
            timings_s={"encode": 0.5},
        )
    if item.stage is Stage.DELIVER:
        return StageOutcome(assessable=True, timings_s={"deliver": 0.1})
    name = f"{item.stage}-{lease.token}"
    artefact = Artefact(name=item.stage, file=f"artefacts/{name}", digest=digest(name), size=10)
    return StageOutcome(assessable=True, artefacts=(artefact,), timings_s={"load": 1.0, "segment": 2.0})
