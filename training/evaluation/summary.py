"""What many scored scans say together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from node.domain.levels import VertebralLevel
from training.evaluation.scores import BodyScore, CaseScore, Naming

#: Edges of the bins of a reliability curve: most levels are nearly sure, and there it matters.
_CONFIDENCE_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Figures over the whole bodies of some scans; `None` where there is nothing to take them from.

    Names count in bodies that the scan cuts, too: what is wrong there is wrong.

    Parameters
    ----------
    scans, bodies
        How many there are.
    dice, dice_low
        Mean, and 5th percentile; a missed body counts 0.
    surface_mm, core_error_hu, core_spread_hu
        Mean surface distance; mean and standard deviation of the error of the core's mean.
    identified
        Share of the bodies that carry their own name.
    named_scans, right_scans
        Scans in which some body has a name, and those of them in which no name is wrong.
    fully_named_scans
        Scans in which every whole body has one.
    wrong, withheld, missed, invented
        How many bodies; invented ones with a name are wrong, too.
    """

    scans: int
    bodies: int
    dice: float | None
    dice_low: float | None
    surface_mm: float | None
    core_error_hu: float | None
    core_spread_hu: float | None
    identified: float | None
    named_scans: int
    right_scans: int
    fully_named_scans: int
    wrong: int
    withheld: int
    missed: int
    invented: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Bodies whose level is so sure: how many, in how many scans, how sure in the mean, and the share that is right."""

    low: float
    high: float
    count: int
    scans: int
    confidence: float
    right: float


def summarise(scores: Sequence[CaseScore]) -> Summary:
    """The figures of these scans; bodies that the scan cuts are left out."""
    bodies = [body for score in scores for body in score.bodies if body.is_whole]
    namings = [body.naming for body in bodies]
    errors = [body.core_error_hu for body in bodies if body.core_error_hu is not None]
    named = [score for score in scores if score.has_names]
    return Summary(
        scans=len(scores),
        bodies=len(bodies),
        dice=_mean([body.dice for body in bodies]),
        dice_low=float(np.percentile([body.dice for body in bodies], 5.0)) if bodies else None,
        surface_mm=_mean([body.surface_mm for body in bodies if body.surface_mm is not None]),
        core_error_hu=_mean(errors),
        core_spread_hu=float(np.std(errors)) if errors else None,
        identified=namings.count(Naming.RIGHT) / len(namings) if namings else None,
        named_scans=len(named),
        right_scans=sum(score.is_named_right for score in named),
        fully_named_scans=sum(score.has_all_names for score in scores),
        wrong=sum(score.wrong_names for score in scores),
        withheld=namings.count(Naming.WITHHELD),
        missed=namings.count(Naming.MISSED),
        invented=sum(score.invented for score in scores),
    )


def reliability(scores: Sequence[CaseScore]) -> tuple[ReliabilityBin, ...]:
    """How often the likeliest level is the true one by how sure it was, also where it was withheld for that."""
    found = [
        (scan, body.confidence, body.likely_right)
        for scan, score in enumerate(scores)
        for body in score.bodies
        if body.confidence is not None
    ]
    found += [(scan, sure, False) for scan, score in enumerate(scores) for sure in score.invented_confidences]
    bins = []
    for low, high in pairwise(_CONFIDENCE_EDGES):
        inside = [each for each in found if low <= each[1] < high or (high == 1.0 and each[1] == high)]
        if inside:
            scans, sure, right = zip(*inside, strict=True)
            bins.append(
                ReliabilityBin(
                    low=low,
                    high=high,
                    count=len(inside),
                    scans=len(set(scans)),
                    confidence=float(np.mean(sure)),
                    right=sum(right) / len(inside),
                )
            )
    return tuple(bins)


def by_level(scores: Sequence[CaseScore]) -> dict[str, tuple[BodyScore, ...]]:
    """The whole bodies of all scans under their true names, from head to foot."""
    bodies = [body for score in scores for body in score.bodies if body.is_whole]
    present = {body.level for body in bodies}
    return {
        str(level): tuple(body for body in bodies if body.level is level)
        for level in VertebralLevel
        if level in present
    }


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return float(np.mean(known)) if known else None
