"""Areas under ROC curves, their intervals, and whether two models differ.

DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837-845, with the fast ranks of Sun and Xu, IEEE Signal Processing
Letters 2014;21:1389-1393. Where patients have several cases, the sums are those of Obuchowski, Biometrics
1997;53:567-578, which are DeLong's where each has one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from training.statistics.estimate import CONFIDENCE, Estimate, Interval, NotEstimable, PairedTest, too_few

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

#: Patients that each side of a curve needs: below, the normal approximation of DeLong's intervals is poor. A plausible
#: choice.
LEAST_PATIENTS = 10

#: What is smaller is rounding.
_NO_SPREAD = 1e-9

_Z = float(stats.norm.ppf(0.5 + 0.5 * CONFIDENCE))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RocAreas:
    """Areas under curves of one model, each of a class against the rest, with what is needed to compare them.

    Parameters
    ----------
    values
        Shape (curve,), 0 to 1.
    positive, negative
        How far the positive and the negative cases of each patient move the area, shape (curve, patient); each row
        sums to 0.
    has_positive, has_negative
        Which patients have such cases, shape (curve, patient).
    cases
        How many cases there are.
    """

    values: Float64
    positive: Float64
    negative: Float64
    has_positive: NDArray[np.bool_]
    has_negative: NDArray[np.bool_]
    cases: int

    def of(self, curve: int) -> Estimate | NotEstimable:
        """One area with its interval."""
        weights = np.zeros(len(self.values))
        weights[curve] = 1.0
        return self._estimate(weights, [curve])

    def mean(self) -> Estimate | NotEstimable:
        """The mean of all areas (macro average) with its interval."""
        count = len(self.values)
        return self._estimate(np.full(count, 1.0 / count), range(count))

    def _estimate(self, weights: Float64, curves: Sequence[int]) -> Estimate | NotEstimable:
        lacking = _lacking(self, curves)
        if lacking is not None:
            return lacking
        value = min(max(float(weights @ self.values), 0.0), 1.0)
        error = math.sqrt(max(float(weights @ _covariance(self, self) @ weights), 0.0))
        if error < _NO_SPREAD:
            sides = (int(side[list(curves)].sum(1).min()) for side in (self.has_positive, self.has_negative))
            return Estimate(value=value, interval=_without_spread(value, *sides), cases=self.cases)
        return Estimate(value=value, interval=_on_logits(value, error), cases=self.cases)


def roc_areas(classes: Int64, scores: Float64, patients: Sequence[str] | None = None) -> RocAreas:
    """The area of each class against the rest.

    Parameters
    ----------
    classes
        True class of each case, shape (case,), from 0; every class must be there, and none may be alone.
    scores
        Shape (case, class); a higher score speaks for the class.
    patients
        Whose case it is; `None` where each is somebody else's.

    Raises
    ------
    ValueError
        Where shapes contradict each other, a score is not finite, or a class has no case.
    """
    if scores.ndim != 2 or scores.shape[0] != classes.shape[0]:
        raise ValueError(f"scores must have shape ({len(classes)}, classes), got {scores.shape}")
    if classes.size and not (int(classes.min()) >= 0 and int(classes.max()) < scores.shape[1]):
        raise ValueError(f"classes must be 0 to {scores.shape[1] - 1}, got {classes.min()} to {classes.max()}")
    return join_areas([binary_area(classes == index, scores[:, index], patients) for index in range(scores.shape[1])])


def join_areas(parts: Sequence[RocAreas]) -> RocAreas:
    """The curves of several, all of the same cases in the same order.

    Raises
    ------
    ValueError
        Where there is none, or they are not of the same cases.
    """
    if len({(part.cases, part.positive.shape[1]) for part in parts}) != 1:
        raise ValueError("curves are joined that are of the same cases")
    return RocAreas(
        values=np.concatenate([part.values for part in parts]),
        positive=np.concatenate([part.positive for part in parts]),
        negative=np.concatenate([part.negative for part in parts]),
        has_positive=np.concatenate([part.has_positive for part in parts]),
        has_negative=np.concatenate([part.has_negative for part in parts]),
        cases=parts[0].cases,
    )


def binary_area(is_positive: NDArray[np.bool_], scores: Float64, patients: Sequence[str] | None = None) -> RocAreas:
    """The area of one curve; see `roc_areas`."""
    if is_positive.shape != scores.shape or is_positive.ndim != 1:
        raise ValueError(f"every case needs one class and one score, got {is_positive.shape} and {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if is_positive.all() or not is_positive.any():
        raise ValueError("a ROC curve needs positive and negative cases")
    whose = np.arange(len(scores)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    if whose.shape != scores.shape:
        raise ValueError(f"every case needs one patient, got {whose.shape} for {scores.shape}")
    low, high = scores[~is_positive], scores[is_positive]
    ranks = stats.rankdata(scores)
    # share of the negative cases that a positive one outranks, and of the positive ones that outrank a negative one
    above = (ranks[is_positive] - stats.rankdata(high)) / len(low)
    below = 1.0 - (ranks[~is_positive] - stats.rankdata(low)) / len(high)
    value = float(above.mean())
    count = int(whose.max()) + 1
    return RocAreas(
        values=np.array([value]),
        positive=np.bincount(whose[is_positive], above - value, count)[None] / len(high),
        negative=np.bincount(whose[~is_positive], below - value, count)[None] / len(low),
        has_positive=np.bincount(whose[is_positive], minlength=count)[None] > 0,
        has_negative=np.bincount(whose[~is_positive], minlength=count)[None] > 0,
        cases=len(scores),
    )


def compare_areas(first: RocAreas, second: RocAreas) -> PairedTest | NotEstimable:
    """Whether the mean areas of two models differ that judged the same cases (DeLong's paired test).

    Raises
    ------
    ValueError
        Where they did not judge the same cases.
    """
    same = all(
        np.array_equal(*pair)
        for pair in ((first.has_positive, second.has_positive), (first.has_negative, second.has_negative))
    )
    if not same or first.cases != second.cases:
        raise ValueError("models are compared on the same cases in the same order")
    lacking = _lacking(first, range(len(first.values)))
    if lacking is not None:
        return lacking
    difference = float(first.values.mean() - second.values.mean())
    variance = sum(
        sign * float(_covariance(one, other).mean())
        for sign, one, other in ((1, first, first), (1, second, second), (-2, first, second))
    )
    error = math.sqrt(max(variance, 0.0))
    if error < _NO_SPREAD and abs(difference) > _NO_SPREAD:
        return NotEstimable(
            because="neither area varies between patients, so DeLong's test says nothing of the difference"
        )
    statistic = difference / error if error >= _NO_SPREAD else 0.0
    low, high = max(-1.0, difference - _Z * error), min(1.0, difference + _Z * error)
    interval = Interval(low=low, high=high, method="DeLong 1988")
    return PairedTest(
        difference=Estimate(value=difference, interval=interval, cases=first.cases),
        statistic=statistic,
        p_value=min(1.0, 2.0 * float(stats.norm.sf(abs(statistic)))),
    )


def _lacking(areas: RocAreas, curves: Sequence[int]) -> NotEstimable | None:
    for side, name in ((areas.has_positive, "positive"), (areas.has_negative, "negative")):
        least = int(side[list(curves)].sum(1).min())
        if least < LEAST_PATIENTS:
            return too_few(f"patients with {name} cases", least, LEAST_PATIENTS)
    return None


def _covariance(first: RocAreas, second: RocAreas) -> Float64:
    """Covariance of the areas of two models, shape (curve, curve).

    Of curves of the same class each side has the divisor of its own sample, as DeLong has it. Positive cases of one
    class are negative ones of another, so there the sums of each patient are taken whole.
    """
    patients = first.positive.shape[1]
    whole = (first.positive + first.negative) @ (second.positive + second.negative).T * _unbiased(patients)
    own = (
        (first.positive * second.positive).sum(1) * _unbiased(first.has_positive.sum(1))
        + (first.negative * second.negative).sum(1) * _unbiased(first.has_negative.sum(1))
        + (first.positive * second.negative + first.negative * second.positive).sum(1) * _unbiased(patients)
    )
    np.fill_diagonal(whole, own)
    covariance: Float64 = whole
    return covariance


def _unbiased(count: int | Int64) -> float | Float64:
    factor: float | Float64 = count / (count - 1.0)
    return factor


def _on_logits(value: float, error: float) -> Interval:
    """DeLong's interval on the scale of log odds, which cannot leave 0 to 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"an area that varies lies between 0 and 1, got {value}")
    middle, reach = math.log(value / (1.0 - value)), _Z * error / (value * (1.0 - value))
    low, high = (1.0 / (1.0 + math.exp(-min(max(edge, -700.0), 700.0))) for edge in (middle - reach, middle + reach))
    return Interval(low=low, high=high, method="DeLong 1988, on logits")


def _without_spread(value: float, positives: int, negatives: int) -> Interval:
    """Where no case moves the area, as with perfect separation, DeLong's interval has no width and is not believed.

    Newcombe, Statistics in Medicine 2006;25:559-573, method 5: all areas from which this one is not farther than chance
    would bring it.
    """
    half = 0.5 * (positives + negatives) - 1.0

    def distance(area: float) -> float:
        spread = area * (1.0 - area) * (1.0 + half * ((1.0 - area) / (2.0 - area) + area / (1.0 + area)))
        return abs(area - value) - _Z * math.sqrt(spread / (positives * negatives))

    low = 0.0 if distance(0.0) <= 0.0 else float(optimize.brentq(distance, 0.0, max(0.0, value - 1e-9)))
    high = 1.0 if distance(1.0) <= 1e-9 else float(optimize.brentq(distance, min(1.0, value + 1e-9), 1.0))
    return Interval(low=low, high=high, method="Newcombe 2006, method 5")
