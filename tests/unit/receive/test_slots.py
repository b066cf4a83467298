"""The shared limit, also when a process that holds a part of it dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from node.receive.slots import AssociationSlots


def hold(file: Path, count: int, take: int, told: Connection) -> None:
    """Take slots, say how many, and wait to be killed."""
    slots = AssociationSlots(file, count)
    told.send([slots.take() for _ in range(take)])
    signal.pause()


def test_no_more_slots_than_there_are(tmp_path: Path) -> None:
    slots = AssociationSlots(tmp_path / "slots", 2)

    taken = [slots.take() for _ in range(3)]

    assert sorted(each for each in taken if each is not None) == [0, 1]
    assert taken[2] is None
    assert slots.taken_here() == 2
    slots.close()


def test_a_slot_that_was_given_back_is_free(tmp_path: Path) -> None:
    slots = AssociationSlots(tmp_path / "slots", 1)
    first = slots.take()
    assert first is not None

    slots.give_back(first)

    assert slots.take() == first
    slots.close()


def test_other_processes_count_and_their_death_frees_what_they_held(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    other = context.Process(target=hold, args=(tmp_path / "slots", 3, 2, writer))
    other.start()
    assert reader.recv() == [0, 1]
    slots = AssociationSlots(tmp_path / "slots", 3)

    before = [slots.take(), slots.take()]
    assert other.pid is not None
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    after = [slots.take(), slots.take(), slots.take()]

    assert before == [2, None]
    assert after == [0, 1, None]
    slots.close()
    reader.close()
    writer.close()
    other.close()
