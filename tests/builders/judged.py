"""Scans that a classifier has judged, with answers that are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.screening.card import ScreeningCard
from node.domain.bone_category import BoneCategory
from tests.builders.manifests import scan_of
from training.cohort.manifest import Cohort, Sex
from training.screening_report.evaluation import evaluate, save_evaluation
from training.screening_report.judged import Judged

#: A density of each category, mg/cm3.
DENSITY_OF = {BoneCategory.NORMAL: 150.0, BoneCategory.OSTEOPENIA: 100.0, BoneCategory.OSTEOPOROSIS: 50.0}


def sure_of(category: BoneCategory, probability: float = 0.9) -> tuple[float, ...]:
    """The probability for one category, the others share the rest."""
    return tuple(probability if each is category else (1.0 - probability) / 2.0 for each in BoneCategory)


def judged_scans(count: int, *, wrong: Sequence[int] = ()) -> tuple[Judged, ...]:
    """So many scans of each category, told right by both models but for those where model 2 is wrong.

    Sites, sexes and ages alternate. Plain CT numbers are in the order of the densities.
    """
    scans = []
    for place, category in enumerate([category for category in BoneCategory for _ in range(count)]):
        scan = replace(
            scan_of(DENSITY_OF[category] + place % 7, patient=f"p{place}", cohort=Cohort.TEST),
            sex=(Sex.FEMALE, Sex.MALE)[place % 2],
            site=("north", "south")[place % 2],
            age_years=50.0 + place % 30,
            measured_mg_cm3=DENSITY_OF[category] + place % 7 + (-2.0) ** (place % 2 + 1),
        )
        other = list(BoneCategory)[(list(BoneCategory).index(category) + 1) % 3]
        scans.append(
            Judged(
                scan=scan,
                fused=sure_of(category, 0.9 - 0.001 * place),
                alone=sure_of(other if place in wrong else category, 0.9 - 0.001 * place),
                plain_hu=1.25 * (scan.qct_mg_cm3 or 0.0),
                plain_both_hu=1.25 * (scan.qct_mg_cm3 or 0.0) - 2.0,
            )
        )
    return tuple(scans)


def shuffled(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The same scans in another order."""
    order = np.random.default_rng(1).permutation(len(judged))
    return tuple(judged[place] for place in order.tolist())


def write_evaluation(card: ScreeningCard, judged: Sequence[Judged], path: Path) -> None:
    """The evaluation of the weights of a card on such scans, as a file."""
    figures = evaluate(judged, [], card=card, cohort=Cohort.TEST, manifest_sha256="2" * 64, limitations=())
    save_evaluation(figures, path)
