"""The bundle of a trained spine network, with the card that says how it was made."""

from __future__ import annotations

from pathlib import Path

from models.bundle import save_bundle
from models.card import Metric, ModelCard, Threshold, Training
from models.tissues import Tissue
from node.domain.provenance import IntendedUse
from training.fit_spine import FitPlan, Learner
from training.rendering.sample import SAMPLE_SPACING_MM

NAME = "spine-ct"

_TASK = "Vertebral bodies, arches, discs, sacrum and ribs in CT of the trunk, on a 3 mm grid."
_DATA = (
    "Synthetic CT of parametric anatomy alone: no image and no mask of a person. "
    "Intensities, shapes and scanners are drawn from ranges in the source code."
)
_LICENCE = "As the project that it comes with; trained on no third-party data."

# A voxel belongs to the structure above these probabilities.
_THRESHOLDS = (Threshold(name="body", value=0.5), Threshold(name="rib", value=0.5))


def write_spine_bundle(
    folder: Path, plan: FitPlan, learner: Learner, *, version: str, metrics: tuple[Metric, ...]
) -> ModelCard:
    """Write the averaged network of a learner and its card, which is returned."""
    command = f"osteonode-train fit spine --seed {plan.seed} --steps {plan.steps}"
    card = ModelCard(
        name=NAME,
        version=version,
        task=_TASK,
        architecture=plan.architecture,
        spacing_mm=(SAMPLE_SPACING_MM,) * 3,
        classes=tuple(Tissue),
        thresholds=_THRESHOLDS,
        training=Training(data=_DATA, command=command, steps=learner.step),
        metrics=metrics,
        licence=_LICENCE,
        intended_use=IntendedUse.RESEARCH,
        weights_sha256="0" * 64,
    )
    return save_bundle(folder, card, learner.average)
