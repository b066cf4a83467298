"""Pieces of work and their order."""

import math
from dataclasses import replace

import pytest

from node.domain.study import Priority, Series
from node.domain.work import ASIDE, CT_BONE, LONGEST_TIME_LIMIT_S, PIPELINES, STAGES, Stage, WorkItem, following
from tests.builders.index import a_study, an_instance, ct_facts, uid


@pytest.mark.parametrize(
    ("done", "assessable", "next_stage"),
    [
        (Stage.SEGMENT, True, Stage.SCREEN_BMD),
        (Stage.SEGMENT, False, Stage.ENCODE),
        (Stage.SCREEN_BMD, True, Stage.ENCODE),
        (Stage.SCREEN_BMD, False, Stage.ENCODE),
        (Stage.ENCODE, True, None),
        (Stage.ENCODE, False, None),
    ],
)
def test_what_follows_in_ct_bone(done, assessable, next_stage):
    assert following(CT_BONE, done, assessable=assessable) is next_stage


def test_nothing_that_a_result_waits_for_comes_after_what_is_made_aside():
    results = set(Stage) - ASIDE

    assert all(STAGES[stage].after <= results for stage in results)


def test_every_stage_is_described_once_and_has_its_own_task():
    assert set(STAGES) == set(Stage)
    assert len({spec.task for spec in STAGES.values()}) == len(Stage)
    assert max(spec.time_limit_s for spec in STAGES.values()) == LONGEST_TIME_LIMIT_S


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_each_stage_of_a_pipeline_comes_after_what_it_needs(pipeline):
    stages = PIPELINES[pipeline]

    assert all(STAGES[stage].after <= set(stages[:place]) for place, stage in enumerate(stages))


@pytest.mark.parametrize(
    ("stage", "delivery"),
    [
        (Stage.DELIVER, {}),
        (Stage.DELIVER_PICTURE, {}),
        (Stage.DELIVER, {"object_uid": uid(1)}),
        (Stage.SEGMENT, {"destination": "pacs"}),
    ],
)
def test_a_delivery_and_only_a_delivery_has_an_object_and_a_destination(stage, delivery):
    with pytest.raises(ValueError, match="delivery"):
        WorkItem(
            work_id=1,
            study_uid=uid(1),
            revision=1,
            pipeline=CT_BONE,
            stage=stage,
            priority=Priority.ROUTINE,
            **delivery,
        )


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_a_fact_that_is_no_finite_number_is_unknown(strange):
    facts = ct_facts(kvp=strange, position=(0.0, strange, 0.0), slice_thickness=strange)

    assert (facts.kvp, facts.position, facts.slice_thickness) == (None, None, None)
    assert facts.pixel_spacing == (0.9, 0.9)


def test_a_study_counts_its_revisions_from_one():
    with pytest.raises(ValueError, match="from 1"):
        a_study(revision=0)


def received(number: int, patient: str, *, own: bool = False) -> Series:
    """A series of one instance of the patient."""
    instance = an_instance(1, series=f"1.{number}", patient=patient, facts=ct_facts(made_by_node=own))
    return Series(series_uid=instance.series_uid, instances=(instance,))


def test_patients_of_a_study_are_told_apart():
    assert len(a_study(received(1, "one"), received(2, "one")).patients) == 1
    assert len(a_study(received(1, "one"), received(2, "another")).patients) == 2


def test_a_result_that_an_archive_returns_under_a_corrected_identity_is_no_other_patient():
    study = a_study(received(1, "one"), received(2, "corrected", own=True))

    assert study.patients == a_study(received(1, "one")).patients


@pytest.mark.parametrize("wrong", [{"digest": "short"}, {"received_at": "naive"}])
def test_an_instance_without_digest_or_time_zone_is_refused(wrong):
    instance = an_instance()
    if "received_at" in wrong:
        wrong = {"received_at": instance.received_at.replace(tzinfo=None)}

    with pytest.raises(ValueError, match="must"):
        replace(instance, **wrong)
