"""How often names are right by what the model believes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from models.levels.model import Calibration, LevelModel, log_odds
from models.levels.naming import guess, parts_of
from node.domain.geometry import Float64
from training.levels.chains import TrueChain


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedScan:
    """The bodies of a scan that rest on a landmark: log odds of their best names, and whether those are true."""

    odds: tuple[float, ...]
    right: tuple[bool, ...]


def judge(chain: TrueChain, model: LevelModel) -> JudgedScan:
    """What the model believes of a chain, and what is true."""
    odds, right = [], []
    for part, _ in parts_of(chain.evidence):
        guessed = guess(chain.evidence[part], model)
        if guessed is None or not guessed.seen:
            continue
        truth = (None if place is None else place.level for place in chain.truth[part])
        for name, belief, true in zip(guessed.placement.levels, guessed.beliefs, truth, strict=True):
            odds.append(log_odds(belief))
            right.append(name is true)
    return JudgedScan(odds=tuple(odds), right=tuple(right))


def calibrate(scans: Iterable[JudgedScan], data: str) -> Calibration:
    """A logistic curve through what was right, with Platt's targets; every scan, of some bodies, counts as one.

    So few scans cannot show that a name is never wrong: with n right ones the target is (n + 1) / (n + 2), and no curve
    ends far above it.

    References
    ----------
    Platt JC. Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers, MIT Press 1999.
    """
    judged = list(scans)
    odds = np.concatenate([scan.odds for scan in judged])
    right = np.concatenate([scan.right for scan in judged]).astype(np.float64)
    weights = np.concatenate([np.full(len(scan.odds), 1.0 / len(scan.odds)) for scan in judged])
    many, few = float(weights @ right), float(weights @ (1.0 - right))
    targets = np.where(right > 0.5, (many + 1.0) / (many + 2.0), 1.0 / (few + 2.0))

    def surprise(curve: Float64) -> float:
        logits = curve[0] * odds + curve[1]
        # log(1 + exp(x)) without overflow
        return float(weights @ (np.logaddexp(0.0, logits) - targets * logits))

    found = optimize.minimize(surprise, np.array((1.0, 0.0)), method="L-BFGS-B", bounds=[(0.0, 5.0), (-20.0, 20.0)])
    slope, intercept = (float(value) for value in found.x)
    return Calibration(slope=slope, intercept=intercept, data=f"{len(judged)} {data}")
