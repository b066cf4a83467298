"""Weights of the terms of a level model: those under which true placements are believed most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import logsumexp, softmax

from models.levels.clues import Clue
from models.levels.model import LevelModel, log_priors
from models.levels.placements import placements
from node.domain.geometry import Float64
from training.levels.chains import TrueChain

#: Weights are drawn to this value, what was counted, as by a normal distribution of variance 1 / stiffness: scans draw
#: them down, for bodies and sides of one scan err together.
EXPECTED, _STIFFNESS = 1.0, 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each clue of a level model weighs, and what sizes do, 0 to 1."""

    clues: Mapping[Clue, float]
    size: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """Priors and terms of all placements of a chain, and which of them give the true names."""

    priors: Float64
    terms: Float64
    true: NDArray[np.bool_]


def weigh(counted: Iterable[tuple[LevelModel, Iterable[TrueChain]]]) -> Weights:
    """Weights of the greatest conditional likelihood, drawn to plausible ones.

    Parameters
    ----------
    counted
        Models, each with sound chains of persons that it was not counted on.
    """
    cases = [case for model, chains in counted for chain in chains if (case := _case(model, chain)) is not None]

    def surprise(weights: Float64) -> tuple[float, Float64]:
        """Surprise at the true names and the pull to what is expected, and the gradient of both.

        That of a case is the mean of its terms over all placements, as they are believed, less that over the true ones.
        """
        value = 0.5 * _STIFFNESS * float(((weights - EXPECTED) ** 2).sum())
        gradient = _STIFFNESS * (weights - EXPECTED)
        for case in cases:
            scores = case.priors + case.terms @ weights
            value += float(logsumexp(scores) - logsumexp(scores[case.true]))
            gradient += softmax(scores) @ case.terms - softmax(scores[case.true]) @ case.terms[case.true]
        return value, gradient

    start = np.full(len(Clue) + 1, EXPECTED)
    found = optimize.minimize(surprise, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(start))
    *clues, sizes = (float(weight) for weight in found.x)
    return Weights(clues=dict(zip(Clue, clues, strict=True)), size=sizes)


def _case(model: LevelModel, chain: TrueChain) -> _Case | None:
    candidates = placements(len(chain.evidence))
    names = chain.names(slice(None))
    true = np.array([placement.levels == names for placement in candidates])
    if not true.any():
        # four lumbar vertebrae below eleven thoracic ones: such are drawn, and are no variant of the model
        return None
    return _Case(
        priors=log_priors(chain.evidence, candidates), terms=model.terms(chain.evidence, candidates), true=true
    )
