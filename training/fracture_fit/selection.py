"""Which of some thousand features a classifier is given: in terms of scikit-learn, so that no step sees a test case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin, f_classif
from sklearn.linear_model import MultiTaskLassoCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

#: Folds as pairs of places: to learn from, and to judge by.
Folds = Sequence[tuple[Int64, Int64]]

#: Features that are correlated as closely tell the same (plausible choice).
MOST_CORRELATED = 0.9

#: Penalties that the LASSO tries, and how far it goes for each.
_PENALTIES, _MOST_STEPS = 40, 5000


class CorrelationFilter(SelectorMixin, BaseEstimator):
    """Keeps features that are not closely correlated with a kept one; of two, the one that tells the classes better.

    Features that do not vary are left out.

    Parameters
    ----------
    most
        Absolute correlation from which two features tell the same.
    """

    def __init__(self, *, most: float = MOST_CORRELATED) -> None:
        self.most = most

    def fit(self, features: Float64, classes: Int64) -> CorrelationFilter:
        """Choose by the cases of the training cohort.

        Parameters
        ----------
        features
            Shape (case, feature).
        classes
            Of each case.
        """
        varies = np.flatnonzero(np.ptp(features, axis=0) > 0.0)
        told = f_classif(features[:, varies], classes)[0]
        related = np.abs(np.corrcoef(features[:, varies], rowvar=False).reshape(len(varies), len(varies)))
        kept: list[int] = []
        for place in np.argsort(-told, kind="stable").tolist():
            if not kept or related[place, kept].max() < self.most:
                kept.append(place)
        self.n_features_in_ = features.shape[1]
        self.support_: Bool = np.isin(np.arange(features.shape[1]), varies[kept])
        return self

    def _get_support_mask(self) -> Bool:
        return self.support_


class LassoFilter(SelectorMixin, BaseEstimator):
    """Keeps features to which a cross-validated LASSO gives a weight for any class.

    One LASSO for all classes at once (Obozinski et al., Statistics and Computing 2010;20:231-252), by the strongest
    penalty whose error lies within one standard error of the least (Hastie et al., The Elements of Statistical
    Learning, 2nd edition, section 7.10): fewer features that tell as much.

    Parameters
    ----------
    folds
        Of the cases that it is fitted on; no patient is on both sides of one.
    """

    def __init__(self, folds: Folds) -> None:
        self.folds = folds

    def fit(self, features: Float64, classes: Int64) -> LassoFilter:
        """Choose by the cases of the training cohort.

        Raises
        ------
        ValueError
            Where no feature tells anything.
        """
        truth = (classes[:, None] == np.unique(classes)).astype(np.float64)
        found = MultiTaskLassoCV(alphas=_PENALTIES, cv=list(self.folds), max_iter=_MOST_STEPS).fit(features, truth)
        weights = self._weights(features, truth, found)
        self.n_features_in_ = features.shape[1]
        self.weights_: Float64 = weights
        self.support_: Bool = weights > 0.0
        if not self.support_.any():
            raise ValueError(f"the LASSO found no feature of {features.shape[1]} that tells the classes apart")
        return self

    def _weights(self, features: Float64, truth: Float64, found: MultiTaskLassoCV) -> Float64:
        """Largest weight of each feature, by the strongest penalty that is as good as the best."""
        errors = found.mse_path_
        mean, spread = errors.mean(1), errors.std(1, ddof=1) / np.sqrt(errors.shape[1])
        best = int(mean.argmin())
        # penalties fall along the path
        strongest = int(np.flatnonzero(mean <= mean[best] + spread[best])[0])
        _, weights, _ = MultiTaskLassoCV.path(
            features - features.mean(0),
            truth - truth.mean(0),
            alphas=found.alphas_[: strongest + 1],
            max_iter=_MOST_STEPS,
        )
        largest: Float64 = np.abs(weights[:, :, -1]).max(0)
        return largest

    def _get_support_mask(self) -> Bool:
        return self.support_


def grouped_folds(patients: Sequence[str], *, folds: int, seed: int) -> Folds:
    """Folds in which all cases of a patient are on one side.

    Raises
    ------
    ValueError
        Where there are fewer patients than folds.
    """
    whose = np.unique(np.asarray(patients), return_inverse=True)[1]
    splitter = GroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros((len(whose), 1)), groups=whose))


def fused_selection(sources: Sequence[Sequence[int]], folds: Folds) -> ColumnTransformer:
    """Z-scores, correlation and LASSO of each source by itself, and what is left of all side by side.

    Parameters
    ----------
    sources
        Columns of each source: radiomic features, and those of the network.
    """
    steps = [
        (
            f"source{number}",
            Pipeline(
                [("scale", StandardScaler()), ("uncorrelated", CorrelationFilter()), ("lasso", LassoFilter(folds))]
            ),
            list(columns),
        )
        for number, columns in enumerate(sources)
    ]
    return ColumnTransformer(steps)


def selected_columns(selection: ColumnTransformer) -> list[int]:
    """The columns that a fitted selection keeps, in the order in which it gives them."""
    kept: list[int] = []
    for source, _, columns in selection.transformers:
        steps = selection.named_transformers_[source].named_steps
        left = np.array(columns)
        for name in ("uncorrelated", "lasso"):
            left = left[steps[name].get_support()]
        kept += left.tolist()
    return kept
