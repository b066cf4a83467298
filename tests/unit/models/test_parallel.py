"""Work on several threads gives what it gives on one, and a failure comes out and holds nothing back."""

import contextlib
import gc
import threading
import weakref

import numpy as np
import pytest
import torch

from models.parallel import for_each, side_by_side


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_answers_come_in_the_order_of_the_items(threads):
    assert for_each(lambda number: number * number, range(20)) == [number * number for number in range(20)]


def test_both_answers_come_back(threads):
    assert side_by_side(lambda: "first", lambda: 2) == ("first", 2)


def test_two_functions_run_at_the_same_time_where_two_threads_are_allowed():
    both_are_there = threading.Barrier(2, timeout=10.0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        side_by_side(both_are_there.wait, both_are_there.wait)
    finally:
        torch.set_num_threads(before)


def fail() -> None:
    raise MemoryError("no room")


@pytest.mark.parametrize("pair", [(fail, int), (int, fail), (fail, fail)])
def test_a_failure_comes_out(threads, pair):
    with pytest.raises(MemoryError, match="no room"):
        side_by_side(*pair)


@pytest.mark.parametrize("pair", [(fail, int), (int, fail)])
def test_a_failure_holds_no_scan_back(threads, pair):
    def stage() -> weakref.ref:
        scan = np.zeros(8)
        with contextlib.suppress(MemoryError):
            side_by_side(*(lambda work=work: (scan, work()) for work in pair))
        return weakref.ref(scan)

    gc.disable()
    try:
        assert stage()() is None
    finally:
        gc.enable()
