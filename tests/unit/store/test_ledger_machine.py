"""Whatever happens in whatever order: one live lease at most, no work lost, nothing completed twice."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, event

from node.domain.errors import StaleLease
from node.domain.state import SETTLED, WorkState
from node.domain.work import Failure, Lease, NotClaimed, Stage
from node.store.engine import writing
from node.store.requeueing import Requeuer
from node.store.schema import metadata
from tests.builders.index import FakeClock, FakeQueue
from tests.builders.index_node import LEASE_S, RETRY, IndexNode, outcome_of


class LedgerMachine(RuleBasedStateMachine):
    """Workers that claim, beat, finish, fail or vanish; a broker that is wiped, doubled or down; late slices."""

    leases: Bundle = Bundle("leases")
    engine: Engine  # one for all examples: its statements are compiled once

    @initialize()
    def begin(self) -> None:
        with writing(self.engine) as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        self.node = IndexNode(engine=self.engine, clock=FakeClock(), queue=FakeQueue())
        self.completed: dict[int, int] = {}
        self.newest: dict[int, Lease] = {}
        self.slices = 12
        self.node.receive(range(12), slice_mm=6.0)
        self.node.sweep(61)

    @rule(target=leases, place=st.integers(0, 3), worker=st.sampled_from(["a", "b"]))
    def claim(self, place: int, worker: str) -> Lease | None:
        if not self.node.queue.messages:
            return None
        item = self.node.queue.messages.pop(place % len(self.node.queue.messages))
        return self._claim(item.work_id, worker)

    @rule(target=leases, place=st.integers(0, 9), worker=st.sampled_from(["a", "b"]))
    def claim_by_an_old_message(self, place: int, worker: str) -> Lease | None:
        rows = self.node.work()
        return self._claim(rows[place % len(rows)].item.work_id, worker)

    @rule(target=leases, lease=leases)
    def another_worker_takes_over(self, lease: Lease | None) -> Lease | None:
        if lease is None:
            return None
        self.node.sweep(LEASE_S)
        self.node.sweep(RETRY.longest_delay_s)
        return self._claim(lease.item.work_id, "successor")

    def _claim(self, work_id: int, worker: str) -> Lease | None:
        lease = self.node.ledger.claim(work_id, worker=worker)
        if isinstance(lease, NotClaimed):
            return None
        before = self.newest.get(work_id)
        assert before is None or lease.token > before.token
        self.newest[work_id] = lease
        return lease

    @rule(lease=leases)
    def beat(self, lease: Lease | None) -> None:
        if lease is not None:
            self._try(lease, lambda: self.node.ledger.heartbeat(lease))

    @rule(lease=consumes(leases))
    def finish(self, lease: Lease | None) -> None:
        if lease is not None and self._try(lease, lambda: self.node.ledger.complete(lease, outcome_of(lease))):
            work_id = lease.item.work_id
            self.completed[work_id] = self.completed.get(work_id, 0) + 1

    @rule(lease=leases, permanent=st.booleans())
    def fail(self, lease: Lease | None, permanent: bool) -> None:
        if lease is not None:
            failure = Failure(error="Error", message="it went wrong", permanent=permanent)
            self._try(lease, lambda: self.node.ledger.fail(lease, failure))

    def _try(self, lease: Lease, report) -> bool:
        """Report with a lease; it is taken only from the one who holds the work, and else changes nothing."""
        before = self._row(lease)
        try:
            report()
        except StaleLease:
            assert self._row(lease) == before
            return False
        assert (before.state, before.token) == (WorkState.RUNNING, lease.token)
        assert self.newest[lease.item.work_id].token == lease.token
        return True

    def _row(self, lease: Lease):
        (row,) = self.node.work(work_id=lease.item.work_id)
        return row

    @rule(by_s=st.sampled_from([1, 15, 61, 400]))
    def sweep(self, by_s: int) -> None:
        self.node.sweep(by_s)

    @rule()
    def wipe_the_broker(self) -> None:
        self.node.queue.wipe()

    @rule()
    def double_every_message(self) -> None:
        self.node.queue.messages *= 2
        del self.node.queue.messages[50:]

    @rule(down=st.booleans())
    def break_or_mend_the_broker(self, down: bool) -> None:
        self.node.queue.down = down

    @rule()
    def a_late_slice_arrives(self) -> None:
        if self.slices < 15:
            self.node.receive([self.slices], slice_mm=6.0)
            self.slices += 1

    @rule()
    def requeue(self) -> None:
        Requeuer(self.engine, self.node.enqueuer).everything(now=self.node.now())

    @invariant()
    def nothing_is_completed_twice(self) -> None:
        assert all(times == 1 for times in self.completed.values())

    @invariant()
    def what_is_done_stays_done_and_what_is_not_has_a_deadline(self) -> None:
        rows = {row.item.work_id: row for row in self.node.work()}
        assert all(rows[work_id].state is WorkState.DONE for work_id in self.completed)
        assert all((row.due_at is None) == (row.state in SETTLED) for row in rows.values())

    def teardown(self) -> None:
        """Good workers and a mended broker bring every study to its end."""
        self.node.queue.down = False
        requeuer = Requeuer(self.engine, self.node.enqueuer)
        for _ in range(12):
            self.node.sweep(1201)
            requeuer.everything(now=self.node.now())
            while self.node.queue.messages:
                lease = self._claim(self.node.queue.take().work_id, "good")
                if lease is not None:
                    self.finish(lease)
        newest = max(row.item.revision for row in self.node.work())
        stages = [row.item.stage for row in self.node.work(revision=newest, state=WorkState.DONE)]
        assert stages.count(Stage.SEGMENT) == stages.count(Stage.SCREEN_BMD) == stages.count(Stage.ENCODE) == 1
        assert stages.count(Stage.DELIVER) == 2
        assert set(self.node.states()) <= {WorkState.DONE, WorkState.WITHDRAWN}


def test_no_order_of_events_breaks_the_ledger(engine):
    LedgerMachine.engine = engine
    engine.dispose()
    # no power fails here
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))

    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
