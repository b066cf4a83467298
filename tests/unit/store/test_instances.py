"""What the listener hands over is recorded once, durable, in the right revision."""

import pytest
from sqlalchemy import select

from node.domain.identifiers import Uid
from node.domain.ports import Recorded
from node.store.engine import reading
from node.store.history import history_of
from node.store.history_kinds import HistoryKind
from node.store.instances import SqlInstanceIndex
from node.store.schema import conflict, instance, revision, study
from node.store.studies import SqlStudyReader
from tests.builders.index import NOON, an_instance, ct_facts, ct_instances, seconds, uid


@pytest.fixture
def index(engine):
    return SqlInstanceIndex(engine)


def close_revisions(engine) -> None:
    with engine.begin() as connection:
        connection.execute(study.update().values(collecting=None))
        connection.execute(revision.update().values(state="complete"))


def arrived_in(engine) -> dict[Uid, int]:
    with reading(engine) as connection:
        return {row.sop_instance_uid: row.revision for row in connection.execute(select(instance))}


def test_an_empty_batch_records_nothing(index):
    assert index.record([]) == ()


def test_the_first_image_opens_the_first_revision(engine, index):
    verdicts = index.record([an_instance(1, at=NOON)])

    assert verdicts == (Recorded.NEW,)
    with reading(engine) as connection:
        row = connection.execute(select(revision)).one()
    assert (row.number, row.state, row.opened_at) == (1, "collecting", NOON)


def test_what_is_recorded_comes_back_as_it_was(engine, index, tmp_path):
    first = an_instance(1, facts=ct_facts(1, kernel=None, contrast_agent=None, gantry_tilt=-12.5))

    index.record([first])

    study_back = SqlStudyReader(engine, tmp_path).study(first.study_uid, 1)
    assert study_back is not None
    assert study_back.series[0].instances == (first,)


def test_the_same_bytes_again_change_nothing(engine, index):
    index.record([an_instance(1)])
    close_revisions(engine)

    verdicts = index.record([an_instance(1, at=NOON + seconds(90))])

    assert verdicts == (Recorded.SAME,)
    with reading(engine) as connection:
        assert connection.execute(select(revision.c.number)).scalars().all() == [1]


def test_other_bytes_under_one_identifier_are_a_conflict_and_the_first_stays(engine, index):
    index.record([an_instance(1, content="first")])

    verdicts = index.record([an_instance(1, content="second")])

    assert verdicts == (Recorded.DIFFERENT,)
    with reading(engine) as connection:
        kept = connection.execute(select(instance.c.digest)).scalar_one()
        aside = connection.execute(select(conflict)).one()
    assert kept == an_instance(1, content="first").digest
    assert (aside.digest, aside.file) == (
        an_instance(1, content="second").digest,
        an_instance(1, content="second").file,
    )


def test_one_conflict_that_is_sent_again_and_again_is_told_once(engine, index):
    index.record([an_instance(1, content="first")])

    for _ in range(3):
        index.record([an_instance(1, content="second")])

    with reading(engine) as connection:
        assert len(connection.execute(select(conflict)).all()) == 1
        told = [entry.what for entry in history_of(connection, uid("1"))]
    assert told == [HistoryKind.OPENED, HistoryKind.CONFLICT]


def test_duplicates_within_one_batch_are_seen(index):
    verdicts = index.record(
        [an_instance(1, content="a"), an_instance(1, content="a"), an_instance(1, content="b"), an_instance(2)]
    )

    assert verdicts == (Recorded.NEW, Recorded.SAME, Recorded.DIFFERENT, Recorded.NEW)


def test_images_go_to_the_revision_that_collects(engine, index):
    index.record(ct_instances(range(3)))

    index.record(ct_instances(range(3, 6)))

    assert set(arrived_in(engine).values()) == {1}


def test_a_late_slice_makes_a_new_revision(engine, index):
    index.record(ct_instances(range(3)))
    close_revisions(engine)

    index.record(ct_instances(range(3, 5), at=NOON + seconds(900)))

    assert sorted(arrived_in(engine).values()) == [1, 1, 1, 2, 2]
    with reading(engine) as connection:
        row = connection.execute(select(study)).one()
    assert (row.newest, row.collecting) == (2, 2)


def test_a_batch_of_several_studies_opens_a_revision_for_each(engine, index):
    index.record([*ct_instances(range(2), study="1"), *ct_instances(range(2), study="2", series="2.1")])

    with reading(engine) as connection:
        assert connection.execute(select(revision.c.study_uid).order_by(revision.c.study_uid)).scalars().all() == [
            uid("1"),
            uid("2"),
        ]


def test_our_own_objects_that_come_back_open_no_revision(engine, index):
    index.record([an_instance(1)])
    close_revisions(engine)

    verdict = index.record([an_instance(9, series="1.9", facts=ct_facts(modality="SR", made_by_node=True))])

    assert verdict == (Recorded.NEW,)
    assert set(arrived_in(engine).values()) == {1}


def test_our_own_objects_of_an_unknown_study_are_recorded_too(engine, index):
    index.record([an_instance(9, series="1.9", facts=ct_facts(modality="SR", made_by_node=True))])

    assert set(arrived_in(engine).values()) == {1}


def test_a_file_is_found_as_of_its_revision(engine, index, tmp_path):
    index.record(ct_instances(range(2)))
    close_revisions(engine)
    index.record(ct_instances([2]))
    for each in ct_instances(range(3)):
        path = tmp_path / each.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    reader = SqlStudyReader(engine, tmp_path)

    counts = [len(reader.files(uid("1"), number, uid("1.1"))) for number in (1, 2)]

    assert counts == [2, 3]
