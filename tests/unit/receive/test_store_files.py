"""Paths are made of identifiers alone, and names are never taken from another file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import Uid
from node.store.files import DurableFolders, link_into_place
from node.store.layout import StoreLayout

LAYOUT = StoreLayout(root=Path("/store"))


def test_an_instance_lies_below_its_study_and_series() -> None:
    file = LAYOUT.instance(Uid("1.2"), Uid("1.2.3"), Uid("1.2.3.4"))

    kind, shard, *rest = file.split("/")
    assert kind == "instances"
    assert len(shard) == 2
    assert rest == ["1.2", "1.2.3", "1.2.3.4.dcm"]
    assert LAYOUT.absolute(file) == Path("/store") / file


def test_a_conflict_is_named_by_its_bytes() -> None:
    one = LAYOUT.conflict(Uid("1.2"), "a" * 64)

    assert one != LAYOUT.conflict(Uid("1.2"), "b" * 64)
    assert one.startswith("conflicts/")


@pytest.mark.parametrize("text", ["../1.2", "1.2/3", "1.2\x00", "", ".", "..", "1" * 65])
def test_what_could_leave_the_store_is_no_identifier(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        LAYOUT.instance(Uid(text), Uid("1.2"), Uid("1.3"))


def test_a_name_that_is_taken_is_left_to_its_file(tmp_path: Path) -> None:
    first, second, target = tmp_path / "first", tmp_path / "second", tmp_path / "target"
    first.write_text("first")
    second.write_text("second")

    assert link_into_place(first, target)
    assert not link_into_place(second, target)
    assert target.read_text() == "first"


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    folders = DurableFolders(tmp_path)

    folders.make(tmp_path / "a" / "b" / "c")
    folders.make(tmp_path / "a" / "b" / "d")

    assert (tmp_path / "a" / "b" / "c").is_dir()
    assert (tmp_path / "a" / "b" / "d").is_dir()


def test_a_folder_that_went_away_is_made_again(tmp_path: Path) -> None:
    folders = DurableFolders(tmp_path)
    folders.make(tmp_path / "a" / "b")
    shutil.rmtree(tmp_path / "a")

    folders.forget()
    folders.make(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_outside_of_the_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="subpath"):
        DurableFolders(tmp_path / "store").make(tmp_path / "elsewhere")
