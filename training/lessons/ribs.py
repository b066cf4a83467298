"""The lesson of the network that looks for the ribs of one vertebra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.card import Metric, Threshold
from models.network import Architecture, pointed
from models.tissues import RibClass
from training.anatomy.junction import build_junction_template
from training.anatomy.template import TEMPLATE_SPACING_MM
from training.lessons.lesson import Lesson
from training.lessons.pointed import Changes, TargetLoss
from training.rendering.pointer import Channel
from training.rendering.rib_sample import RIB_SPACING_MM, draw_rib_sample
from training.samples import VALIDATION_SEED, load_sample

# Plausible choices.
_CHANGES = Changes(
    target_hu=80.0,
    offset_hu=20.0,
    blurred=0.3,
    blur_k=(0.2, 1.0),
    blur_in_plane=(0.0, 0.6),
    noisy=0.4,
    noise_hu=50.0,
    scale=(0.9, 1.1),
)

# A rib is a hundredth of a sample: alone it would count for nothing beside the rest.
_LOSS = TargetLoss(cross_entropy=8.0, target=4.0)

#: So many voxels are a rib, and less is a speck: a piece of 12 mm.
_LEAST_VOXELS = 60


def rib_scores(network: nn.Module, paths: tuple[Path, ...]) -> tuple[Metric, ...]:
    """Mean Dice where there are ribs, and in how many samples it is right that there are any."""
    network.eval()
    scores, right = [], []
    with torch.no_grad():
        for path in paths:
            hu, shares = load_sample(path)
            true = shares[Channel.TARGET] > 0.5
            found = network(pointed(hu[None], shares[Channel.POINTER][None]))[0].argmax(0) == int(RibClass.OWN_RIB)
            right.append((int(found.sum()) >= _LEAST_VOXELS) == (int(true.sum()) >= _LEAST_VOXELS))
            if true.any():
                scores.append(2.0 * float((true & found).sum()) / float(true.sum() + found.sum()))
    data = f"{len(paths)} synthetic vertebrae of seed {VALIDATION_SEED}, {RIB_SPACING_MM} mm"
    return (
        Metric(name="dice_own_ribs", value=round(float(np.mean(scores)), 4), data=data),
        Metric(name="share_presence_right", value=round(float(np.mean(right)), 4), data=data),
    )


RIBS = Lesson(
    name="ribs-ct",
    task="The ribs of the vertebra that a coarse mask points at, near the junction of thoracic and lumbar spine.",
    architecture=Architecture.UNET_24_96_RIBS,
    classes=tuple(RibClass),
    thresholds=(Threshold(name="own_rib", value=0.5),),
    spacing_mm=RIB_SPACING_MM,
    template_spacing_mm=TEMPLATE_SPACING_MM,
    samples_a_template=60,
    compiled=False,
    uses=6,
    build=build_junction_template,
    draw=draw_rib_sample,
    augment=_CHANGES.changed,
    loss=_LOSS.of,
    score=rib_scores,
)
