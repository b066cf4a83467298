"""Readers get the files of a series, or hear what is wrong."""

import pytest

from node.domain.acquisition import Acquisition
from node.domain.errors import Bug, TransientFailure
from node.domain.study import input_digest
from node.store.instances import SqlInstanceIndex
from node.store.studies import SqlStudyReader
from tests.builders.index import ct_instances, uid


@pytest.fixture
def reader(engine, tmp_path):
    SqlInstanceIndex(engine).record(ct_instances(range(3)))
    return SqlStudyReader(engine, tmp_path)


def test_a_series_that_the_index_does_not_know_is_a_bug(reader):
    with pytest.raises(Bug, match="no such series"):
        reader.files(uid("1"), 1, uid("7.7"))
    with pytest.raises(Bug, match="no such series"):
        reader.input_digest(uid("1"), 1, uid("7.7"))
    with pytest.raises(Bug, match="no such series"):
        reader.acquisition(uid("1"), 1, uid("7.7"))


def test_an_acquisition_is_what_the_index_knows_of_the_instances(reader):
    series = reader.series(uid("1"), 1, uid("1.1"))

    assert reader.acquisition(uid("1"), 1, uid("1.1")) == Acquisition.of(series)
    assert Acquisition.of(series).kvp == 120.0


def test_files_that_are_not_there_now_are_a_transient_failure(reader):
    with pytest.raises(TransientFailure, match="3 of 3 files"):
        reader.files(uid("1"), 1, uid("1.1"))


def test_the_input_digest_is_that_of_the_instances(reader):
    expected = input_digest(each.digest for each in ct_instances(range(3)))

    assert reader.input_digest(uid("1"), 1, uid("1.1")) == expected


def test_a_study_that_is_not_there_is_none(reader):
    assert reader.study(uid("2"), 1) is None
    assert reader.choice(uid("1"), 1, "ct-bone") is None
    assert reader.series(uid("1"), 1, uid("7.7")) is None
