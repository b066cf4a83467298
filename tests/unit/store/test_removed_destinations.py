"""Deliveries whose destination is gone become dead letters; those that shadow mode holds back wait for its end."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from node.domain.state import StudyState, WorkState
from node.domain.work import Failure
from node.observe.events import Event
from node.store import removed_destinations
from node.store.engine import reading
from node.store.history import history_of
from node.store.history_kinds import HistoryKind
from node.store.overview import OverviewReader
from node.store.requeueing import Requeuer
from tests.builders.index import FakeClock, FakeQueue, uid
from tests.builders.index_node import ARCHIVE, MESSAGE_S, PACS, PSEUDONYMS, IndexNode


@pytest.fixture
def before(engine: Engine, clock: FakeClock, queue: FakeQueue) -> IndexNode:
    """A node of two destinations that has made an SR and a SEG, and queued their four deliveries."""
    node = IndexNode(engine=engine, clock=clock, queue=queue, destinations=(PACS, ARCHIVE))
    node.complete_study()
    for _ in range(3):
        node.do_next()
    return node


def restarted(node: IndexNode, **changes: object) -> IndexNode:
    """The node with another configuration."""
    return replace(node, **changes)


def shown(node: IndexNode) -> StudyState | None:
    return OverviewReader(node.engine, PSEUDONYMS).study_state(uid("1"))


def test_deliveries_to_a_removed_destination_become_dead_letters_with_the_reason(before: IndexNode) -> None:
    before.queue.wipe()
    node = restarted(before, destinations=(PACS,))

    swept = node.sweep(MESSAGE_S)

    dead = OverviewReader(node.engine, PSEUDONYMS).dead_letters()
    told = "archive is no longer a destination"
    assert swept.given_up == 2
    assert [(row.item.destination, row.state, row.last_error) for row in dead] == [
        ("archive", WorkState.DEAD, told)
    ] * 2
    with reading(node.engine) as connection:
        entries = [each for each in history_of(connection, uid("1")) if each.what is HistoryKind.GIVEN_UP]
    assert [entry.detail for entry in entries] == [told] * 2


def test_a_study_ends_though_a_destination_was_removed(before: IndexNode) -> None:
    before.queue.wipe()
    node = restarted(before, destinations=(PACS,))
    node.sweep(MESSAGE_S)

    node.do_all()

    assert node.states(destination="pacs") == [WorkState.DONE, WorkState.DONE]
    assert shown(node) is StudyState.FAILED


def test_no_message_goes_to_a_queue_that_nobody_reads(before: IndexNode) -> None:
    before.queue.wipe()
    node = restarted(before, destinations=(PACS,))

    node.sweep(MESSAGE_S)
    node.sweep(MESSAGE_S)

    assert {item.destination for item in node.queue.messages} == {"pacs"}


def test_a_delivery_that_waits_for_its_next_try_is_given_up_too(before: IndexNode) -> None:
    while before.queue.messages:
        before.ledger.fail(before.next_lease(), Failure(error="E", message="no answer", permanent=False))
    node = restarted(before, destinations=(PACS,))

    swept = node.sweep()

    assert swept.given_up == 2
    assert node.states(destination="pacs") == [WorkState.READY, WorkState.READY]


def test_a_destination_that_is_back_gets_what_was_given_up_once_it_is_requeued(before: IndexNode) -> None:
    before.queue.wipe()
    restarted(before, destinations=(PACS,)).sweep(MESSAGE_S)
    node = restarted(before, destinations=(PACS, ARCHIVE))

    Requeuer(node.engine, node.enqueuer).destination("archive", now=node.now())
    node.do_all()

    assert set(node.states()) == {WorkState.DONE}
    assert shown(node) is StudyState.DONE


def test_what_is_requeued_before_its_destination_is_back_is_given_up_again(before: IndexNode) -> None:
    before.queue.wipe()
    node = restarted(before, destinations=(PACS,))
    node.sweep(MESSAGE_S)

    Requeuer(node.engine, node.enqueuer).study(uid("1"), now=node.now())
    node.sweep()

    assert node.states(destination="archive") == [WorkState.DEAD, WorkState.DEAD]


def test_shadow_mode_holds_deliveries_back_and_they_go_out_when_it_ends(before: IndexNode) -> None:
    before.queue.wipe()
    shadow = restarted(before, shadow=True)

    swept = [shadow.sweep(MESSAGE_S) for _ in range(3)]
    held = (shadow.states(stage="deliver"), list(shadow.queue.messages))
    after = restarted(before, shadow=False)
    after.sweep()
    after.do_all()

    assert [(each.given_up, each.queued) for each in swept] == [(0, 0)] * 3
    assert held == ([WorkState.READY] * 4, [])
    assert set(after.states()) == {WorkState.DONE}


def test_work_that_is_no_delivery_is_never_given_up_for_a_destination(before: IndexNode) -> None:
    node = restarted(before, destinations=())
    node.queue.down = True
    node.complete_study("2", "2.1")

    node.sweep()

    assert node.states(study_uid=uid("2")) == [WorkState.READY]


def test_more_than_one_sweep_gives_up_at_once_is_given_up_by_the_next(
    before: IndexNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removed_destinations, "AT_ONCE", 1)
    node = restarted(before, destinations=(PACS,))

    given_up = [node.sweep(MESSAGE_S).given_up, node.sweep().given_up, node.sweep().given_up]

    assert given_up == [1, 1, 0]


def test_the_log_tells_once_how_many_deliveries_a_removed_destination_cost(
    before: IndexNode, caplog: pytest.LogCaptureFixture
) -> None:
    node = restarted(before, destinations=(PACS,))

    node.sweep(MESSAGE_S)

    (told,) = [vars(record) for record in caplog.records if vars(record).get("event") is Event.WORK_GIVEN_UP]
    assert (told["destination"], told["count"]) == ("archive", 2)
