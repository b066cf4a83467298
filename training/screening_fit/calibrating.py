"""How sure the answers may be, and where a category counts as found: both from the validation cohort."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import log_softmax

from models.card import Threshold
from models.screening.card import TEMPERATURES, Temperature
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

#: Fewer scans, or fewer of a category, say too little about how often answers are right (plausible choices).
LEAST_SCANS, LEAST_OF_CATEGORY = 30, 5

#: Thresholds keep this far from 0 and 1.
_EDGE = 1e-4


def fit_temperature(logits: Float64, classes: Int64, *, method: ClassifierMethod, data: str) -> Temperature | None:
    """The temperature with the least cross-entropy, or `None` where scans are too few: then answers are scores.

    Parameters
    ----------
    logits
        Of one model, shape (case, category).
    classes
        Places of the true categories, shape (case,).
    """
    if not _are_enough(classes):
        return None

    def cross_entropy(log_temperature: float) -> float:
        told = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(told[np.arange(len(classes)), classes].mean())

    low, high = np.log(TEMPERATURES)
    found = optimize.minimize_scalar(cross_entropy, bounds=(low, high), method="bounded")
    return Temperature(method=method, value=float(np.exp(found.x)), cases=len(classes), data=data)


def choose_thresholds(probabilities: Float64, classes: Int64, method: ClassifierMethod) -> tuple[Threshold, ...]:
    """For every category the probability with the largest sum of sensitivity and specificity; none of too few scans.

    Youden, Cancer 1950;3:32-35.

    Parameters
    ----------
    probabilities
        Of one model, shape (case, category).
    """
    if not _are_enough(classes):
        return ()
    return tuple(
        Threshold(name=threshold_name(method, category), value=_youden(classes == index, probabilities[:, index]))
        for index, category in enumerate(BoneCategory)
    )


def threshold_name(method: ClassifierMethod, category: BoneCategory) -> str:
    """The name of a working point in a card."""
    return f"{method} {category}"


def _are_enough(classes: Int64) -> bool:
    counts = np.bincount(classes, minlength=len(BoneCategory))
    return len(classes) >= LEAST_SCANS and int(counts.min()) >= LEAST_OF_CATEGORY


def _youden(is_positive: NDArray[np.bool_], told: Float64) -> float:
    """Half way between the neighbours of the best place, so that no single case lies on it."""
    edges = np.unique(told)
    places: Sequence[float] = ((edges[1:] + edges[:-1]) / 2.0).tolist() or [0.5]
    gains = [float((told[is_positive] >= edge).mean() + (told[~is_positive] < edge).mean()) for edge in places]
    return float(np.clip(places[int(np.argmax(gains))], _EDGE, 1.0 - _EDGE))
