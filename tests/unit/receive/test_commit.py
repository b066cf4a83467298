"""The group commit: together where it helps, alone where one would harm the others."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from node.domain.errors import TransientFailure
from node.domain.ports import Recorded
from node.domain.study import Instance
from node.receive.commit import TRIES, GroupCommit, Turn
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


def commit_in_threads(commit: GroupCommit, instances: Sequence[Instance]) -> list[threading.Thread]:
    threads = [threading.Thread(target=_quietly, args=(commit, each)) for each in instances]
    for thread in threads:
        thread.start()
    return threads


def _quietly(commit: GroupCommit, instance: Instance) -> None:
    try:
        commit.commit([instance])
    except ZeroDivisionError:
        return


def test_what_comes_during_a_commit_shares_the_next_one() -> None:
    index = GatedIndex()
    commit = GroupCommit(index, nullcontext())
    instances = ct_instances(range(5))

    threads = commit_in_threads(commit, instances[:1])
    assert index.entered.wait(20)
    threads += commit_in_threads(commit, instances[1:])
    wait_until(lambda: len(commit._waiting) == 4, "the others to wait")
    index.gate.set()
    for thread in threads:
        thread.join()

    assert index.batches == [1, 4]
    assert len(index.instances) == 5


def test_each_gets_its_own_verdict() -> None:
    commit = GroupCommit(MemoryIndex(), nullcontext())
    (first,) = ct_instances(range(1))

    assert commit.commit([first]) == (Recorded.NEW,)


def test_a_failure_that_passes_is_tried_again() -> None:
    index = FlakyIndex(failures=TRIES - 1)

    assert GroupCommit(index, nullcontext()).commit(ct_instances(range(1))) == (Recorded.NEW,)


def test_a_failure_that_stays_is_told() -> None:
    index = FlakyIndex(failures=TRIES)

    with pytest.raises(TransientFailure):
        GroupCommit(index, nullcontext()).commit(ct_instances(range(1)))


def test_one_that_cannot_be_recorded_does_not_harm_the_others() -> None:
    instances = ct_instances(range(4))
    index = ChokingIndex(poison=instances[2].sop_instance_uid)
    commit = GroupCommit(index, nullcontext())

    threads = commit_in_threads(commit, instances[:1])
    assert index.entered.wait(20)
    threads += commit_in_threads(commit, instances[1:])
    wait_until(lambda: len(commit._waiting) == 3, "the others to wait")
    index.gate.set()
    for thread in threads:
        thread.join()

    assert index.batches == [1, 3, 1, 1, 1]


def take_turn(file: Path, told: Connection) -> None:
    """Enter a turn and stay in it."""
    with Turn(file):
        told.send("in")
        signal.pause()


def test_one_process_at_a_time_has_its_turn_and_death_ends_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    other = context.Process(target=take_turn, args=(tmp_path / "turn", writer))
    other.start()
    assert reader.recv() == "in"
    turn, entered = Turn(tmp_path / "turn"), threading.Event()

    def enter() -> None:
        with turn:
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    was_in_before = entered.wait(0.2)
    other.kill()
    other.join()

    assert not was_in_before
    assert entered.wait(20)
    waiting.join()
    turn.close()
    reader.close()
    writer.close()
    other.close()
