"""The node at a glance, what was given up, and its second life."""

import pytest

from node.artefacts import LABEL_MAP
from node.domain.state import StudyState, WorkState
from node.domain.work import Artefact, Failure, Stage, StageOutcome
from node.store.enqueuing import QueuePolicy
from node.store.overview import OverviewReader
from node.store.requeueing import Requeuer
from node.store.results import ResultReader
from tests.builders.index import an_instance, ct_facts, digest, uid
from tests.builders.index_node import ARCHIVE, MESSAGE_S, PACS, PSEUDONYMS, IndexNode, an_object

FOR_GOOD = Failure(error="Bug", message="contradiction", permanent=True)


@pytest.fixture
def overviews(engine):
    return OverviewReader(engine, PSEUDONYMS)


@pytest.fixture
def requeuer(node):
    return Requeuer(node.engine, node.enqueuer)


def test_an_empty_node_has_nothing_to_show(overviews):
    overview = overviews.overview()

    assert (overview.studies, overview.work, overview.resting) == ((), (), ())


def test_studies_are_listed_by_pseudonym_the_newest_first(node, overviews):
    node.complete_study("1", "1.1")
    node.clock.advance(100)
    node.receive(study="2", series="2.1")

    listed = overviews.overview().studies

    assert [(line.pseudonym, line.state) for line in listed] == [
        (PSEUDONYMS.of(uid("2")), StudyState.RECEIVING),
        (PSEUDONYMS.of(uid("1")), StudyState.WORKING),
    ]


def test_work_is_counted_by_stage_and_state(node, overviews):
    for number in ("1", "2"):
        node.complete_study(number, f"{number}.1")
    node.do_next()

    counted = {(count.stage, count.state): count.count for count in overviews.overview().work}

    assert counted == {
        (Stage.SEGMENT, WorkState.QUEUED): 1,
        (Stage.SEGMENT, WorkState.DONE): 1,
        (Stage.SCREEN_BMD, WorkState.QUEUED): 1,
    }


def test_a_destination_that_rests_is_shown(node, overviews):
    for _ in range(2):
        node.breakers.failed("pacs")

    assert [(each.name, each.failures) for each in overviews.overview().resting] == [("pacs", 2)]


def test_a_study_is_found_by_uid_and_by_pseudonym(node, overviews):
    study_uid = node.receive()

    assert overviews.find(study_uid) == study_uid
    assert overviews.find(PSEUDONYMS.of(study_uid)) == study_uid
    assert overviews.find("nobody") is None
    assert overviews.study_state(uid("77")) is None


def test_what_was_given_up_is_listed_until_it_is_requeued(node, overviews, requeuer):
    node.complete_study()
    node.ledger.fail(node.next_lease(), FOR_GOOD)
    listed = overviews.dead_letters()

    requeued = requeuer.study(uid("1"), now=node.now())

    assert [row.item.work_id for row in listed] == [1]
    assert requeued == listed
    assert overviews.dead_letters() == ()
    assert overviews.study_state(uid("1")) is StudyState.WORKING


def test_requeued_work_is_queued_at_once_with_all_its_tries(node, requeuer):
    node.complete_study()
    node.ledger.fail(node.next_lease(), FOR_GOOD)

    requeuer.study(uid("1"), now=node.now())

    assert node.queue.ids == [1]
    assert node.next_lease().token == 2
    assert node.work()[0].attempts == 1


def test_what_one_destination_refused_is_requeued_and_the_rest_stays_given_up(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, destinations=(PACS, ARCHIVE))
    node.complete_study()
    for _ in range(3):
        node.do_next()
    while queue.messages:
        node.ledger.fail(node.next_lease(), FOR_GOOD)

    requeued = Requeuer(engine, node.enqueuer).destination("archive", now=node.now())

    assert [row.item.destination for row in requeued] == ["archive", "archive"]
    assert node.states(destination="archive") == [WorkState.QUEUED, WorkState.QUEUED]
    assert node.states(destination="pacs") == [WorkState.DEAD, WorkState.DEAD]


def test_requeueing_everything_leaves_the_broker_no_more_than_its_window(engine, clock, queue):
    policy = QueuePolicy(window=2, message_s=MESSAGE_S)
    node = IndexNode(engine=engine, clock=clock, queue=queue, queue_policy=policy)
    for number in range(1, 6):
        node.complete_study(str(number), f"{number}.1")
        node.ledger.fail(node.next_lease(), FOR_GOOD)

    requeued = Requeuer(engine, node.enqueuer).everything(now=node.now())

    assert len(requeued) == 5
    assert sorted(node.states()) == [*[WorkState.QUEUED] * 2, *[WorkState.READY] * 3]
    assert len(queue.messages) == 2


def test_requeueing_leaves_what_was_not_given_up_alone(node, requeuer):
    node.complete_study()
    lease = node.next_lease()

    assert requeuer.everything(now=node.now()) == ()
    node.ledger.complete(lease, StageOutcome(assessable=True))


def test_there_is_no_result_before_a_revision_is_closed(node):
    node.receive()

    assert ResultReader(node.engine).study_result(uid("1")) is None


def test_a_result_tells_what_was_chosen_made_and_how_long_it_took(node):
    node.complete_study()
    node.do_all()

    result = ResultReader(node.engine).study_result(uid("1"))

    (pipeline,) = result.pipelines
    assert (result.revision, result.state) == (1, StudyState.DONE)
    assert pipeline.choice.series_uid == uid("1.1")
    assert [each.name for each in pipeline.artefacts] == ["segment", "screen_bmd"]
    made = {an_object(f"{uid('1')}-1-{kind}").sop_instance_uid for kind in ("seg", "sr")}
    assert {each.sop_instance_uid for each in pipeline.objects} == made
    expected = {"receive": 0.0, "wait": 61.0, "load": 2.0, "segment": 4.0, "encode": 0.5, "deliver": 0.2}
    assert result.timings_s == pytest.approx(expected)


def test_the_time_of_a_picture_is_none_of_the_result_s(node):
    mask = Artefact(name=LABEL_MAP, file="artefacts/labels", digest=digest("labels"), size=10)
    node.complete_study()
    node.do_next(StageOutcome(assessable=True, artefacts=(mask,), timings_s={"load": 5.0}))

    node.do_all()

    assert node.states(stage=Stage.PICTURE) == [WorkState.DONE]
    # screening and the picture load for one second each
    assert ResultReader(node.engine).study_result(uid("1")).timings_s["load"] == 6.0


def test_a_result_is_that_of_the_newest_closed_revision(node):
    node.complete_study()
    node.do_all()
    node.receive(range(40, 50))
    first = ResultReader(node.engine).study_result(uid("1"))

    node.sweep(61)

    assert (first.revision, first.state) == (1, StudyState.DONE)
    second = ResultReader(node.engine).study_result(uid("1"))
    assert (second.revision, second.state) == (2, StudyState.WORKING)


def test_our_own_objects_that_come_back_do_not_lengthen_receiving(node):
    node.complete_study()
    node.clock.advance(500)
    own = an_instance(1, series="1.9", facts=ct_facts(modality="SR", made_by_node=True), at=node.now())

    node.instances.record([own])

    result = ResultReader(node.engine).study_result(uid("1"))
    assert (result.receive_s, result.wait_s) == (0.0, 61.0)


def test_an_index_node_of_no_rules_gives_a_result_of_no_pipelines(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, rules=())
    node.complete_study()

    result = ResultReader(engine).study_result(uid("1"))

    assert (result.pipelines, result.state) == ((), StudyState.DONE)
