"""The group commit: together where it helps, alone where one would harm the others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from node.domain.errors import TransientFailure
from node.domain.ports import Recorded
from node.domain.study import Instance
from node.receive.commit import TRIES, GroupCommit
from tests.builders.index import ct_instances
from tests.builders.memory_index import MemoryIndex
from tests.peers import wait_until


@dataclass
class GatedIndex(MemoryIndex):
    """Its first record waits until the gate opens."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        self.entered.set()
        self.gate.wait(20)
        return super().record(batch)


@dataclass
class FlakyIndex(MemoryIndex):
    """Fails so many times before it works."""

    failures: int = 0

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        if self.failures:
            self.failures -= 1
            raise TransientFailure("locked")
        return super().record(batch)


@dataclass
class ChokingIndex(GatedIndex):
    """Cannot digest one instance."""

    poison: str = ""

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        recorded = super().record(batch)
        if any(each.sop_instance_uid == self.poison for each in batch):
            raise ZeroDivisionError
        return recorded


def commit_in_threads(commit: GroupCommit, instances: Sequence[Instance], folder: Path) -> list[threading.Thread]:
    threads = [threading.Thread(target=_quietly, args=(commit, each, folder)) for each in instances]
    for thread in threads:
        thread.start()
    return threads


def _quietly(commit: GroupCommit, instance: Instance, folder: Path) -> None:
    try:
        commit.commit([instance], folder)
    except ZeroDivisionError:
        return


def test_what_comes_during_a_commit_shares_the_next_one(tmp_path: Path) -> None:
    index = GatedIndex()
    commit = GroupCommit(index)
    instances = ct_instances(range(5))

    threads = commit_in_threads(commit, instances[:1], tmp_path)
    assert index.entered.wait(20)
    threads += commit_in_threads(commit, instances[1:], tmp_path)
    wait_until(lambda: len(commit._waiting) == 4, "the others to wait")
    index.gate.set()
    for thread in threads:
        thread.join()

    assert index.batches == [1, 4]
    assert len(index.instances) == 5


def test_each_gets_its_own_verdict(tmp_path: Path) -> None:
    commit = GroupCommit(MemoryIndex())
    (first,) = ct_instances(range(1))

    assert commit.commit([first], tmp_path) == (Recorded.NEW,)


def test_a_failure_that_passes_is_tried_again(tmp_path: Path) -> None:
    index = FlakyIndex(failures=TRIES - 1)

    assert GroupCommit(index).commit(ct_instances(range(1)), tmp_path) == (Recorded.NEW,)


def test_a_failure_that_stays_is_told(tmp_path: Path) -> None:
    index = FlakyIndex(failures=TRIES)

    with pytest.raises(TransientFailure):
        GroupCommit(index).commit(ct_instances(range(1)), tmp_path)


def test_one_that_cannot_be_recorded_does_not_harm_the_others(tmp_path: Path) -> None:
    instances = ct_instances(range(4))
    index = ChokingIndex(poison=instances[2].sop_instance_uid)
    commit = GroupCommit(index)

    threads = commit_in_threads(commit, instances[:1], tmp_path)
    assert index.entered.wait(20)
    threads += commit_in_threads(commit, instances[1:], tmp_path)
    wait_until(lambda: len(commit._waiting) == 3, "the others to wait")
    index.gate.set()
    for thread in threads:
        thread.join()

    assert index.batches == [1, 3, 1, 1, 1]
