"""The bundle that a node uses: weights of a fit whose card tells how they were judged."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch

from models.bundle import WEIGHTS
from models.card import Metric
from models.screening.bundle import load_bundle, save_card
from models.screening.card import ScreeningCard
from node.domain.errors import InputRejected
from training.screening_report.evaluation import Evaluation, load_evaluation
from training.screening_report.tables import (
    PLAIN_ADVANTAGE,
    area_table,
    difference_table,
    group_table,
    plain_group_table,
    plain_table,
    working_point_table,
)
from training.statistics.estimate import Estimate

README = Path("docs/README.md")

_SCOPE = "These figures describe the scans that were judged and no others; they are no claim of clinical accuracy."


def release_screening(fit: Path, evaluation: Path, out: Path) -> ScreeningCard:
    """Copy the weights of a fit, with a card that names their evaluation and carries its figures.

    The card stays one for research: clinical use takes a site's signature.

    Parameters
    ----------
    fit
        Folder of the bundle.
    evaluation
        File of the figures.
    out
        Folder for the released bundle.

    Raises
    ------
    InputRejected
        Where the evaluation cannot be read, or is of other weights.
    ConfigurationError
        Where the weights do not match their card.
    """
    card = load_bundle(fit, torch.device("cpu")).card
    figures, digest = load_evaluation(evaluation)
    if figures.weights_sha256 != card.weights_sha256:
        raise InputRejected(
            f"{evaluation} judges weights {figures.weights_sha256}, and these are {card.weights_sha256}: evaluate them"
        )
    released = replace(card, metrics=(*card.metrics, *_metrics(figures)), evaluation_sha256=digest)
    (out / WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
    if (out / WEIGHTS).resolve() != (fit / WEIGHTS).resolve():
        shutil.copyfile(fit / WEIGHTS, out / WEIGHTS)
    save_card(out, released)
    (out / README).parent.mkdir(parents=True, exist_ok=True)
    (out / README).write_text(_readme(released, figures), encoding="utf-8")
    return released


def _metrics(figures: Evaluation) -> tuple[Metric, ...]:
    """The areas that there were enough scans for, each with the lower end of its interval."""
    data = f"{figures.cohort} cohort, {figures.overall.scans} scans"
    metrics = []
    for model in figures.overall.models:
        areas = [(f"AUC {each.category}", each.area) for each in model.categories]
        for name, area in (*areas, ("AUC mean", model.macro_area)):
            if isinstance(area, Estimate):
                metrics.append(Metric(name=f"{model.method} {name}", value=area.value, data=data))
                low = f"{model.method} {name}, lower end of the 95 % interval"
                metrics.append(Metric(name=low, value=area.interval.low, data=data))
    return tuple(metrics)


def _readme(card: ScreeningCard, figures: Evaluation) -> str:
    points = working_point_table(figures.overall.models)
    told = [f"{each.method}: {each.value:.3f}, fitted on {each.data}" for each in card.temperatures] or [
        "none: what it says are scores, not probabilities"
    ]
    return "\n".join(
        (
            f"# {card.name} {card.version}\n",
            f"{card.task}\n",
            f"Outputs: {', '.join(card.classes)}. Intended use: {card.intended_use}.\n",
            f"Trained on: {card.training.data}\n",
            f"Made by `{card.training.command}`; {card.training.steps} epochs. Temperatures: {'; '.join(told)}.\n",
            f"## Judged on the {figures.cohort} cohort\n",
            f"{_SCOPE} {' '.join(figures.limitations)}\n",
            area_table(figures.overall.models).markdown,
            difference_table(figures.overall.fused_against_alone, "model 1 less model 2").markdown,
            plain_table(figures.overall).markdown,
            plain_group_table(figures).markdown,
            f"{PLAIN_ADVANTAGE}\n",
            *((points.markdown,) if points.rows else ()),
            group_table(figures).markdown,
        )
    )
