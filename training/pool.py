"""Samples on disk between the process that draws them and the one that learns from them."""

from __future__ import annotations

import math
import multiprocessing
import time
from dataclasses import dataclass
from enum import IntEnum
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import torch

from training.anatomy.template import load_template, save_template
from training.lessons.lesson import Lesson
from training.samples import VALIDATION_SEED, save_sample

# So many samples are drawn from a template once it is in memory.
_DRAWS_A_LOAD = 4

# Training begins with this many samples; so many more are drawn than it has asked for.
_FIRST_SAMPLES, _AHEAD = 24, 32

# Size of the validation set.
_VALIDATION_TEMPLATES, _VALIDATION_SAMPLES = 4, 24


class Stream(IntEnum):
    """What random numbers are for: each has a stream of its own."""

    SAMPLES = 1
    STEPS = 2
    TEMPLATES = 3
    LEVEL_TEMPLATES = 4
    LEVEL_SCANS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """The samples of a lesson, numbered from 0 as they are drawn.

    Which of them a step may use follows from how many were used before, so that a training is the same on a machine
    that draws slowly.

    Parameters
    ----------
    folder
        Where they lie.
    size
        From how many, the latest, a step takes its own.
    behind
        How many were used since the last checkpoint at most: a training that resumes asks for their samples again.
    most
        How many there are ever, from the first step on; `None` for as many as the training asks for.
    templates
        How many trunks they are drawn from.
    seed
        Trunks and samples follow from it.
    template_folder
        Where its trunks lie; trainings with one seed may share it.
    """

    folder: Path
    template_folder: Path
    lesson: Lesson
    size: int
    behind: int
    templates: int
    seed: int
    most: int | None = None

    def there_after(self, used: int) -> range:
        """The numbers of the samples that are there after so many were used."""
        if self.most is not None:
            return range(self.most)
        drawn = _FIRST_SAMPLES + used // self.lesson.uses
        return range(max(0, drawn - self.size), drawn)

    def template_of(self, number: int, rng: np.random.Generator) -> int:
        """From which trunk samples from this one on are drawn.

        Where there are only so many samples, they are of as many trunks as there can be: a hospital's images are of as
        many patients. Else a trunk is added every so often, so that samples come soon.
        """
        if self.most is not None:
            return number // _DRAWS_A_LOAD % self.templates
        known = min(self.templates, 1 + number // self.lesson.samples_a_template)
        return int(rng.integers(known))

    def path(self, number: int) -> Path:
        """File of a sample."""
        return self.folder / f"{number:07d}.npy"


def ensure_template(plan: PoolPlan, number: int) -> Path:
    """The file of a template, which is built where it is missing."""
    path = plan.template_folder / f"{number:03d}.npz"
    if not path.exists():
        plan.template_folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        rng = np.random.default_rng((plan.seed, Stream.TEMPLATES, number))
        save_template(plan.lesson.build(rng, spacing_mm=plan.lesson.template_spacing_mm), partial)
        partial.rename(path)
    return path


def fill_pool(plan: PoolPlan, stop: Event, used: Synchronized[int]) -> None:
    """Draw samples until told to stop or left alone by the training; the oldest goes when the pool is full.

    Parameters
    ----------
    used
        How many samples the training has used; drawing keeps a little ahead of it.
    """
    torch.set_num_threads(1)
    plan.folder.mkdir(parents=True, exist_ok=True)
    number = _first_missing(plan, used.value)
    kept = plan.size + math.ceil(plan.behind / plan.lesson.uses) + _AHEAD + _DRAWS_A_LOAD
    training = multiprocessing.parent_process()
    while not stop.is_set() and (training is None or training.is_alive()):
        if number >= plan.there_after(used.value).stop + (_AHEAD if plan.most is None else 0):
            time.sleep(0.2)
            continue
        rng = np.random.default_rng((plan.seed, Stream.SAMPLES, number))
        template = load_template(ensure_template(plan, plan.template_of(number, rng)))
        for _ in range(_DRAWS_A_LOAD):
            save_sample(plan.lesson.draw(template, rng), plan.path(number))
            plan.path(number - kept).unlink(missing_ok=True)
            number += 1


def _first_missing(plan: PoolPlan, used: int) -> int:
    """The first sample that a step may ask for and that is not there; samples of one state are drawn together."""
    number = plan.there_after(used).start
    while plan.path(number).exists():
        number += 1
    return number // _DRAWS_A_LOAD * _DRAWS_A_LOAD


def validation_samples(lesson: Lesson, work: Path) -> tuple[Path, ...]:
    """Files of the validation set, drawn where they are missing; the same on every machine."""
    plan = PoolPlan(
        folder=work / "validation",
        template_folder=work / f"templates-{VALIDATION_SEED}",
        lesson=lesson,
        size=_VALIDATION_SAMPLES,
        behind=0,
        templates=_VALIDATION_TEMPLATES,
        seed=VALIDATION_SEED,
    )
    plan.folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(plan.path(number) for number in range(_VALIDATION_SAMPLES))
    for number, path in enumerate(paths):
        if not path.exists():
            template = load_template(ensure_template(plan, number % _VALIDATION_TEMPLATES))
            rng = np.random.default_rng((VALIDATION_SEED, Stream.SAMPLES, number))
            save_sample(lesson.draw(template, rng), path)
    return paths
