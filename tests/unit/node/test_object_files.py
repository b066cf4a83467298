"""Objects lie in the store under names of their own."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from blake3 import blake3

from node.domain.identifiers import Uid
from node.domain.study import Priority
from node.domain.work import CT_BONE, Lease, Stage, WorkItem
from node.object_files import ObjectFiles

UID = Uid("2.25.1")


def lease(token: int) -> Lease:
    """A lease of the encoding of a study."""
    item = WorkItem(
        work_id=5,
        study_uid=Uid("1.2.3"),
        revision=1,
        pipeline=CT_BONE,
        stage=Stage.ENCODE,
        priority=Priority.ROUTINE,
    )
    return Lease(item=item, token=token, worker="w", expires_at=datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC))


def test_an_object_is_found_under_its_name_with_its_hash(tmp_path: Path) -> None:
    written = ObjectFiles(tmp_path).write(lease(1), UID, b"content")

    assert (tmp_path / written.file).read_bytes() == b"content"
    assert written.digest == blake3(b"content").hexdigest()


def test_workers_with_different_tokens_do_not_write_over_each_other(tmp_path: Path) -> None:
    files = ObjectFiles(tmp_path)

    stale, current = files.write(lease(1), UID, b"stale"), files.write(lease(2), UID, b"current")

    assert (tmp_path / stale.file).read_bytes() == b"stale"
    assert (tmp_path / current.file).read_bytes() == b"current"


def test_a_file_is_never_written_twice(tmp_path: Path) -> None:
    files = ObjectFiles(tmp_path)
    files.write(lease(1), UID, b"first")

    with pytest.raises(FileExistsError):
        files.write(lease(1), UID, b"second")
