"""Work on several threads gives what it gives on one, and a failure comes out."""

import pytest
import torch

from models.parallel import for_each


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_answers_come_in_the_order_of_the_items(threads):
    assert for_each(lambda number: number * number, range(20)) == [number * number for number in range(20)]


def fail(number: int) -> None:
    if number == 3:
        raise MemoryError("no room")


def test_a_failure_comes_out(threads):
    with pytest.raises(MemoryError, match="no room"):
        for_each(fail, range(5))
