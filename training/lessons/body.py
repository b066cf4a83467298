"""The lesson of the network that sees one vertebral body on a fine grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.card import Metric, Threshold
from models.network import Architecture, pointed
from models.tissues import BodyClass
from training.lessons.lesson import Forward, Lesson
from training.rendering.body_sample import BODY_SPACING_MM, Channel, draw_body_sample
from training.rendering.texture import blurred
from training.samples import VALIDATION_SEED, load_sample

# Shares of the uses that have each change, and how large it is. Plausible choices.
_BLURRED, _NOISY = 0.25, 0.4
_SCALE, _OFFSET_HU, _BODY_HU, _NOISE_HU = (0.93, 1.07), 15.0, 40.0, 50.0

_CROSS_ENTROPY_WEIGHT, _SMOOTHING_VOXELS = 4.0, 50.0


def augmented(hu: Tensor, shares: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A sample mirrored, its marrow and the scanner changed a little."""
    if rng.random() < 0.5:
        hu, shares = hu.flip(-1), shares.flip(-1)
    hu = hu + shares[Channel.BODY] * rng.normal(0.0, _BODY_HU)
    if rng.random() < _BLURRED:
        hu = blurred(hu, (rng.uniform(0.3, 1.5), rng.uniform(0.0, 0.8), rng.uniform(0.0, 0.8)))
    hu = hu * rng.uniform(*_SCALE) + rng.normal(0.0, _OFFSET_HU)
    if rng.random() < _NOISY:
        noise = torch.from_numpy(rng.standard_normal(hu.shape, dtype=np.float32))
        hu = hu + noise * rng.uniform(0.0, _NOISE_HU)
    return hu, shares


def body_loss(network: Forward, hu: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy and Dice of the body."""
    logits = network(pointed(hu, shares[:, Channel.POINTER]))
    margin = logits[:, BodyClass.BODY] - logits[:, BodyClass.ELSEWHERE]
    body = shares[:, Channel.BODY]
    entropy = functional.binary_cross_entropy_with_logits(margin, body)
    probability = torch.sigmoid(margin)
    overlap = 2.0 * (probability * body).sum((1, 2, 3)) + _SMOOTHING_VOXELS
    total = probability.square().sum((1, 2, 3)) + body.square().sum((1, 2, 3)) + _SMOOTHING_VOXELS
    return _CROSS_ENTROPY_WEIGHT * entropy + (1.0 - overlap / total).mean()


def body_dice(network: nn.Module, paths: tuple[Path, ...]) -> tuple[Metric, ...]:
    """Mean and smallest Dice of the body that was pointed at."""
    network.eval()
    scores = []
    with torch.no_grad():
        for path in paths:
            hu, shares = load_sample(path)
            true = shares[Channel.BODY] > 0.5
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
    draw=draw_body_sample,
    augment=augmented,
    loss=body_loss,
    score=body_dice,
)
