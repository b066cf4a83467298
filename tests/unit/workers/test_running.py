"""Leased work is done once, kept alive, and reported as what it was."""

import datetime
import threading
import time
from dataclasses import replace

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from node.domain.errors import (
    Bug,
    ConfigurationError,
    InputRejected,
    NotAnalysable,
    StaleLease,
    TransientFailure,
)
from node.domain.identifiers import Uid
from node.domain.pseudonym import Pseudonymizer
from node.domain.study import Priority
from node.domain.work import CT_BONE, Failure, Lease, NotClaimed, Stage, StageOutcome, WorkItem
from node.running import LeaseRunner

ITEM = WorkItem(
    work_id=7, study_uid=Uid("1.2.3"), revision=1, pipeline=CT_BONE, stage=Stage.SEGMENT, priority=Priority.ROUTINE
)
OUTCOME = StageOutcome(assessable=True)


class FakeLedger:
    """Remembers what it was told; `lease_s` is how long a lease lasts."""

    def __init__(self, lease_s: float = 60.0) -> None:
        self.lease_s = lease_s
        self.beats = 0
        self.completed: list[StageOutcome] = []
        self.failures: list[Failure] = []
        self.stale = threading.Event()
        self.unreachable = 0

    def _expiry(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.lease_s)

    def claim(self, work_id: int, *, worker: str) -> Lease | NotClaimed:
        return Lease(item=ITEM, token=1, worker=worker, expires_at=self._expiry())

    def heartbeat(self, lease: Lease) -> Lease:
        self._check()
        self.beats += 1
        return replace(lease, expires_at=self._expiry())

    def artefacts(self, item: WorkItem) -> tuple[()]:
        return ()

    def complete(self, lease: Lease, outcome: StageOutcome) -> None:
        self._check()
        self.completed.append(outcome)

    def fail(self, lease: Lease, failure: Failure) -> None:
        self._check()
        self.failures.append(failure)

    def _check(self) -> None:
        if self.stale.is_set():
            raise StaleLease
        if self.unreachable:
            self.unreachable -= 1
            raise TransientFailure("the index does not answer")


def runner(ledger: FakeLedger) -> LeaseRunner:
    return LeaseRunner(ledger, "worker-1", pseudonyms=Pseudonymizer(b"sixteen bytes or more"))


def raising(error: BaseException):
    def stage(lease: Lease) -> StageOutcome:
        raise error

    return stage


def test_finished_work_is_reported_once():
    ledger = FakeLedger()

    result = runner(ledger).run(7, lambda lease: OUTCOME)

    assert (result, ledger.completed, ledger.failures) == ("done", [OUTCOME], [])


def test_work_that_another_one_holds_is_left_alone():
    ledger = FakeLedger()
    ledger.claim = lambda work_id, worker: NotClaimed(because="another worker holds the work")

    assert runner(ledger).run(7, raising(AssertionError("must not run"))) == "not-claimed"


def test_an_index_that_cannot_be_asked_ends_the_task_and_nothing_else():
    ledger = FakeLedger()

    def claim(work_id, *, worker):
        raise TransientFailure("the index does not answer")

    ledger.claim = claim

    assert runner(ledger).run(7, raising(AssertionError("must not run"))) == "failed"


def test_a_lease_is_extended_while_the_work_goes_on():
    ledger = FakeLedger(lease_s=0.3)

    runner(ledger).run(7, lambda lease: time.sleep(0.55) or OUTCOME)

    assert 3 <= ledger.beats <= 8


def test_a_heartbeat_that_fails_is_tried_again():
    ledger = FakeLedger(lease_s=0.3)
    ledger.unreachable = 1

    assert runner(ledger).run(7, lambda lease: time.sleep(0.4) or OUTCOME) == "done"
    assert ledger.beats >= 1


def test_a_result_after_the_lease_was_lost_is_not_reported():
    ledger = FakeLedger(lease_s=0.2)

    def stage(lease: Lease) -> StageOutcome:
        ledger.stale.set()
        time.sleep(0.3)
        ledger.stale.clear()  # even an index that would take it is not asked
        return OUTCOME

    assert runner(ledger).run(7, stage) == "stale"
    assert ledger.completed == []


def test_a_result_that_the_index_refuses_as_stale_is_no_failure():
    ledger = FakeLedger()
    ledger.stale.set()

    assert runner(ledger).run(7, lambda lease: OUTCOME) == "stale"


def test_a_result_is_reported_again_where_the_index_does_not_answer(monkeypatch):
    monkeypatch.setattr("node.running._REPORT_DELAY_S", 0.01)
    ledger = FakeLedger()
    ledger.unreachable = 3

    assert runner(ledger).run(7, lambda lease: OUTCOME) == "done"
    assert ledger.completed == [OUTCOME]


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (TransientFailure("the disk is full"), False),
        (ConfigurationError("no such device"), True),
        (Bug("impossible"), True),
        (InputRejected("no"), True),
        (NotAnalysable("a stage must return this"), True),
        (MemoryError(), False),
        (SoftTimeLimitExceeded(), False),
        (RuntimeError("Doe^Jane"), False),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), False),
    ],
)
def test_a_failure_says_whether_trying_again_can_help(error, permanent):
    ledger = FakeLedger()

    result = runner(ledger).run(7, raising(error))

    assert result == "failed"
    assert [failure.permanent for failure in ledger.failures] == [permanent]
    assert ledger.failures[0].error == type(error).__name__


def test_what_a_foreign_error_says_goes_no_further(caplog):
    ledger = FakeLedger()

    runner(ledger).run(7, raising(ValueError("Doe^Jane")))

    assert "Doe" not in ledger.failures[0].message
    assert all("Doe" not in record.getMessage() for record in caplog.records)


def test_a_worker_that_is_told_to_stop_hands_its_work_back():
    ledger = FakeLedger()

    with pytest.raises(SystemExit):
        runner(ledger).run(7, raising(SystemExit(0)))

    assert [failure.permanent for failure in ledger.failures] == [False]


def test_no_log_line_names_the_study(caplog):
    caplog.set_level("DEBUG")

    runner(FakeLedger()).run(7, lambda lease: OUTCOME)

    told = [str(vars(record)) for record in caplog.records if record.name == "node.running"]
    assert told
    assert not any(str(ITEM.study_uid) in line for line in told)
