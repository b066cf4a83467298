"""How long a function took is known afterwards."""

from __future__ import annotations

import pytest

from workers.timed import Timed


def test_calls_are_handed_on_and_their_time_is_added_up():
    clock = iter([0.0, 1.0, 10.0, 13.0])
    timed = Timed(lambda first, *, second: (first, second), monotonic=lambda: next(clock))

    assert timed.seconds is None
    assert timed(1, second=2) == (1, 2)
    assert timed.seconds == 1.0
    assert timed(3, second=4) == (3, 4)
    assert timed.seconds == 4.0


def test_a_call_that_fails_is_timed_as_well():
    clock = iter([0.0, 1.0])

    def fail() -> None:
        raise ValueError("broken")

    timed = Timed(fail, monotonic=lambda: next(clock))

    with pytest.raises(ValueError, match="broken"):
        timed()
    assert timed.seconds == 1.0
