"""Queues are served in strict order, and none starves."""

from node.domain.study import Priority
from node.queue_order import GPU_QUEUES, PASSED_OVER_AT_MOST, StrictOrder

URGENT, ROUTINE, BACKFILL = (f"gpu.{priority}" for priority in Priority)


def served(order: StrictOrder, waiting: dict[str, int]) -> list[str]:
    """Queues in the order in which messages are taken, as Redis does: the first named queue that holds one."""
    waiting, taken = dict(waiting), []
    while any(waiting.values()):
        queue = next(name for name in order.consume(9) if waiting.get(name))
        waiting[queue] -= 1
        taken.append(order.rotate(queue))
    return taken


def test_the_order_does_not_depend_on_the_command_line():
    order = StrictOrder()

    order.update([BACKFILL, ROUTINE, URGENT])

    assert order.consume(3) == [URGENT, ROUTINE, BACKFILL]


def test_urgent_goes_before_routine_before_backfill():
    order = StrictOrder([BACKFILL, ROUTINE, URGENT])

    assert served(order, {BACKFILL: 2, ROUTINE: 3, URGENT: 2}) == [URGENT] * 2 + [ROUTINE] * 3 + [BACKFILL] * 2


def test_a_study_that_was_begun_goes_before_others_of_its_priority_and_behind_higher_ones():
    order = StrictOrder(reversed(GPU_QUEUES))

    assert order.consume(6) == [
        "gpu.urgent.begun",
        "gpu.urgent",
        "gpu.routine.begun",
        "gpu.routine",
        "gpu.backfill.begun",
        "gpu.backfill",
    ]


def test_a_queue_that_waits_is_served_once_in_so_many_messages():
    order = StrictOrder([URGENT, ROUTINE, BACKFILL])

    taken = served(order, {URGENT: 100, BACKFILL: 3})

    places = [place for place, queue in enumerate(taken) if queue == BACKFILL]
    assert places == [PASSED_OVER_AT_MOST, 2 * PASSED_OVER_AT_MOST + 1, 3 * PASSED_OVER_AT_MOST + 2]


def test_an_empty_queue_earns_no_promotion():
    order = StrictOrder([URGENT, ROUTINE])
    served(order, {ROUTINE: 100})
    served(order, {URGENT: 100})

    order.rotate(ROUTINE)  # urgent was empty just now

    assert served(order, {URGENT: 2, ROUTINE: 2}) == [URGENT, URGENT, ROUTINE, ROUTINE]


def test_two_waiting_queues_share_the_promotion():
    order = StrictOrder([URGENT, ROUTINE, BACKFILL])

    taken = served(order, {URGENT: 100, ROUTINE: 2, BACKFILL: 2})[:60]

    assert taken.count(ROUTINE) == taken.count(BACKFILL) == 2


def test_an_unknown_queue_comes_last():
    order = StrictOrder(["another", BACKFILL])

    order.rotate("never heard of")

    assert order.consume(2) == [BACKFILL, "another"]
