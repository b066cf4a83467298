"""The figures of a report: of each model, of their difference, and of a plain measurement beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.screening.card import ScreeningCard
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from training.screening_fit.calibrating import threshold_name
from training.screening_report.agreement import Agreement, agreement_of
from training.screening_report.judged import Judged, classes_of, patients_of, probabilities_of
from training.screening_report.plain import plain_scores
from training.statistics.agreement import kappa
from training.statistics.bootstrap import bootstrap_mean
from training.statistics.estimate import Figure, NotEstimable, PairedTest
from training.statistics.probability import ReliabilityPoint, brier_of_shares, reliability
from training.statistics.proportions import share
from training.statistics.roc import RocAreas, binary_area, compare_areas, join_areas

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

#: Bins of a reliability curve: as many as leave some scans in each. A curve of fewer scans than the last number shows
#: chance and no model. Plausible choices.
_SCANS_A_BIN, _MOST_BINS, _LEAST_BINS = 30, 10, 3
LEAST_FOR_A_CURVE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingPoint:
    """How a category is found where its probability reaches a threshold of the card, against all others."""

    threshold: float
    sensitivity: Figure
    specificity: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFigures:
    """One category against the rest.

    Parameters
    ----------
    working_point
        `None` where the card has no threshold.
    reliability
        How often it was so, by the probability that was told; empty where there are too few scans.
    """

    category: BoneCategory
    area: Figure
    working_point: WorkingPoint | None
    reliability: tuple[ReliabilityPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """One model on the scans that it answers to.

    Parameters
    ----------
    macro_area
        Mean of the areas of the three categories.
    accuracy
        Share of scans whose most probable category is the true one.
    brier
        Mean squared distance from the truth, 0 to 2.
    brier_reference
        That of always telling the shares that the categories have among these very scans, which no forecast without a
        look at a scan can undercut; `None` where there are no scans.
    kappa
        Cohen's, of the most probable category and the true one.
    confusion
        Scans by true category (row) and most probable one (column).
    """

    method: ClassifierMethod
    scans: int
    patients: int
    categories: tuple[CategoryFigures, ...]
    macro_area: Figure
    accuracy: Figure
    brier: Figure
    brier_reference: float | None
    kappa: Figure
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """DeLong's paired test of two areas on the same scans, first less second."""

    of: str
    test: PairedTest | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstPlain:
    """A model against a plain CT number, see `plain_scores`.

    Parameters
    ----------
    differences
        Model less CT number by category and in the mean.
    plain_area
        Mean of the areas of the three categories by the CT number.
    middle_hu
        The CT number from which the distance was taken for osteopenia, HU; `None` where no scan shows one.
    """

    differences: tuple[Difference, ...]
    plain_area: Figure
    middle_hu: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """Everything about some scans.

    Parameters
    ----------
    fused_against_alone
        Model 1 less model 2 by category and in the mean, on the scans that both answer to.
    fused_against_plain
        Model 1 against the mean plain CT number of L1 and L2, on the scans that have both.
    alone_against_plain
        Model 2 against the plain CT number of L1, on all scans.
    """

    name: str
    scans: int
    patients: int
    models: tuple[ModelFigures, ...]
    fused_against_alone: tuple[Difference, ...]
    fused_against_plain: AgainstPlain
    alone_against_plain: AgainstPlain
    agreement: Agreement


def figures_of(name: str, judged: Sequence[Judged], card: ScreeningCard) -> GroupFigures:
    """All figures of some scans."""
    both = [each for each in judged if each.fused is not None]
    return GroupFigures(
        name=name,
        scans=len(judged),
        patients=len(set(patients_of(judged))),
        models=(_model(both, ClassifierMethod.L1_L2, card), _model(judged, ClassifierMethod.L1, card)),
        fused_against_alone=_compared(
            both, probabilities_of(both, ClassifierMethod.L1_L2), probabilities_of(both, ClassifierMethod.L1)
        ),
        fused_against_plain=_against_plain(both, ClassifierMethod.L1_L2, _both_hu),
        alone_against_plain=_against_plain(judged, ClassifierMethod.L1, lambda each: each.plain_hu),
        agreement=agreement_of(judged),
    )


def _both_hu(each: Judged) -> float:
    if each.plain_both_hu is None:
        raise ValueError("a CT number of L1 and L2 is that of a scan with both")
    return each.plain_both_hu


def _against_plain(
    judged: Sequence[Judged], method: ClassifierMethod, plain_hu: Callable[[Judged], float]
) -> AgainstPlain:
    plain = plain_scores(judged, plain_hu)
    return AgainstPlain(
        differences=_compared(judged, probabilities_of(judged, method), plain.scores),
        plain_area=_area(_curves(judged, plain.scores, tuple(BoneCategory))),
        middle_hu=plain.middle_hu,
    )


def _model(judged: Sequence[Judged], method: ClassifierMethod, card: ScreeningCard) -> ModelFigures:
    classes, told, patients = classes_of(judged), probabilities_of(judged, method), patients_of(judged)
    chosen = told.argmax(1)
    order = tuple(BoneCategory)
    count = len(order)
    confusion = np.bincount(classes * count + chosen, minlength=count**2).reshape(count, count)
    distances = ((told - np.eye(count)[classes]) ** 2).sum(1)
    return ModelFigures(
        method=method,
        scans=len(judged),
        patients=len(set(patients)),
        categories=tuple(
            CategoryFigures(
                category=category,
                area=_area(_curves(judged, told, (category,))),
                working_point=_working_point(
                    classes == index, told[:, index], card.threshold(threshold_name(method, category))
                ),
                reliability=_reliability(classes == index, told[:, index]),
            )
            for index, category in enumerate(order)
        ),
        macro_area=_area(_curves(judged, told, order)),
        accuracy=share(int((chosen == classes).sum()), len(classes)),
        brier=bootstrap_mean(distances, patients),
        brier_reference=brier_of_shares(classes) if len(classes) else None,
        kappa=kappa(classes, chosen.astype(np.int64), classes=count),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def _working_point(is_positive: Bool, told: Float64, threshold: float | None) -> WorkingPoint | None:
    if threshold is None:
        return None
    found = told >= threshold
    return WorkingPoint(
        threshold=threshold,
        sensitivity=share(int((found & is_positive).sum()), int(is_positive.sum())),
        specificity=share(int((~found & ~is_positive).sum()), int((~is_positive).sum())),
    )


def _reliability(is_so: Bool, told: Float64) -> tuple[ReliabilityPoint, ...]:
    if len(told) < LEAST_FOR_A_CURVE:
        return ()
    return reliability(is_so, told, bins=min(_MOST_BINS, max(_LEAST_BINS, len(told) // _SCANS_A_BIN)))


def _curves(judged: Sequence[Judged], scores: Float64, categories: Sequence[BoneCategory]) -> RocAreas | NotEstimable:
    """The curves of some categories against the rest, or which of them has none."""
    classes, order = classes_of(judged), list(BoneCategory)
    parts = []
    for category in categories:
        is_positive = classes == order.index(category)
        if is_positive.all() or not is_positive.any():
            which = "no scans but those with" if len(judged) and is_positive.all() else "no scans with"
            return NotEstimable(because=f"{which} {category}")
        parts.append(binary_area(is_positive, scores[:, order.index(category)], patients_of(judged)))
    return join_areas(parts)


def _area(curves: RocAreas | NotEstimable) -> Figure:
    return curves if isinstance(curves, NotEstimable) else curves.mean()


def _compared(judged: Sequence[Judged], first: Float64, second: Float64) -> tuple[Difference, ...]:
    """The tests of every category, and of their mean; scores of shape (case, category)."""

    def difference(of: str, which: Sequence[BoneCategory]) -> Difference:
        curves = [_curves(judged, scores, which) for scores in (first, second)]
        for each in curves:
            if isinstance(each, NotEstimable):
                return Difference(of=of, test=each)
        found = [each for each in curves if isinstance(each, RocAreas)]
        return Difference(of=of, test=compare_areas(found[0], found[1]))

    singles = tuple(difference(str(category), (category,)) for category in BoneCategory)
    return (*singles, difference("mean", tuple(BoneCategory)))
