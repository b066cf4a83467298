"""A plain CT number as a classifier: what a reader gets from one circle, without any model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.domain.bone_category import BoneCategory
from training.screening_report.judged import Judged, classes_of

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlainScores:
    """How much a CT number speaks for each category.

    Parameters
    ----------
    scores
        Shape (case, category): the CT number for normal, less the CT number for osteoporosis, and less its distance
        from `middle_hu` for osteopenia.
    middle_hu
        The CT number that orders these very cases best for osteopenia, HU; `None` where they do not show one.
    """

    scores: Float64
    middle_hu: float | None


def plain_scores(judged: Sequence[Judged], of: Callable[[Judged], float]) -> PlainScores:
    """The scores by a plain CT number, with every advantage: its middle is chosen with the truth at hand.

    A classifier that is better than this is better than any such rule, and a test of that says too little rather than
    too much.
    """
    hu = np.array([of(each) for each in judged], dtype=np.float64)
    is_middle = classes_of(judged) == list(BoneCategory).index(BoneCategory.OSTEOPENIA)
    middle = best_middle(hu, is_middle) if is_middle.any() and not is_middle.all() else None
    away = np.zeros_like(hu) if middle is None else np.abs(hu - middle)
    return PlainScores(scores=np.stack((hu, -away, -hu), axis=1), middle_hu=middle)


def best_middle(hu: Float64, is_middle: Bool) -> float:
    """The CT number whose distance tells cases of a middle category best from others, HU.

    Of a case of the category and another one the former lies nearer wherever the number is on its side of half way
    between them: the area under the curve changes at these places alone, and trying all gaps between them tries all.

    Raises
    ------
    ValueError
        Where there are not cases of both kinds.
    """
    if is_middle.all() or not is_middle.any():
        raise ValueError("a middle needs cases of the middle category and others")
    inside, outside = hu[is_middle][:, None], hu[~is_middle][None, :]
    half_way = ((inside + outside) / 2.0).ravel()
    side = np.sign(inside - outside).ravel()
    order = np.argsort(half_way, kind="stable")
    places = half_way[order]
    # pairs won left of all places, then what each place that is passed wins or loses
    won = np.cumsum(np.concatenate(([float((side < 0).sum())], side[order])))
    edges = np.concatenate(([places[0] - 2.0], places, [places[-1] + 2.0]))
    gaps = edges[1:] > edges[:-1]
    best = int(np.argmax(np.where(gaps, won, -np.inf)))
    return float((edges[best] + edges[best + 1]) / 2.0)
