"""The sweeper finds what was lost and queues what is due, one sweeper at a time."""

from sqlalchemy import select

from node.domain.state import WorkState
from node.domain.work import StageOutcome
from node.store.engine import reading
from node.store.enqueuing import QueuePolicy
from node.store.history_kinds import HistoryKind
from node.store.schema import revision, work
from tests.builders.index import uid
from tests.builders.index_node import LEASE_S, MESSAGE_S, IndexNode
from tests.builders.index_told import history


def test_work_whose_worker_is_silent_is_given_to_another(node):
    node.complete_study()
    node.next_lease("lost")

    taken_back = node.sweep(LEASE_S).taken_back
    node.sweep(10)

    assert taken_back == 1
    assert node.next_lease("other").token == 2
    assert node.work()[0].losses == 1


def test_work_that_takes_its_worker_down_three_times_is_put_into_quarantine(node):
    node.complete_study()

    for _ in range(3):
        node.next_lease()
        node.sweep(LEASE_S)
        node.sweep(60)

    row = node.work()[0]
    assert (row.state, row.losses, row.due_at) == (WorkState.QUARANTINED, 3, None)
    assert node.queue.messages == []
    assert HistoryKind.QUARANTINED in history(node)


def test_a_wiped_broker_loses_no_study(node):
    node.complete_study()
    node.queue.wipe()

    early = node.sweep(MESSAGE_S - 1)
    late = node.sweep(1)

    assert (early.queued, late.lost, late.queued) == (0, 1, 1)
    assert node.queue.ids == [1]


def test_a_broker_that_is_down_leaves_the_work_ready(node):
    node.queue.down = True
    node.complete_study()
    state = node.states()
    node.queue.down = False

    node.sweep(5)

    assert state == [WorkState.READY]
    assert node.queue.ids == [1]


def test_urgent_work_is_queued_first(node):
    for number in ("1", "2", "3"):
        node.receive(study=number, series=f"{number}.1")
    with node.engine.begin() as connection:
        connection.execute(revision.update().where(revision.c.study_uid == uid("3")).values(priority="urgent"))

    node.sweep(61)

    assert [item.study_uid for item in node.queue.messages] == [uid("3"), uid("1"), uid("2")]


def test_no_more_than_a_window_of_messages_waits_at_the_broker(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, queue_policy=QueuePolicy(window=2, message_s=MESSAGE_S))
    for number in range(1, 6):
        node.receive(range(12), study=str(number), series=f"{number}.1", slice_mm=6.0)

    node.sweep(61)
    at_first = list(queue.ids)
    node.next_lease()
    node.sweep(1)

    assert (at_first, list(queue.ids)) == ([1, 2], [2, 3])


def test_only_one_sweeper_is_active_until_it_is_silent(engine, clock, queue):
    first = IndexNode(engine=engine, clock=clock, queue=queue, holder="first")
    second = IndexNode(engine=engine, clock=clock, queue=queue, holder="second")

    active = [first.sweep().active, second.sweep().active, second.sweep(16).active, first.sweep().active]

    assert active == [True, False, True, False]


def test_a_sweeper_that_stops_hands_its_role_over(engine, clock, queue):
    first = IndexNode(engine=engine, clock=clock, queue=queue, holder="first")
    second = IndexNode(engine=engine, clock=clock, queue=queue, holder="second")
    first.sweep()

    first.sweeper.stop(clock.now())

    assert second.sweep().active


def test_every_state_that_is_not_settled_has_a_deadline(node):
    node.complete_study()
    node.receive(study="2", series="2.1")
    node.sweep(61)
    node.do_next()
    node.next_lease()

    with reading(node.engine) as connection:
        rows = connection.execute(select(work.c.state, work.c.due_at)).all()

    assert {row.state for row in rows} >= {WorkState.DONE, WorkState.QUEUED, WorkState.RUNNING}
    assert all((row.due_at is None) == (row.state is WorkState.DONE) for row in rows)


def test_the_history_tells_what_happened_in_order(node):
    node.complete_study()
    node.do_next(StageOutcome(assessable=False))

    assert history(node) == [
        HistoryKind.OPENED,
        HistoryKind.CLOSED,
        HistoryKind.CHOSEN,
        HistoryKind.CLAIMED,
        HistoryKind.DONE,
    ]
