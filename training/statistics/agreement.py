"""How well two measurements, or two readers, agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.statistics.estimate import CONFIDENCE, Estimate, Interval, NotEstimable, too_few

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

#: Pairs that a correlation, limits of agreement or a kappa needs; a plausible choice.
LEAST_PAIRS = 10

#: An r that is nearer to 1 differs from it by rounding alone.
_ROUNDING = 1e-12

_Z = float(stats.norm.ppf(0.5 + 0.5 * CONFIDENCE))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlandAltman:
    """Bias of a measurement against a reference, and the limits within which 95 % of the differences lie.

    Bland and Altman, Statistical Methods in Medical Research 1999;8:135-160. All in the unit of the measurement.
    """

    bias: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    spread: float


def bland_altman(measured: Float64, reference: Float64) -> BlandAltman | NotEstimable:
    """Bias and limits of agreement, each with its interval by Student's t (section 2.2 there).

    Raises
    ------
    ValueError
        Where the two do not have one finite value each.
    """
    differences = _paired(measured, reference)[0] - reference
    count = len(differences)
    if count < LEAST_PAIRS:
        return too_few("pairs", count, LEAST_PAIRS)
    bias, spread = float(differences.mean()), float(differences.std(ddof=1))
    student = float(stats.t.ppf(0.5 + 0.5 * CONFIDENCE, count - 1))
    bias_reach = student * spread / math.sqrt(count)
    limit_reach = student * spread * math.sqrt(1.0 / count + _Z**2 / (2.0 * (count - 1)))

    def estimate(value: float, reach: float) -> Estimate:
        interval = Interval(low=value - reach, high=value + reach, method="Bland and Altman 1999")
        return Estimate(value=value, interval=interval, cases=count)

    return BlandAltman(
        bias=estimate(bias, bias_reach),
        lower_limit=estimate(bias - _Z * spread, limit_reach),
        upper_limit=estimate(bias + _Z * spread, limit_reach),
        spread=spread,
    )


def correlation(first: Float64, second: Float64) -> Estimate | NotEstimable:
    """Pearson's r with the interval of Fisher's transformation.

    Raises
    ------
    ValueError
        Where the two do not have one finite value each.
    """
    first, second = _paired(first, second)
    if len(first) < LEAST_PAIRS:
        return too_few("pairs", len(first), LEAST_PAIRS)
    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return NotEstimable(because="one of the two does not vary")
    found = stats.pearsonr(first, second)
    if 1.0 - abs(float(found.statistic)) < _ROUNDING:
        # the transformation of 1 is infinite, and its interval would have no width
        return NotEstimable(because=f"all pairs lie on one line: r is {found.statistic:.0f}, and has no interval")
    ends = found.confidence_interval(confidence_level=CONFIDENCE)
    interval = Interval(low=float(ends.low), high=float(ends.high), method="Fisher's transformation")
    return Estimate(value=float(found.statistic), interval=interval, cases=len(first))


def kappa(first: Int64, second: Int64, *, classes: int) -> Estimate | NotEstimable:
    """Cohen's kappa of two readers.

    The interval is that of Fleiss, Cohen and Everitt, Psychological Bulletin 1969;72:323-327.

    Parameters
    ----------
    first, second
        Class that each gave to each case, 0 to `classes` less one.

    Raises
    ------
    ValueError
        Where they did not read the same number of cases, or a class is out of range.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"both readers must have read every case, got {first.shape} and {second.shape}")
    both = np.concatenate((first, second))
    if both.size and not (int(both.min()) >= 0 and int(both.max()) < classes):
        raise ValueError(f"classes must be 0 to {classes - 1}, got {int(both.min())} to {int(both.max())}")
    count = len(first)
    if count < LEAST_PAIRS:
        return too_few("cases", count, LEAST_PAIRS)
    table = np.bincount(first * classes + second, minlength=classes**2).reshape(classes, classes) / count
    rows, columns = table.sum(1), table.sum(0)
    agreed, by_chance = float(np.trace(table)), float(rows @ columns)
    if by_chance == 1.0:
        return NotEstimable(because="both readers gave one class alone")
    value = (agreed - by_chance) / (1.0 - by_chance)
    same = float((np.diag(table) * ((1.0 - by_chance) - (rows + columns) * (1.0 - agreed)) ** 2).sum())
    other = (table * (columns[:, None] + rows[None, :]) ** 2).sum() - (np.diag(table) * (columns + rows) ** 2).sum()
    variance = (same + (1.0 - agreed) ** 2 * float(other) - (agreed * by_chance - 2.0 * by_chance + agreed) ** 2) / (
        count * (1.0 - by_chance) ** 4
    )
    if variance <= 0.0:
        return NotEstimable(because="kappa does not vary: the readers agree in every case, or one gave one class alone")
    reach = _Z * math.sqrt(variance)
    interval = Interval(low=max(-1.0, value - reach), high=min(1.0, value + reach), method="Fleiss 1969")
    return Estimate(value=value, interval=interval, cases=count)


def _paired(first: Float64, second: Float64) -> tuple[Float64, Float64]:
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"two series of one length are needed, got {first.shape} and {second.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("values must be finite")
    return first, second
