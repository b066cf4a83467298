"""How often names are right by how much the model believes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from models.levels.model import MOST_INTERCEPT, MOST_SLOPE, Calibration, LevelModel, log_odds
from models.levels.naming import guess, parts_of
from node.domain.geometry import Float64
from training.levels.chains import TrueChain

#: A name that is believed in less is no candidate: there is one for every place of a chain.
_LEAST_BELIEF = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedScan:
    """The names that the bodies of a scan may have where they rest on a landmark.

    Parameters
    ----------
    bodies
        How many there are.
    odds
        Log odds of the belief in each name of each body.
    right
        Whether it is the true one.
    """

    bodies: int
    odds: tuple[float, ...]
    right: tuple[bool, ...]


def judge(chain: TrueChain, model: LevelModel) -> JudgedScan:
    """What the model believes of a chain, and what is true."""
    bodies, odds, right = 0, [], []
    for part in parts_of(chain.evidence):
        guessed = guess(chain.evidence[part.bodies], model)
        if guessed is None or not guessed.anchors:
            continue
        for names, true in zip(guessed.beliefs, chain.names(part.bodies), strict=True):
            bodies += 1
            for name, belief in names.items():
                if name is not None and belief >= _LEAST_BELIEF and not guessed.doubts(name):
                    odds.append(log_odds(belief))
                    right.append(name is true)
    return JudgedScan(bodies=bodies, odds=tuple(odds), right=tuple(right))


def calibrate(scans: Sequence[JudgedScan], *, data: str) -> Calibration:
    """A logistic curve through what was right, with Platt's targets; every scan, of some bodies, counts as one.

    So few scans cannot show that a name is never wrong: with n right ones the target is (n + 1) / (n + 2).

    References
    ----------
    Platt JC. Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers, MIT Press 1999.
    """
    odds = np.concatenate([scan.odds for scan in scans])
    right = np.concatenate([scan.right for scan in scans]).astype(np.float64)
    weights = np.concatenate([np.full(len(scan.odds), 1.0 / scan.bodies) for scan in scans])
    many, few = float(weights @ right), float(weights @ (1.0 - right))
    targets = np.where(right > 0.5, (many + 1.0) / (many + 2.0), 1.0 / (few + 2.0))

    def surprise(curve: Float64) -> float:
        logits = curve[0] * odds + curve[1]
        # log(1 + exp(x)) without overflow
        return float(weights @ (np.logaddexp(0.0, logits) - targets * logits))

    bounds = [(0.0, MOST_SLOPE), (-MOST_INTERCEPT, MOST_INTERCEPT)]
    found = optimize.minimize(surprise, np.array((1.0, 0.0)), method="L-BFGS-B", bounds=bounds)
    slope, intercept = (float(value) for value in found.x)
    return Calibration(slope=slope, intercept=intercept, scans=len(scans), data=data)
