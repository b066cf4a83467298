"""What was made is found again, and a new report knows which one it supersedes."""

import pytest

from node.domain.errors import Bug
from node.domain.work import StageOutcome
from tests.builders.index import uid
from tests.builders.index_node import IndexNode, an_object

FIRST, SECOND = an_object("first"), an_object("second")


def encoded(node: IndexNode, made) -> None:
    """The study's newest revision is analysed, and gives one report."""
    node.do_next(StageOutcome(assessable=False))
    node.do_next(StageOutcome(assessable=False, objects=(made,)))


def previous(node: IndexNode, before: int):
    return node.outbox.previous_report(uid("1"), before_revision=before, pipeline="ct-bone")


def test_an_object_that_was_never_made_is_none_and_asking_to_deliver_it_is_a_bug(node):
    assert node.outbox.existing(FIRST.sop_instance_uid) is None
    with pytest.raises(Bug):
        node.outbox.object(FIRST.sop_instance_uid)


def test_a_first_report_supersedes_none(node):
    node.complete_study()
    encoded(node, FIRST)

    assert previous(node, 1) is None


def test_a_later_report_supersedes_the_newest_before_it(node):
    for made, slices in ((FIRST, range(40)), (SECOND, range(40, 50))):
        node.receive(slices)
        node.sweep(61)
        encoded(node, made)
        node.do_all()

    assert previous(node, 2) == FIRST
    assert previous(node, 3) == SECOND


def test_a_report_that_never_left_the_node_is_not_superseded(node):
    node.complete_study()
    encoded(node, FIRST)
    node.receive(range(40, 50))

    node.sweep(61)

    assert previous(node, 2) is None


def test_a_report_whose_delivery_was_tried_may_have_arrived_and_is_superseded(node):
    node.complete_study()
    encoded(node, FIRST)
    node.next_lease()
    node.receive(range(40, 50))

    node.sweep(30)
    node.sweep(31)

    assert previous(node, 2) == FIRST


def test_a_report_that_was_for_no_destination_is_not_superseded(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, destinations=())
    node.complete_study()
    encoded(node, FIRST)

    assert previous(node, 2) is None
