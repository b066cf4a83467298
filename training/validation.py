"""How well a network does on synthetic trunks that training never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.card import Metric
from models.network import normalise
from models.tissues import BODY_TISSUES, Tissue
from training.anatomy.template import Template, load_template
from training.pool import PoolPlan, ensure_template, load_sample, save_sample
from training.rendering.sample import draw_sample

#: Seed of the frozen set; training refuses it.
VALIDATION_SEED = 20_260_000

_TEMPLATES, _SAMPLES = 4, 24


def frozen_samples(work: Path) -> tuple[Path, ...]:
    """Files of the validation set, drawn where they are missing; the same on every machine."""
    plan = PoolPlan(folder=work / "validation", size=_SAMPLES, templates=_TEMPLATES, seed=VALIDATION_SEED)
    plan.folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(plan.folder / f"{number:07d}.npy" for number in range(_SAMPLES))
    for number, path in enumerate(paths):
        if not path.exists():
            rng = np.random.default_rng((VALIDATION_SEED, 1, number))
            save_sample(draw_sample(_template(plan, number % _TEMPLATES), rng), path)
    return paths


def _template(plan: PoolPlan, number: int) -> Template:
    return load_template(ensure_template(plan, number))


def validation_dice(network: nn.Module, paths: tuple[Path, ...]) -> tuple[Metric, ...]:
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
    data = f"{len(paths)} synthetic samples of seed {VALIDATION_SEED}, 3 mm"
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
