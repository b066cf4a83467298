"""The lesson of the network that sees one vertebral body on a fine grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.card import Metric, Threshold
from models.network import Architecture, pointed
from models.tissues import BodyClass
from training.anatomy.template import build_template
from training.lessons.lesson import Lesson
from training.lessons.pointed import Changes, TargetLoss
from training.rendering.body_sample import BODY_SPACING_MM, draw_body_sample
from training.rendering.pointer import Channel
from training.samples import VALIDATION_SEED, load_sample

# Plausible choices.
_CHANGES = Changes(
    target_hu=40.0,
    offset_hu=15.0,
    blurred=0.25,
    blur_k=(0.3, 1.5),
    blur_in_plane=(0.0, 0.8),
    noisy=0.4,
    noise_hu=50.0,
    scale=(0.93, 1.07),
)
_LOSS = TargetLoss(cross_entropy=4.0)


def body_dice(network: nn.Module, paths: tuple[Path, ...]) -> tuple[Metric, ...]:
    """Mean and smallest Dice of the body that was pointed at."""
    network.eval()
    scores = []
    with torch.no_grad():
        for path in paths:
            hu, shares = load_sample(path)
            true = shares[Channel.TARGET] > 0.5
            logits = network(pointed(hu[None], shares[Channel.POINTER][None]))[0]
            found = logits.argmax(0) == int(BodyClass.BODY)
            total = float(true.sum() + found.sum())
            scores.append(2.0 * float((true & found).sum()) / total if total else 1.0)
    data = f"{len(paths)} synthetic bodies of seed {VALIDATION_SEED}, 1 mm"
    return (
        Metric(name="dice_body", value=round(float(np.mean(scores)), 4), data=data),
        Metric(name="smallest_dice_body", value=round(min(scores), 4), data=data),
    )


BODY = Lesson(
    name="body-ct",
    task="The vertebral body that a coarse mask points at, on a 1 mm grid.",
    architecture=Architecture.UNET_24_96_POINTED,
    classes=tuple(BodyClass),
    thresholds=(Threshold(name="body", value=0.5),),
    spacing_mm=BODY_SPACING_MM,
    template_spacing_mm=BODY_SPACING_MM,
    samples_a_template=300,
    compiled=False,
    uses=3,
    build=build_template,
    draw=draw_body_sample,
    augment=_CHANGES.changed,
    loss=_LOSS.of,
    score=body_dice,
)
