"""Every cell of the state tables: what follows, and what is refused."""

from itertools import product

import pytest

from node.domain.state import (
    GIVEN_UP,
    REVISION_TRANSITIONS,
    SETTLED,
    WORK_TRANSITIONS,
    RevisionEvent,
    RevisionState,
    StudyState,
    WorkEvent,
    WorkState,
    next_work_state,
    study_state,
)

R, Q, RUN = WorkState.READY, WorkState.QUEUED, WorkState.RUNNING
DONE, DEAD, QUA, W = WorkState.DONE, WorkState.DEAD, WorkState.QUARANTINED, WorkState.WITHDRAWN

# One row a state, one column an event in the order of WorkEvent; None is refused.
#        ENQUEUED LOST  CLAIMED COMPLETED FAILED GIVEN_UP EXPIRED TOO_OFTEN REQUEUED OVERTAKEN
EXPECTED = {
    R: (Q, None, RUN, None, None, DEAD, None, None, None, W),
    Q: (None, R, RUN, None, None, None, None, None, None, W),
    RUN: (None, None, None, DONE, R, DEAD, R, QUA, None, W),
    DONE: (None, None, None, None, None, None, None, None, None, None),
    DEAD: (None, None, None, None, None, None, None, None, R, W),
    QUA: (None, None, None, None, None, None, None, None, R, W),
    W: (None, None, None, None, None, None, None, None, None, None),
}
CELLS = [(state, event, EXPECTED[state][column]) for state in WorkState for column, event in enumerate(WorkEvent)]


@pytest.mark.parametrize(("state", "event", "following"), CELLS)
def test_each_cell_of_the_table_of_work(state, event, following):
    assert next_work_state(state, event) is following


def test_the_table_of_work_has_no_other_cell():
    assert set(WORK_TRANSITIONS) == {(state, event) for state, event, following in CELLS if following is not None}


REVISIONS = {
    (RevisionState.COLLECTING, RevisionEvent.CLOSED): RevisionState.COMPLETE,
    (RevisionState.COMPLETE, RevisionEvent.OVERTAKEN): RevisionState.SUPERSEDED,
}


@pytest.mark.parametrize(("state", "event"), list(product(RevisionState, RevisionEvent)))
def test_each_cell_of_the_table_of_revisions(state, event):
    assert REVISION_TRANSITIONS.get((state, event)) is REVISIONS.get((state, event))


def test_what_is_settled_waits_for_no_machine():
    by_machine = {WorkEvent.ENQUEUED, WorkEvent.MESSAGE_LOST, WorkEvent.CLAIMED, WorkEvent.COMPLETED}

    assert {DONE, DEAD, QUA, W} == SETTLED
    assert all(next_work_state(state, event) is None for state in SETTLED for event in by_machine)


def test_only_what_was_given_up_can_be_requeued():
    assert {state for state in WorkState if next_work_state(state, WorkEvent.REQUEUED)} == GIVEN_UP


@pytest.mark.parametrize("state", [R, Q, RUN])
def test_what_runs_on_can_always_be_overtaken(state):
    assert next_work_state(state, WorkEvent.OVERTAKEN) is W


@pytest.mark.parametrize(
    ("revision", "work", "shown"),
    [
        (RevisionState.COLLECTING, [], StudyState.RECEIVING),
        (RevisionState.COLLECTING, [RUN], StudyState.RECEIVING),
        (RevisionState.COMPLETE, [], StudyState.DONE),
        (RevisionState.COMPLETE, [R], StudyState.WORKING),
        (RevisionState.COMPLETE, [DONE, Q], StudyState.WORKING),
        (RevisionState.COMPLETE, [DEAD, RUN], StudyState.WORKING),
        (RevisionState.COMPLETE, [DONE, DONE], StudyState.DONE),
        (RevisionState.COMPLETE, [DONE, DEAD], StudyState.FAILED),
        (RevisionState.COMPLETE, [QUA], StudyState.FAILED),
        (RevisionState.SUPERSEDED, [W, DONE], StudyState.DONE),
    ],
)
def test_what_a_study_shows_follows_from_its_work(revision, work, shown):
    assert study_state(revision, work) is shown
