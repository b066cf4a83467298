"""How often names are right by how much the model believes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from models.levels.model import MOST_INTERCEPT, MOST_SLOPE, Calibration, LevelModel, log_odds
from models.levels.naming import guess_parts
from node.domain.geometry import Float64
from training.levels.chains import TrueChain


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedScan:
    """The likeliest names of the bodies of a scan, where they rest on a landmark.

    Parameters
    ----------
    odds
        Log odds of the belief in each.
    right
        Whether it is the true one.
    """

    odds: tuple[float, ...]
    right: tuple[bool, ...]


def judge(chain: TrueChain, model: LevelModel) -> JudgedScan:
    """What the model believes of a chain, and what is true."""
    odds, right = [], []
    for part, guessed in guess_parts(chain.evidence, model):
        if guessed is None or not guessed.anchors:
            continue
        for level, names, true in zip(guessed.placement.levels, guessed.beliefs, chain.names(part.bodies), strict=True):
            if level is not None and not guessed.doubts(level):
                odds.append(log_odds(names[level]))
                right.append(level is true)
    return JudgedScan(odds=tuple(odds), right=tuple(right))


def calibrate(scans: Sequence[JudgedScan], *, data: str) -> Calibration:
    """A logistic curve through what was right, of the greatest likelihood; every scan, of some bodies, counts as one.

    Platt's targets, which keep a curve from being surer than so few cases can make it, are not taken: no probability is
    above what so many scans can show, nor above the belief itself (`Calibration`).

    References
    ----------
    Platt JC. Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers, MIT Press 1999.
    """
    odds = np.concatenate([scan.odds for scan in scans])
    right = np.concatenate([scan.right for scan in scans]).astype(np.float64)
    weights = np.concatenate([np.full(len(scan.odds), 1.0 / len(scan.odds)) for scan in scans])

    def surprise(curve: Float64) -> float:
        logits = curve[0] * odds + curve[1]
        # log(1 + exp(x)) without overflow
        return float(weights @ (np.logaddexp(0.0, logits) - right * logits))

    bounds = [(0.0, MOST_SLOPE), (-MOST_INTERCEPT, MOST_INTERCEPT)]
    found = optimize.minimize(surprise, np.array((1.0, 0.0)), method="L-BFGS-B", bounds=bounds)
    slope, intercept = (float(value) for value in found.x)
    return Calibration(slope=slope, intercept=intercept, scans=len(scans), data=data)
