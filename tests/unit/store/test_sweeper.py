"""The sweeper closes what is complete, makes the first work, finds what was lost, and queues what is due."""

import logging

import pytest
from sqlalchemy import select

from node.domain.completeness import CompletionCause
from node.domain.errors import ConfigurationError, StaleLease
from node.domain.selection import NoSuitableSeries, SelectionRule, SeriesChoice
from node.domain.state import RevisionState, StudyState, WorkState
from node.domain.work import CT_BONE, NotClaimed, Stage, StageOutcome
from node.observe.events import Event
from node.store import closing
from node.store.closing import RevisionCloser
from node.store.decisions import load_decisions
from node.store.engine import reading
from node.store.enqueuing import QueuePolicy
from node.store.history import history_of
from node.store.history_kinds import HistoryKind
from node.store.overview import OverviewReader
from node.store.schema import revision, work
from tests.builders.index import an_instance, ct_facts, uid
from tests.builders.index_node import COMPLETENESS, CT_RULE, LEASE_S, MESSAGE_S, PSEUDONYMS, IndexNode


def revisions(node: IndexNode) -> list[RevisionState]:
    with reading(node.engine) as connection:
        return list(connection.execute(select(revision.c.state).order_by(revision.c.number)).scalars())


def decisions(node: IndexNode, study: str = "1", number: int = 1):
    with reading(node.engine) as connection:
        return load_decisions(connection, uid(study), number)


def history(node: IndexNode) -> list[HistoryKind]:
    with reading(node.engine) as connection:
        return [entry.what for entry in history_of(connection, uid("1"))]


def test_a_study_stays_open_while_images_arrive(node):
    node.receive(range(20))
    node.sweep(59)
    node.receive(range(20, 40))

    swept = node.sweep(59)

    assert (swept.active, swept.closed) == (True, 0)
    assert revisions(node) == [RevisionState.COLLECTING]


def test_a_quiet_study_is_closed_and_its_first_work_is_queued(node):
    node.receive()

    swept = node.sweep(60)

    assert (swept.closed, swept.queued) == (1, 1)
    assert revisions(node) == [RevisionState.COMPLETE]
    assert [(item.stage, item.series_uid) for item in node.queue.messages] == [(Stage.SEGMENT, uid("1.1"))]


def test_a_study_with_a_gap_waits_for_the_missing_slices(node):
    node.receive([k for k in range(40) if k != 20])

    early = node.sweep(61)
    node.receive([20])
    late = node.sweep(61)

    assert (early.closed, late.closed) == (0, 1)


def test_a_gap_that_nobody_fills_is_given_up_when_its_series_is_quiet(node):
    node.receive([k for k in range(40) if k != 20])

    early, late = node.sweep(299), node.sweep(1)

    assert (early.closed, late.closed) == (0, 1)


def test_slices_that_trickle_in_around_a_gap_end_at_the_longest_wait(node):
    node.receive([k for k in range(40) if k != 20])
    for k in range(40, 47):
        assert node.sweep(250).closed == 0
        node.receive([k])

    swept = node.sweep(50)

    with reading(node.engine) as connection:
        cause = connection.execute(select(revision.c.cause)).scalar_one()
    assert (swept.closed, cause) == (1, CompletionCause.LONGEST_WAIT)


def test_headers_are_not_read_again_while_no_image_comes(node, monkeypatch):
    node.receive([k for k in range(40) if k != 20])
    loads = []
    load_study = closing.load_study
    monkeypatch.setattr(closing, "load_study", lambda *args: loads.append(1) or load_study(*args))

    for _ in range(4):
        node.sweep(61)

    assert len(loads) == 1


def test_what_was_pending_is_still_pending_for_the_next_process(engine, clock, queue):
    first = IndexNode(engine=engine, clock=clock, queue=queue, holder="first")
    first.receive()
    first.sweep(30)

    second = IndexNode(engine=engine, clock=clock, queue=queue, holder="second")
    swept = second.sweep(31)

    assert (swept.active, swept.closed) == (True, 1)


def test_where_no_series_suits_encoding_says_so(node):
    node.receive(range(5))

    node.sweep(61)

    assert [(item.stage, item.series_uid) for item in node.queue.messages] == [(Stage.ENCODE, None)]
    (decision,) = decisions(node)
    assert isinstance(decision.choice, NoSuitableSeries)


def test_a_study_of_another_modality_ends_without_work_but_with_reasons(node):
    node.receive(modality="MR")

    node.sweep(61)

    assert node.work() == ()
    (decision,) = decisions(node)
    assert not decision.concerned
    assert [str(reason.code) for reason in decision.choice.reasons] == ["modality-not-suitable"]
    assert OverviewReader(node.engine, PSEUDONYMS).study_state(uid("1")) is StudyState.DONE


def test_every_series_that_was_not_chosen_has_its_reasons(node):
    node.receive(series="1.1")
    node.receive(series="1.2", kernel="B70f")
    node.receive([0], series="1.3", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))

    node.sweep(61)

    (decision,) = decisions(node)
    assert isinstance(decision.choice, SeriesChoice)
    assert decision.choice.series_uid == uid("1.1")
    reasons = {each.series_uid: {str(reason.code) for reason in each.reasons} for each in decision.choice.rejected}
    assert reasons == {uid("1.2"): {"outranked"}, uid("1.3"): {"localizer", "too-few-slices"}}


def test_two_rules_for_one_pipeline_are_a_configuration_error(engine):
    with pytest.raises(ConfigurationError, match="one rule"):
        RevisionCloser(engine, rules=(CT_RULE, CT_RULE), completeness=COMPLETENESS, pseudonyms=PSEUDONYMS)


def test_a_rule_for_an_unknown_pipeline_is_a_configuration_error(engine):
    rule = SelectionRule(pipeline="palmistry", modalities=frozenset({"CT"}))

    with pytest.raises(ConfigurationError, match="palmistry"):
        RevisionCloser(engine, rules=(rule,), completeness=COMPLETENESS, pseudonyms=PSEUDONYMS)


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


def test_a_study_that_trips_over_itself_holds_up_no_other(node, monkeypatch, caplog):
    node.receive(study="1", series="1.1")
    node.receive(study="2", series="2.1")
    load_study = closing.load_study

    def stumble(connection, study_uid, number):
        if study_uid == uid("1"):
            raise ZeroDivisionError
        return load_study(connection, study_uid, number)

    monkeypatch.setattr(closing, "load_study", stumble)

    with caplog.at_level(logging.ERROR):
        first, second = node.sweep(61), node.sweep(1)
    monkeypatch.undo()
    third = node.sweep(60)

    assert (first.closed, second.closed, third.closed) == (1, 0, 1)
    assert [record.message for record in caplog.records] == ["study could not be closed"]


def test_an_image_that_comes_while_the_revision_is_being_closed_keeps_it_open(node, monkeypatch):
    node.receive()
    choose = closing.choose_series

    def slowly(*args):
        node.receive([40])
        return choose(*args)

    monkeypatch.setattr(closing, "choose_series", slowly)
    early = node.sweep(61)
    monkeypatch.undo()

    late = node.sweep(61)

    assert (early.closed, late.closed) == (0, 1)
    assert node.work()[0].item.revision == 1


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


def test_a_pipeline_without_rules_leaves_studies_alone(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, rules=())

    node.complete_study()

    assert (node.work(), revisions(node)) == ((), [RevisionState.COMPLETE])
    assert CT_BONE not in [decision.pipeline for decision in decisions(node)]
