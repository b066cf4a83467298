"""Measurements of bone density against quantitative CT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.screening_report.judged import Judged
from training.statistics.agreement import BlandAltman, bland_altman, correlation
from training.statistics.estimate import Figure, NotEstimable

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a measurement has to do with quantitative CT.

    Parameters
    ----------
    measured
        Bias and limits of the node's own density, mg/cm3, against quantitative CT.
    measured_correlation, plain_correlation
        r of that density, and of the plain CT number of L1, with quantitative CT.
    """

    measured: BlandAltman | NotEstimable
    measured_correlation: Figure
    plain_correlation: Figure


def agreement_of(judged: Sequence[Judged]) -> Agreement:
    """Measurements against quantitative CT, where both are there."""
    known = [each for each in judged if each.scan.qct_mg_cm3 is not None]
    both = [each for each in known if each.scan.measured_mg_cm3 is not None]
    truth = _column(both, lambda each: each.scan.qct_mg_cm3)
    measured = _column(both, lambda each: each.scan.measured_mg_cm3)
    return Agreement(
        measured=bland_altman(measured, truth),
        measured_correlation=correlation(measured, truth),
        plain_correlation=correlation(
            _column(known, lambda each: each.plain_hu), _column(known, lambda each: each.scan.qct_mg_cm3)
        ),
    )


def _column(judged: Sequence[Judged], of: Callable[[Judged], float | None]) -> Float64:
    return np.array([of(each) for each in judged], dtype=np.float64)
