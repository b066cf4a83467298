"""Samples on disk between the process that draws them and the one that learns from them."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import torch

from training.anatomy.template import build_template, load_template, save_template
from training.lessons.lesson import Lesson
from training.samples import VALIDATION_SEED, save_sample

# A new template after so many samples, and so many samples from a template once it is in memory.
_SAMPLES_A_TEMPLATE, _DRAWS_A_LOAD = 12, 4

# Size of the validation set.
_VALIDATION_TEMPLATES, _VALIDATION_SAMPLES = 4, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """Where the samples of a lesson are kept, how many, and the seed that they and their templates follow from."""

    folder: Path
    lesson: Lesson
    size: int
    templates: int
    seed: int

    @property
    def template_folder(self) -> Path:
        """Where the templates of this seed lie."""
        return self.folder.parent / f"templates-{self.seed}"


def ensure_template(plan: PoolPlan, number: int) -> Path:
    """The file of a template, which is built where it is missing."""
    path = plan.template_folder / f"{number:03d}.npz"
    if not path.exists():
        plan.template_folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        rng = np.random.default_rng((plan.seed, number))
        save_template(build_template(rng, spacing_mm=plan.lesson.template_spacing_mm), partial)
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
            save_sample(plan.lesson.draw(template, rng), plan.folder / f"{number:07d}.npy")
            (plan.folder / f"{number - plan.size:07d}.npy").unlink(missing_ok=True)
            number += 1


def validation_samples(lesson: Lesson, work: Path) -> tuple[Path, ...]:
    """Files of the validation set, drawn where they are missing; the same on every machine."""
    plan = PoolPlan(
        folder=work / "validation",
        lesson=lesson,
        size=_VALIDATION_SAMPLES,
        templates=_VALIDATION_TEMPLATES,
        seed=VALIDATION_SEED,
    )
    plan.folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(plan.folder / f"{number:07d}.npy" for number in range(_VALIDATION_SAMPLES))
    for number, path in enumerate(paths):
        if not path.exists():
            template = load_template(ensure_template(plan, number % _VALIDATION_TEMPLATES))
            rng = np.random.default_rng((VALIDATION_SEED, 1, number))
            save_sample(lesson.draw(template, rng), path)
    return paths
