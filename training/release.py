"""The bundle of a trained network, with the card that says how it was made."""

from __future__ import annotations

from pathlib import Path

from models.bundle import save_bundle
from models.card import Metric, ModelCard, Training
from node.domain.provenance import IntendedUse
from training.fitting import FitPlan, Learner

_DATA = (
    "Synthetic CT of parametric anatomy alone: no image and no mask of a person. "
    "Intensities, shapes and scanners are drawn from ranges in the source code."
)
_LICENCE = "As the project that it comes with; trained on no third-party data."


def write_bundle(
    folder: Path, plan: FitPlan, learner: Learner, *, version: str, command: str, metrics: tuple[Metric, ...]
) -> ModelCard:
    """Write the averaged network of a learner and its card, which is returned."""
    lesson = plan.lesson
    card = ModelCard(
        name=lesson.name,
        version=version,
        task=lesson.task,
        architecture=lesson.architecture,
        spacing_mm=(lesson.spacing_mm,) * 3,
        classes=lesson.classes,
        thresholds=lesson.thresholds,
        training=Training(data=_DATA, command=command, steps=learner.step),
        metrics=metrics,
        licence=_LICENCE,
        intended_use=IntendedUse.RESEARCH,
        weights_sha256="0" * 64,
    )
    return save_bundle(folder, card, learner.average)
