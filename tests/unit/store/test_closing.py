"""A study is closed when it is complete, with a series chosen or the reasons why none was."""

import datetime
import logging

import pytest
from sqlalchemy import select

from node.domain.completeness import CompletionCause
from node.domain.errors import ConfigurationError
from node.domain.selection import NoSuitableSeries, SelectionRule, SeriesChoice
from node.domain.state import RevisionState, StudyState
from node.domain.work import CT_BONE, Stage
from node.store import closing
from node.store.closing import RevisionCloser
from node.store.engine import reading
from node.store.overview import OverviewReader
from node.store.schema import revision
from tests.builders.index import uid
from tests.builders.index_node import COMPLETENESS, CT_RULE, PSEUDONYMS, IndexNode
from tests.builders.index_told import decisions, revisions


def test_a_study_stays_open_while_images_arrive(node):
    node.receive(range(20))
    node.sweep(59)
    node.receive(range(20, 40))

    swept = node.sweep(59)

    assert (swept.active, swept.closed) == (True, 0)
    assert revisions(node) == [RevisionState.COLLECTING]


def test_a_sweep_tells_when_the_next_quiet_period_ends(node):
    assert node.sweep().next_closing_at is None
    node.receive(study="1")
    first_ends_at = node.now() + datetime.timedelta(seconds=60)
    assert node.sweep(20).next_closing_at == first_ends_at
    node.receive(study="2", series="2.1")
    second_ends_at = node.now() + datetime.timedelta(seconds=60)

    assert node.sweep(10).next_closing_at == first_ends_at
    assert node.sweep(30).next_closing_at == second_ends_at


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


def test_a_pipeline_without_rules_leaves_studies_alone(engine, clock, queue):
    node = IndexNode(engine=engine, clock=clock, queue=queue, rules=())

    node.complete_study()

    assert (node.work(), revisions(node)) == ((), [RevisionState.COMPLETE])
    assert CT_BONE not in [decision.pipeline for decision in decisions(node)]
