"""An image that comes late makes a new revision, and nothing is sent twice for it."""

import logging

import pytest

from node.domain.errors import StaleLease
from node.domain.state import RevisionState, WorkState
from node.domain.work import NotClaimed, Stage, StageOutcome
from node.observe.events import Event
from tests.builders.index import an_instance, ct_facts, uid
from tests.builders.index_node import PSEUDONYMS
from tests.builders.index_told import revisions


def test_a_late_slice_supersedes_the_revision_and_withdraws_what_was_not_done(node):
    node.complete_study()
    node.receive(range(40, 50))

    node.sweep(61)

    assert revisions(node) == [RevisionState.SUPERSEDED, RevisionState.COMPLETE]
    assert node.states(revision=1) == [WorkState.WITHDRAWN]
    assert node.states(revision=2) == [WorkState.QUEUED]


def test_the_log_tells_what_was_superseded_withdrawn_and_queued(node, caplog):
    node.complete_study()
    node.receive(range(40, 50))

    with caplog.at_level(logging.INFO):
        node.sweep(61)

    told = {record.event: record for record in caplog.records}
    pseudonym = PSEUDONYMS.of(uid("1"))
    assert (told[Event.REVISION_SUPERSEDED].study, told[Event.REVISION_SUPERSEDED].revision) == (pseudonym, 1)
    assert (told[Event.WORK_WITHDRAWN].work_id, told[Event.WORK_WITHDRAWN].stage) == (1, Stage.SEGMENT)
    assert (told[Event.WORK_QUEUED].work_id, told[Event.WORK_QUEUED].stage) == (2, Stage.SEGMENT)


def test_work_of_the_old_revision_goes_on_until_the_new_one_is_closed(node):
    node.complete_study()
    node.receive(range(40, 50))

    node.do_next()

    assert node.states(revision=1) == [WorkState.DONE, WorkState.QUEUED]


def test_what_was_delivered_stays_and_what_was_not_is_withdrawn(node):
    node.complete_study()
    for _ in range(4):
        node.do_next()
    node.receive(range(40, 50))

    node.sweep(61)

    assert node.states(revision=1, stage=Stage.DELIVER) == [WorkState.DONE, WorkState.WITHDRAWN]


def test_a_worker_whose_revision_was_superseded_is_refused(node):
    node.complete_study()
    held = node.next_lease()
    node.receive(range(40, 50))
    node.sweep(30)
    held = node.ledger.heartbeat(held)
    node.sweep(31)

    answer = node.ledger.claim(held.item.work_id, worker="other")

    with pytest.raises(StaleLease):
        node.ledger.complete(held, StageOutcome(assessable=True))
    assert answer == NotClaimed(because="the work is withdrawn")
    assert node.states(revision=1) == [WorkState.WITHDRAWN]


def test_our_own_results_that_come_back_start_nothing(node):
    node.complete_study()
    node.do_all()
    own = an_instance(1, series="1.9", facts=ct_facts(modality="SR", made_by_node=True), at=node.now())

    node.instances.record([own])
    swept = node.sweep(2000)

    assert (swept.closed, swept.queued, node.queue.messages) == (0, 0, [])


def test_the_same_object_is_not_sent_again_for_a_later_revision(node):
    node.complete_study()
    node.do_all()
    delivered = {row.item.object_uid for row in node.work(stage=Stage.DELIVER)}
    node.receive([0], series="1.7", image_type=("DERIVED", "SECONDARY"), position=None)
    node.sweep(61)
    node.do_next()
    node.do_next()
    lease = node.next_lease()
    same = tuple(node.outbox.object(each) for each in delivered)

    node.ledger.complete(lease, StageOutcome(assessable=True, objects=same))

    assert node.states(revision=2, stage=Stage.DELIVER) == []
