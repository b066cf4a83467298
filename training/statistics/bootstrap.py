"""Intervals of means by resampling patients, where no formula is at hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.statistics.estimate import CONFIDENCE, Estimate, Interval, NotEstimable, too_few

Float64 = NDArray[np.float64]

#: Patients that resampling needs: below, percentiles of resampled means are far too narrow. A plausible choice.
LEAST_PATIENTS = 10

#: Times that patients are drawn anew: ends of the interval then wander by some percent of its width.
_TIMES = 4000
_SEED = 1


def bootstrap_mean(values: Float64, patients: Sequence[str] | None = None) -> Estimate | NotEstimable:
    """The mean of a value of each case, with the percentile interval of resampled patients.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. All cases of a patient are drawn together.
    The same values give the same interval.

    Parameters
    ----------
    values
        Shape (case,).
    patients
        Whose case it is; `None` where each is somebody else's.

    Raises
    ------
    ValueError
        Where a value is not finite, or a case has no patient.
    """
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("every case needs one finite value")
    whose = np.arange(len(values)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    if whose.shape != values.shape:
        raise ValueError(f"every case needs one patient, got {whose.shape} for {values.shape}")
    count = int(whose.max()) + 1 if len(values) else 0
    if count < LEAST_PATIENTS:
        return too_few("patients", count, LEAST_PATIENTS)
    sums, cases = np.bincount(whose, values, count), np.bincount(whose, minlength=count).astype(np.float64)
    drawn = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1.0 / count), size=_TIMES)
    means = (drawn @ sums) / (drawn @ cases)
    low, high = np.quantile(means, (0.5 - 0.5 * CONFIDENCE, 0.5 + 0.5 * CONFIDENCE))
    interval = Interval(low=float(low), high=float(high), method=f"bootstrap of patients, {_TIMES} times")
    return Estimate(value=float(values.mean()), interval=interval, cases=len(values))
