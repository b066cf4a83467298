"""Samples on disk between the process that draws them and the one that learns from them."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.tissues import Tissue
from training.anatomy.template import build_template, load_template, save_template
from training.rendering.sample import Sample, draw_sample

# Bytes of one CT number in a file, which holds them before the shares of the classes.
_HU_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """Where samples are kept, how many, and the seed that they and their templates follow from."""

    folder: Path
    size: int
    templates: int
    seed: int

    @property
    def template_folder(self) -> Path:
        """Where the templates of this seed lie."""
        return self.folder.parent / f"templates-{self.seed}"


def save_sample(sample: Sample, path: Path) -> None:
    """Write a sample whole or not at all."""
    hu = sample.hu.numpy()[None].view(np.uint8).reshape(_HU_BYTES, *sample.hu.shape)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.save(stream, np.concatenate((hu, sample.shares.numpy())))
    partial.rename(path)


def load_sample(path: Path) -> tuple[Tensor, Tensor]:
    """Image in HU, shape (k, j, i), and shares of the classes from 0 to 1, shape (class, k, j, i)."""
    content = np.load(path, allow_pickle=False)
    shape = content.shape[1:]
    hu = content[:_HU_BYTES].reshape(-1).view(np.int16).reshape(shape)
    shares = torch.from_numpy(content[_HU_BYTES : _HU_BYTES + len(Tissue)]).float() / 255.0
    return torch.from_numpy(hu.astype(np.float32)), shares


def ensure_template(plan: PoolPlan, number: int) -> Path:
    """The file of a template, which is built where it is missing."""
    path = plan.template_folder / f"{number:03d}.npz"
    if not path.exists():
        plan.template_folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        save_template(build_template(np.random.default_rng((plan.seed, number))), partial)
        partial.rename(path)
    return path


def fill_pool(plan: PoolPlan, stop: Event) -> None:
    """Draw samples until told to stop or left alone by the training; the oldest goes when the pool is full.

    A template is built every so often until there are enough, so that the first samples come soon.
    """
    torch.set_num_threads(1)
    plan.folder.mkdir(parents=True, exist_ok=True)
    taken = sorted(plan.folder.glob("*.npy"))
    number = int(taken[-1].stem) + 1 if taken else 0
    training = multiprocessing.parent_process()
    while not stop.is_set() and (training is None or training.is_alive()):
        rng = np.random.default_rng((plan.seed, 1, number))
        known = min(plan.templates, 1 + number // _SAMPLES_A_TEMPLATE)
        template = load_template(ensure_template(plan, int(rng.integers(known))))
        for _ in range(_DRAWS_A_LOAD):
            save_sample(draw_sample(template, rng), plan.folder / f"{number:07d}.npy")
            (plan.folder / f"{number - plan.size:07d}.npy").unlink(missing_ok=True)
            number += 1


# A new template after so many samples, and so many samples from a template once it is in memory.
_SAMPLES_A_TEMPLATE, _DRAWS_A_LOAD = 12, 4
