"""Workers hold leases with fencing tokens; what they finish makes the next work ready, once."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from node.artefacts import LABEL_MAP, MEASUREMENT_PICTURE
from node.domain.errors import StaleLease
from node.domain.outgoing import ObjectKind
from node.domain.state import StudyState, WorkState
from node.domain.study import Priority
from node.domain.work import ASIDE, STAGES, Artefact, Failure, NotClaimed, Stage, StageOutcome
from node.observe.events import Event
from node.queueing import queue_of
from node.store.engine import reading
from node.store.overview import OverviewReader
from node.store.schema import object_of_analysis
from tests.builders.index import digest, uid
from tests.builders.index_node import ARCHIVE, LEASE_S, PACS, PSEUDONYMS, IndexNode, an_object, outcome_of

PASSES = Failure(error="TransientFailure", message="no memory", permanent=False)
FOR_GOOD = Failure(error="Bug", message="contradiction", permanent=True)


@pytest.fixture
def ready(node):
    """A study of one suitable series whose first work is queued."""
    node.complete_study()
    return node


def test_a_claim_gives_a_lease_with_a_token_and_an_end(ready):
    lease = ready.claim(1, "gpu-1")

    assert (lease.token, lease.worker) == (1, "gpu-1")
    assert (lease.expires_at - ready.now()).total_seconds() == LEASE_S
    assert lease.item.stage is Stage.SEGMENT
    assert lease.item.series_uid == uid("1.1")


def test_work_that_is_held_is_not_claimed_again(ready):
    ready.claim(1)

    assert isinstance(ready.ledger.claim(1, worker="second"), NotClaimed)


def test_a_message_that_comes_twice_after_the_work_is_done_does_nothing(ready):
    ready.ledger.complete(ready.claim(1), StageOutcome(assessable=True))

    answer = ready.ledger.claim(1, worker="second")

    assert answer == NotClaimed(because="the work is done")


def test_unknown_work_is_not_claimed(node):
    assert isinstance(node.ledger.claim(77, worker="worker"), NotClaimed)


def test_failed_work_is_not_claimed_before_it_is_due(ready):
    ready.ledger.fail(ready.claim(1), PASSES)

    early = ready.ledger.claim(1, worker="worker")
    ready.clock.advance(10)

    assert isinstance(early, NotClaimed)
    assert "not due before" in early.because
    assert ready.claim(1).token == 2


def test_a_heartbeat_extends_the_lease(ready):
    lease = ready.claim(1)
    ready.clock.advance(40)

    extended = ready.ledger.heartbeat(lease)

    assert (extended.expires_at - ready.now()).total_seconds() == LEASE_S
    assert extended.token == lease.token


def test_a_lease_never_outlives_the_time_limit_of_its_stage(ready):
    lease = ready.claim(1)
    limit = STAGES[Stage.SEGMENT].time_limit_s
    ready.clock.advance(limit - 10)

    extended = ready.ledger.heartbeat(lease)
    ready.clock.advance(10)

    assert extended.expires_at == ready.now()
    with pytest.raises(StaleLease, match="time limit"):
        ready.ledger.heartbeat(extended)


def test_the_next_stage_is_queued_at_once(ready):
    ready.do_next()

    assert [item.stage for item in ready.queue.messages] == [Stage.SCREEN_BMD]
    assert ready.states() == [WorkState.DONE, WorkState.QUEUED]


def test_the_next_stage_has_the_series_of_the_first(ready):
    ready.do_next()

    assert ready.work()[1].item.series_uid == uid("1.1")


def test_where_nothing_can_be_assessed_encoding_comes_next(ready):
    ready.do_next(StageOutcome(assessable=False))

    assert [item.stage for item in ready.queue.messages] == [Stage.ENCODE]


def test_what_was_segmented_is_drawn_after_it_was_encoded_and_no_other_study_waits_for_that(ready):
    mask = Artefact(name=LABEL_MAP, file="artefacts/labels", digest=digest("labels"), size=10)
    ready.do_next(StageOutcome(assessable=True, artefacts=(mask,)))
    ready.do_next()
    ready.do_next()

    picture = ready.work(stage=Stage.PICTURE)[0].item
    assert (picture.series_uid, picture.priority) == (uid("1.1"), Priority.BACKFILL)
    assert queue_of(picture) == "gpu.backfill.begun"


def test_a_study_is_done_before_its_picture_is_drawn_and_though_it_cannot_be(ready):
    mask = Artefact(name=LABEL_MAP, file="artefacts/labels", digest=digest("labels"), size=10)
    ready.do_next(StageOutcome(assessable=True, artefacts=(mask,)))
    overview = OverviewReader(ready.engine, PSEUDONYMS)
    pictures = []
    while ready.queue.messages:
        lease = ready.next_lease()
        if lease.item.stage is Stage.PICTURE:
            pictures.append(lease)
        else:
            ready.ledger.complete(lease, outcome_of(lease))
    before = overview.study_state(uid("1"))
    ready.ledger.fail(pictures[0], FOR_GOOD)

    assert before is StudyState.DONE
    assert overview.study_state(uid("1")) is StudyState.DONE
    assert [row.item.stage for row in overview.dead_letters()] == [Stage.PICTURE]


def test_an_object_is_made_of_a_picture_and_delivered_without_the_study_working_again(ready):
    mask = Artefact(name=LABEL_MAP, file="artefacts/labels", digest=digest("labels"), size=10)
    drawn = Artefact(name=MEASUREMENT_PICTURE, file="artefacts/measurement", digest=digest("drawn"), size=10)
    capture = an_object("picture", ObjectKind.SC)
    overview = OverviewReader(ready.engine, PSEUDONYMS)
    ready.do_next(StageOutcome(assessable=True, artefacts=(mask,)))
    shown = []
    while ready.queue.messages:
        lease = ready.next_lease()
        if lease.item.stage in ASIDE:
            shown.append((lease.item.stage, overview.study_state(uid("1"))))
        outcomes = {
            Stage.PICTURE: StageOutcome(assessable=True, artefacts=(drawn,)),
            Stage.ENCODE_PICTURE: StageOutcome(assessable=True, objects=(capture,)),
        }
        ready.ledger.complete(lease, outcomes.get(lease.item.stage) or outcome_of(lease))

    (delivery,) = ready.work(stage=Stage.DELIVER_PICTURE)
    assert shown[:2] == [(Stage.PICTURE, StudyState.DONE), (Stage.ENCODE_PICTURE, StudyState.DONE)]
    assert {state for _, state in shown} == {StudyState.DONE}
    assert (delivery.item.object_uid, delivery.item.destination) == (capture.sop_instance_uid, "pacs")
    assert delivery.item.priority is Priority.BACKFILL
    assert set(ready.states()) == {WorkState.DONE}


def test_nothing_follows_a_picture_of_an_older_worker(ready):
    mask = Artefact(name=LABEL_MAP, file="artefacts/labels", digest=digest("labels"), size=10)
    ready.do_next(StageOutcome(assessable=True, artefacts=(mask,)))

    ready.do_all()

    assert [row.state for row in ready.work(stage=Stage.PICTURE)] == [WorkState.DONE]
    assert set(ready.states()) == {WorkState.DONE}


def test_where_nothing_was_segmented_nothing_is_drawn(ready):
    ready.do_all()

    assert ready.work(stage=Stage.PICTURE) == ()


def test_each_object_is_delivered_to_each_destination(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, destinations=(PACS, ARCHIVE))
    node.complete_study()

    for _ in range(3):
        node.do_next()

    deliveries = {(item.object_uid, item.destination) for item in queue.messages}
    made = [an_object(f"{uid('1')}-1-{kind}").sop_instance_uid for kind in ("seg", "sr")]
    assert deliveries == {(each, name) for each in made for name in ("pacs", "archive")}


def test_in_shadow_mode_objects_are_kept_and_nothing_is_sent(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, destinations=())
    node.complete_study()

    node.do_all()

    assert node.states() == [WorkState.DONE] * 3
    assert node.outbox.existing(an_object(f"{uid('1')}-1-sr").sop_instance_uid) is not None


def test_a_destination_that_does_not_want_empty_reports_gets_none(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, destinations=(PACS, ARCHIVE))
    node.complete_study()
    node.do_next(StageOutcome(assessable=False))

    node.do_next(StageOutcome(assessable=False, objects=(an_object("empty", not_evaluable=True),)))

    assert [item.destination for item in queue.messages] == ["pacs"]


def test_the_first_object_made_under_a_uid_is_kept(ready):
    first = an_object("report")
    ready.do_next(StageOutcome(assessable=False))
    ready.do_next(StageOutcome(assessable=False, objects=(first,)))
    ready.complete_study("2", "2.1")
    ready.queue.wipe()
    other = replace(first, digest=digest("other"), file="artefacts/other.dcm")

    ready.ledger.complete(ready.claim(4), StageOutcome(assessable=False))
    ready.ledger.complete(ready.claim(5), StageOutcome(assessable=False, objects=(other,)))

    assert ready.outbox.object(first.sop_instance_uid) == first


def test_artefacts_are_those_of_finished_stages_of_the_same_analysis(ready):
    ready.complete_study("2", "2.1")
    first = ready.claim(1)
    artefact = Artefact(name="labels.osl", file="artefacts/labels", digest=digest("labels"), size=7)

    before = ready.ledger.artefacts(first.item)
    ready.ledger.complete(first, StageOutcome(assessable=True, artefacts=(artefact,)))

    assert before == ()
    assert ready.ledger.artefacts(ready.work(study_uid=uid("1"))[1].item) == (artefact,)
    assert ready.ledger.artefacts(ready.work(study_uid=uid("2"))[0].item) == ()


def test_a_failure_that_passes_is_tried_again_later_and_later(ready):
    delays = []
    for _ in range(2):
        ready.ledger.fail(ready.claim(1), PASSES)
        due_at = ready.work()[0].due_at
        delays.append((due_at - ready.now()).total_seconds())
        ready.clock.advance(delays[-1])

    assert delays == [10.0, 20.0]


def test_work_that_failed_too_often_is_given_up(ready):
    for _ in range(3):
        ready.ledger.fail(ready.claim(1), PASSES)
        ready.clock.advance(3600)

    row = ready.work()[0]
    assert (row.state, row.last_error) == (WorkState.DEAD, "TransientFailure: no memory")
    assert isinstance(ready.ledger.claim(1, worker="worker"), NotClaimed)


def test_a_permanent_failure_is_given_up_at_once(ready):
    ready.ledger.fail(ready.claim(1), FOR_GOOD)

    assert ready.states() == [WorkState.DEAD]


def test_the_log_tells_of_work_when_it_is_given_up_and_not_when_it_is_tried_again(ready, caplog):
    ready.ledger.fail(ready.claim(1), PASSES)
    ready.clock.advance(3600)
    assert not caplog.records

    ready.ledger.fail(ready.claim(1), FOR_GOOD)

    (told,) = caplog.records
    assert (told.event, told.levelname) == (Event.WORK_GIVEN_UP, "ERROR")
    assert (told.work_id, told.stage, told.attempt, told.error) == (1, Stage.SEGMENT, 2, "Bug")


def test_a_worker_whose_lease_went_to_another_is_refused_and_changes_nothing(ready):
    slow = ready.claim(1, "slow")
    ready.sweep(LEASE_S + 1)
    ready.sweep(10)
    quick = ready.claim(1, "quick")

    for late in (
        lambda: ready.ledger.heartbeat(slow),
        lambda: ready.ledger.complete(slow, StageOutcome(assessable=True)),
        lambda: ready.ledger.fail(slow, FOR_GOOD),
    ):
        with pytest.raises(StaleLease):
            late()

    row = ready.work()[0]
    assert (row.state, row.token, row.worker) == (WorkState.RUNNING, 2, "quick")
    ready.ledger.complete(quick, StageOutcome(assessable=True))


def test_a_lease_that_was_taken_back_is_stale_before_anyone_else_holds_it(ready):
    slow = ready.claim(1)
    ready.sweep(LEASE_S + 1)

    with pytest.raises(StaleLease):
        ready.ledger.complete(slow, StageOutcome(assessable=True))


def test_completing_twice_is_refused_the_second_time(ready):
    lease = ready.claim(1)
    ready.ledger.complete(lease, StageOutcome(assessable=True))

    with pytest.raises(StaleLease):
        ready.ledger.complete(lease, StageOutcome(assessable=True))

    assert len(ready.work()) == 2


def test_a_broker_that_is_down_does_not_undo_what_was_completed(ready):
    lease = ready.next_lease()
    ready.queue.down = True

    ready.ledger.complete(lease, outcome_of(lease))

    assert ready.states() == [WorkState.DONE, WorkState.READY]
    ready.queue.down = False
    ready.sweep(10)
    assert [item.stage for item in ready.queue.messages] == [Stage.SCREEN_BMD]


def test_a_delivery_waits_for_the_breaker_of_its_destination(ready):
    for _ in range(3):
        ready.do_next()
    for _ in range(2):
        ready.breakers.failed("pacs")

    answer = ready.ledger.claim(ready.queue.take().work_id, worker="worker")

    assert isinstance(answer, NotClaimed)
    assert "does not answer" in answer.because
    row = ready.work()[3]
    assert (row.state, row.attempts) == (WorkState.READY, 0)
    assert (row.due_at - ready.now()).total_seconds() == 30.0


def test_a_delivery_is_tried_once_the_pause_of_the_breaker_is_over(ready):
    for _ in range(3):
        ready.do_next()
    for _ in range(2):
        ready.breakers.failed("pacs")
    ready.ledger.claim(4, worker="worker")

    ready.sweep(30)

    assert 4 in ready.queue.ids
    assert ready.claim(4).item.destination == "pacs"


def test_deliveries_wait_no_longer_once_their_destination_answers(ready):
    for _ in range(3):
        ready.do_next()
    first, second = (row.item.work_id for row in ready.work(stage=Stage.DELIVER, destination="pacs"))
    lease = ready.claim(first)
    for _ in range(2):
        ready.breakers.failed("pacs")
    assert isinstance(ready.ledger.claim(second, worker="worker"), NotClaimed)

    ready.breakers.succeeded("pacs")
    ready.ledger.complete(lease, StageOutcome(assessable=True))

    assert ready.claim(second).item.destination == "pacs"


def test_objects_are_linked_to_their_analysis(ready):
    for _ in range(3):
        ready.do_next()

    with reading(ready.engine) as connection:
        links = connection.execute(select(object_of_analysis)).all()
    assert {(row.study_uid, row.revision, row.pipeline) for row in links} == {(uid("1"), 1, "ct-bone")}
    kinds = {ready.outbox.object(row.object_uid).kind for row in links}
    assert kinds == {ObjectKind.SEG, ObjectKind.SR}
