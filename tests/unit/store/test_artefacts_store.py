"""Artefacts are written once and read only as they were written."""

import pytest
from blake3 import blake3

from node.domain.errors import Bug, TransientFailure
from node.domain.study import Priority
from node.domain.work import CT_BONE, Lease, Stage, WorkItem
from node.store.artefacts_store import FileArtefactStore
from tests.builders.index import NOON, uid


def a_lease(token: int = 1) -> Lease:
    item = WorkItem(
        work_id=1, study_uid=uid("1"), revision=2, pipeline=CT_BONE, stage=Stage.SEGMENT, priority=Priority.ROUTINE
    )
    return Lease(item=item, token=token, worker="worker", expires_at=NOON)


def test_an_artefact_lies_under_its_study_revision_pipeline_stage_and_token(tmp_path):
    artefact = FileArtefactStore(tmp_path).write(a_lease(3), "labels.osl", b"content")

    assert artefact.file == f"artefacts/{uid('1')}/2/ct-bone/segment-3/labels.osl"
    assert (artefact.size, artefact.digest) == (7, blake3(b"content").hexdigest())
    assert (tmp_path / artefact.file).read_bytes() == b"content"


def test_an_artefact_is_read_by_another_process(tmp_path):
    artefact = FileArtefactStore(tmp_path).write(a_lease(), "findings.json", b"{}")

    assert FileArtefactStore(tmp_path).read(artefact) == b"{}"


def test_a_worker_that_lost_its_lease_cannot_overwrite_its_successor(tmp_path):
    store = FileArtefactStore(tmp_path)
    new = store.write(a_lease(2), "labels.osl", b"new")

    store.write(a_lease(1), "labels.osl", b"old")

    assert store.read(new) == b"new"


def test_a_changed_file_is_not_given_out(tmp_path):
    store = FileArtefactStore(tmp_path)
    artefact = store.write(a_lease(), "labels.osl", b"content")
    (tmp_path / artefact.file).write_bytes(b"CONTENT")

    with pytest.raises(TransientFailure, match="hash"):
        store.read(artefact)


def test_a_missing_file_is_a_transient_failure(tmp_path):
    store = FileArtefactStore(tmp_path)
    artefact = store.write(a_lease(), "labels.osl", b"content")
    (tmp_path / artefact.file).unlink()

    with pytest.raises(TransientFailure, match="cannot be read"):
        store.read(artefact)


@pytest.mark.parametrize("name", ["../labels", "a/b", "", ".hidden", "x" * 200, "nul\0"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(Bug, match="letters"):
        FileArtefactStore(tmp_path).write(a_lease(), name, b"")


def test_a_store_that_cannot_be_written_is_a_transient_failure(tmp_path):
    (tmp_path / "artefacts").write_bytes(b"a file where a folder should be")

    with pytest.raises(TransientFailure, match="could not be written"):
        FileArtefactStore(tmp_path).write(a_lease(), "labels.osl", b"")


def test_a_write_leaves_nothing_but_the_artefact(tmp_path):
    artefact = FileArtefactStore(tmp_path).write(a_lease(), "labels.osl", b"content")

    assert [path.name for path in (tmp_path / artefact.file).parent.iterdir()] == ["labels.osl"]
