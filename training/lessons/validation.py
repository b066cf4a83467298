"""How well a network tells tissues apart on synthetic trunks that training never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.card import Metric
from models.network import normalise
from models.tissues import BODY_TISSUES, Tissue
from training.rendering.sample import SAMPLE_SPACING_MM
from training.samples import VALIDATION_SEED, load_sample


def tissue_dice(network: nn.Module, paths: tuple[Path, ...]) -> tuple[Metric, ...]:
    """Dice of every class over all samples together, and of all bodies as one class."""
    overlap, total = np.zeros(len(Tissue) + 1), np.zeros(len(Tissue) + 1)
    network.eval()
    with torch.no_grad():
        for path in paths:
            hu, shares = load_sample(path)
            found, true = network(normalise(hu)[None, None])[0].argmax(0), shares.argmax(0)
            for index, members in enumerate((*((tissue,) for tissue in Tissue), BODY_TISSUES)):
                first, second = _any(found, members), _any(true, members)
                overlap[index] += float((first & second).sum())
                total[index] += float(first.sum() + second.sum())
    names = (*(tissue.name.lower() for tissue in Tissue), "any_body")
    data = f"{len(paths)} synthetic samples of seed {VALIDATION_SEED}, {SAMPLE_SPACING_MM:g} mm"
    scores = 2.0 * overlap / np.maximum(total, 1.0)
    return tuple(
        Metric(name=f"dice_{name}", value=round(float(score), 4), data=data)
        for name, score in zip(names, scores, strict=True)
        if name != "background"
    )


def _any(classes: Tensor, members: tuple[Tissue, ...]) -> Tensor:
    inside = classes == int(members[0])
    for member in members[1:]:
        inside |= classes == int(member)
    return inside
