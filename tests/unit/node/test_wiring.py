"""The sweeper sleeps no longer than what waits for it."""

from __future__ import annotations

import datetime

import pytest

from node.wiring import SWEEP_EVERY_S, sweep_pause_s

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("seconds_ahead", "expected_s"),
    [(None, SWEEP_EVERY_S), (10.0, SWEEP_EVERY_S), (0.03, 0.03), (0.0, 0.0), (-5.0, 0.0)],
)
def test_the_sweeper_sleeps_until_the_next_quiet_period_ends(seconds_ahead: float | None, expected_s: float) -> None:
    ends_at = None if seconds_ahead is None else NOW + datetime.timedelta(seconds=seconds_ahead)

    assert sweep_pause_s(ends_at, now=NOW) == pytest.approx(expected_s)
