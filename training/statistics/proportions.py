"""Shares of cases."""

from __future__ import annotations

from scipy import stats

from training.statistics.estimate import CONFIDENCE, Estimate, Interval, NotEstimable


def share(hits: int, cases: int) -> Estimate | NotEstimable:
    """A proportion with its Wilson interval (Wilson, JASA 1927;22:209-212), which is honest for few cases as well.

    Raises
    ------
    ValueError
        Where there are more hits than cases.
    """
    if not 0 <= hits <= cases:
        raise ValueError(f"hits must be 0 to the number of cases, got {hits} of {cases}")
    if cases == 0:
        return NotEstimable(because="no cases")
    found = stats.binomtest(hits, cases).proportion_ci(confidence_level=CONFIDENCE, method="wilson")
    interval = Interval(low=float(found.low), high=float(found.high), method="Wilson 1927")
    return Estimate(value=hits / cases, interval=interval, cases=cases)
