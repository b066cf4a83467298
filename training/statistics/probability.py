"""Whether told probabilities are what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.statistics.estimate import Estimate, NotEstimable
from training.statistics.proportions import share

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityPoint:
    """The cases that were told a probability between two edges: the mean of what was told, and how many were so."""

    told: float
    observed: Estimate


def brier_score(classes: Int64, probabilities: Float64) -> float:
    """Mean squared distance from the truth, 0 to 2, over all classes (Brier, Monthly Weather Review 1950;78:1-3).

    For two classes it is twice the score that counts one of them alone.

    Parameters
    ----------
    classes
        True class of each case, shape (case,).
    probabilities
        Shape (case, class); each row sums to 1.

    Raises
    ------
    ValueError
        Where there are no cases, shapes contradict each other, or rows are no probabilities.
    """
    _check(classes, probabilities)
    truth = np.eye(probabilities.shape[1])[classes]
    return float(((probabilities - truth) ** 2).sum(1).mean())


def brier_of_shares(classes: Int64) -> float:
    """The Brier score of telling in every case the shares that the classes have among these cases.

    Raises
    ------
    ValueError
        Where there are no cases.
    """
    shares = np.bincount(classes) / max(1, len(classes))
    return brier_score(classes, np.tile(shares, (len(classes), 1)))


def reliability(is_so: NDArray[np.bool_], told: Float64, *, bins: int = 10) -> tuple[ReliabilityPoint, ...]:
    """Observed share by told probability, in bins of equal width; bins without a case are left out."""
    if is_so.shape != told.shape or is_so.ndim != 1:
        raise ValueError(f"every case needs one probability, got {is_so.shape} and {told.shape}")
    if told.size and not (told.min() >= 0.0 and told.max() <= 1.0):
        raise ValueError(f"probabilities lie between 0 and 1, got {told.min()} to {told.max()}")
    places = np.minimum((told * bins).astype(np.int64), bins - 1)
    points = []
    for place in range(bins):
        inside = places == place
        observed = share(int(is_so[inside].sum()), int(inside.sum()))
        if not isinstance(observed, NotEstimable):
            points.append(ReliabilityPoint(told=float(told[inside].mean()), observed=observed))
    return tuple(points)


def _check(classes: Int64, probabilities: Float64) -> None:
    if probabilities.ndim != 2 or probabilities.shape[0] != classes.shape[0] or not classes.size:
        raise ValueError(
            f"probabilities must have shape ({len(classes)} or more than 0, classes), got {probabilities.shape}"
        )
    if not (int(classes.min()) >= 0 and int(classes.max()) < probabilities.shape[1]):
        raise ValueError(f"classes must be 0 to {probabilities.shape[1] - 1}, got {classes.min()} to {classes.max()}")
    if not (probabilities.min() >= 0.0 and np.allclose(probabilities.sum(1), 1.0, atol=1e-6)):
        raise ValueError("the probabilities of a case must not be negative and must sum to 1")
