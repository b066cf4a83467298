"""UIDs follow from the work."""

from dataclasses import replace

import pytest

from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.result import Result
from node.encode.uids import Named, derived_uid, level_tracking_uid, object_uid, unnamed_tracking_uid, work_digest
from tests.builders.ct import CtSpec
from tests.builders.results import assessed_result, not_evaluable_result, provenance


def report_uid(result: Result) -> str:
    return object_uid(work_digest(result), ObjectKind.SR, Named.INSTANCE)


def with_other_weights(result: Result) -> Result:
    (model,) = result.provenance.models
    return replace(result, provenance=replace(result.provenance, models=(replace(model, weights_sha256="ef" * 32),)))


def test_the_same_work_gives_the_same_uid():
    first, second = assessed_result(CtSpec()), assessed_result(CtSpec())

    assert report_uid(first) == report_uid(second)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda result: replace(result, input_digest="34" * 32), id="input"),
        pytest.param(lambda result: replace(result, pipeline="xr-fracture"), id="pipeline"),
        pytest.param(with_other_weights, id="weights"),
        pytest.param(lambda result: replace(result, provenance=provenance(code_version="0.2.0")), id="code"),
        pytest.param(lambda result: replace(result, provenance=provenance(IntendedUse.CLINICAL)), id="intended use"),
        pytest.param(
            lambda result: replace(result, provenance=replace(result.provenance, configuration_sha256="99" * 32)),
            id="configuration",
        ),
        pytest.param(lambda result: replace(result, study_uid="1.2.3"), id="study"),
    ],
)
def test_other_work_gives_another_uid(change):
    result = assessed_result(CtSpec())

    assert report_uid(change(result)) != report_uid(result)


def test_a_late_image_that_was_not_analysed_does_not_rename_the_work():
    result = assessed_result(CtSpec())

    assert report_uid(replace(result, revision=2)) == report_uid(result)


def test_a_study_without_a_suitable_series_is_named_by_its_revision():
    result = replace(not_evaluable_result(CtSpec()), series_uid=None)

    assert report_uid(replace(result, revision=2)) != report_uid(result)


def test_kinds_instances_and_series_have_uids_of_their_own():
    work = work_digest(assessed_result(CtSpec()))

    uids = {object_uid(work, kind, named) for kind in ObjectKind for named in Named}

    assert len(uids) == len(ObjectKind) * len(Named)


def test_a_level_keeps_its_tracking_uid_in_later_studies_of_the_patient():
    first = level_tracking_uid("patient a", "ct-bone", VertebralLevel.L1, "vertebral body")

    assert first == level_tracking_uid("patient a", "ct-bone", VertebralLevel.L1, "vertebral body")
    assert first != level_tracking_uid("patient b", "ct-bone", VertebralLevel.L1, "vertebral body")
    assert first != level_tracking_uid("patient a", "xr-fracture", VertebralLevel.L1, "vertebral body")
    assert first != level_tracking_uid("patient a", "ct-bone", VertebralLevel.L2, "vertebral body")
    assert first != level_tracking_uid("patient a", "ct-bone", VertebralLevel.L1, "trabecular core")


def test_a_vertebra_without_a_level_is_not_tracked_beyond_its_work():
    assert unnamed_tracking_uid("work 1", 3, "vertebral body") != unnamed_tracking_uid("work 2", 3, "vertebral body")


def test_parts_that_run_into_each_other_give_different_uids():
    assert derived_uid("a", "bc") != derived_uid("ab", "c")


def test_a_uid_is_an_integer_of_at_most_128_bits_below_2_25():
    root, number = derived_uid("anything").rsplit(".", 1)

    assert root == "2.25"
    assert 0 <= int(number) < 2**128
