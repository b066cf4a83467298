"""Why a study is where it is, in every state that a study can be in."""

from node.domain.state import StudyState, WorkState
from node.domain.work import Failure, StageOutcome
from node.store.why import StudyExplainer
from node.store.why_text import lines
from tests.builders.index import an_instance, seconds, uid
from tests.builders.index_node import COMPLETENESS, LEASE_S, MESSAGE_S, IndexNode


def explain(node: IndexNode):
    return StudyExplainer(node.engine, COMPLETENESS).explain(uid("1"), now=node.now())


def told(node: IndexNode, *, with_history: bool = False) -> str:
    return "\n".join(lines(explain(node), with_history=with_history))


def test_an_unknown_study_has_no_explanation(node):
    assert explain(node) is None


def test_a_study_that_arrives_waits_for_the_quiet_period(node):
    node.receive()
    opened = node.now()
    node.clock.advance(10)

    explanation = explain(node)

    assert explanation.state is StudyState.RECEIVING
    assert explanation.revisions[0].wait.until == opened + seconds(60)
    assert "waits for more images" in told(node)


def test_a_study_with_a_gap_says_so_and_until_when(node):
    node.receive([k for k in range(40) if k != 20])
    opened = node.now()
    node.sweep(61)

    wait = explain(node).revisions[0].wait

    assert (wait.waits_for, wait.until) == ("missing slices in 1 of 1 series", opened + seconds(300))


def test_a_study_that_is_due_waits_for_the_sweeper(node):
    node.receive()
    node.clock.advance(61)

    assert "sweeper" in explain(node).revisions[0].wait.waits_for


def test_every_series_is_told_with_its_images_and_reasons(node):
    node.receive(series="1.1")
    node.receive(range(3), series="1.2")
    node.sweep(61)

    text = told(node)

    assert f"read:     {uid('1.1')} (40 images)" in text
    assert f"not read: {uid('1.2')} (3 images)" in text
    assert "too-few-slices: The series has too few slices. Got 3, at least 10." in text


def test_facts_that_are_unknown_are_told(node):
    node.receive(kernel=None)
    node.sweep(61)

    assert "unknown: kernel" in told(node)


def test_a_study_without_a_suitable_series_says_so(node):
    node.receive(range(3))
    node.sweep(61)

    assert "read:     none. No series of the study suits this pipeline." in told(node)


def test_a_study_of_another_kind_says_so(node):
    node.receive(modality="MR")
    node.sweep(61)

    text = told(node)
    assert "nothing in the study is of a kind that it reads" in text
    assert "modality-not-suitable" in text


def test_work_says_what_it_waits_for_and_until_when(node):
    node.complete_study()
    queued = explain(node).revisions[0].work[0].wait
    node.next_lease("gpu-1")
    running = explain(node).revisions[0].work[0].wait

    assert (queued.until - node.now(), "free worker" in queued.waits_for) == (seconds(MESSAGE_S), True)
    assert (running.until - node.now(), "gpu-1" in running.waits_for) == (seconds(LEASE_S), True)


def test_failed_work_says_why_and_when_it_is_tried_again(node):
    node.complete_study()
    node.ledger.fail(node.next_lease(), Failure(error="TransientFailure", message="no memory", permanent=False))

    wait = explain(node).revisions[0].work[0].wait

    assert (wait.until - node.now(), wait.waits_for) == (seconds(10), "its place in the queue, after 1 failed tries")
    assert "last failure: TransientFailure: no memory" in told(node)


def test_work_that_was_given_up_waits_for_an_operator(node):
    node.complete_study()
    node.ledger.fail(node.next_lease(), Failure(error="Bug", message="contradiction", permanent=True))

    explanation = explain(node)

    assert explanation.state is StudyState.FAILED
    assert explanation.revisions[0].work[0].wait.until is None
    assert "osteonode requeue" in told(node)


def test_a_finished_study_waits_for_nothing(node):
    node.complete_study()
    node.do_all()

    explanation = explain(node)

    assert explanation.state is StudyState.DONE
    assert {each.work.state for each in explanation.revisions[0].work} == {WorkState.DONE}
    assert "waits for" not in told(node)


def test_revisions_are_told_newest_first(node):
    node.complete_study()
    node.receive(range(40, 50))
    node.sweep(61)

    text = told(node)

    assert text.index("Revision 2: complete, routine, 50 images") < text.index("Revision 1: superseded")


def test_conflicts_and_history_are_told(node):
    node.complete_study()
    node.instances.record([an_instance(1, content="other")])
    node.do_next(StageOutcome(assessable=False, note="nothing found"))

    text = told(node, with_history=True)

    assert "1 images came again with other bytes" in text
    assert "work-done: nothing found" in text
