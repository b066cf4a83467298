"""Training of a network on what is drawn for it.

A process draws samples, a thread of this one changes them a little for the next step, and another takes the steps.
"""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.card import Metric
from models.device import half_precision_pays
from models.network import build_network
from node.domain.errors import ConfigurationError, NodeError
from training.lessons.lesson import Forward, Lesson
from training.pool import PoolPlan, Stream, fill_pool, validation_samples
from training.samples import FORM, VALIDATION_SEED, load_sample

logger = logging.getLogger(__name__)

_WARM_UP_STEPS = 100
_LAST_RATE_SHARE = 0.005
_WEIGHT_DECAY = 1e-4
_GRADIENT_NORM = 5.0
_AVERAGE_DECAY = 0.998
_LOG_EVERY, _SAVE_EVERY, _VALIDATE_EVERY = 50, 200, 1000

_CPU = torch.device("cpu")


def _cores_for_steps() -> int:
    """All but the one that draws and prepares samples meanwhile."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """How a network is trained.

    Parameters
    ----------
    lesson
        What it learns.
    work
        Folder for templates, samples, checkpoint and log.
    seed
        Everything random follows from it.
    steps
        Length of the training, over all runs that resume the same checkpoint.
    batch
        Samples a step.
    templates, pool
        Number of trunks that samples are drawn from, and of samples kept.
    most_samples
        How many different samples there are ever; `None` for as many as it asks for.
    threads
        Cores that a step uses.
    shared
        Folder of templates, samples and validation set where trainings that follow each other have them in common;
        `work` where it is `None`.

    Raises
    ------
    ConfigurationError
        Where the seed is that of the validation set, or there are to be no samples.
    """

    lesson: Lesson
    work: Path
    seed: int
    steps: int
    batch: int = 2
    templates: int = 48
    pool: int = 600
    most_samples: int | None = None
    learning_rate: float = 3e-3
    threads: int = field(default_factory=_cores_for_steps)
    shared: Path | None = None

    def __post_init__(self) -> None:
        if self.seed == VALIDATION_SEED:
            raise ConfigurationError(f"seed {VALIDATION_SEED} draws the validation set; choose another one")
        if self.most_samples is not None and self.most_samples < 1:
            raise ConfigurationError(f"a training needs at least one sample, got {self.most_samples}")

    @property
    def identity(self) -> dict[str, str | int | float | None]:
        """What must be the same for a training to go on."""
        return {
            "lesson": self.lesson.name,
            "spacing_mm": self.lesson.spacing_mm,
            "form": FORM,
            "seed": self.seed,
            "steps": self.steps,
            "batch": self.batch,
            "templates": self.templates,
            "pool": self.pool,
            "most_samples": self.most_samples,
            "learning_rate": self.learning_rate,
        }

    @property
    def common(self) -> Path:
        """Folder of templates, samples and validation set."""
        return (self.work if self.shared is None else self.shared) / f"drawn-{FORM}"

    @property
    def checkpoint(self) -> Path:
        """File that training resumes from."""
        return self.work / "checkpoint.pt"


class TrainingFailed(NodeError):
    """A training cannot go on."""


@dataclass(slots=True, kw_only=True, eq=False)
class Learner:
    """The state of a training that is under way; changed by every step."""

    network: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    spent_s: float = 0.0


#: Gives the loss of images (n, k, j, i) in HU and their shares (n, channel, k, j, i).
LossFunction = Callable[[Tensor, Tensor], Tensor]

#: Told after every step how much of the training is done, from 0 to 1, and the loss.
Watcher = Callable[[float, float], None]


def fit(plan: FitPlan, watch: Watcher) -> tuple[Learner, tuple[Metric, ...]]:
    """Train to the last step; the averaged network and what it reaches on the validation set."""
    torch.set_num_threads(plan.threads)
    plan.work.mkdir(parents=True, exist_ok=True)
    learner = load_learner(plan)
    pool = PoolPlan(
        folder=plan.common / f"{'pool' if plan.most_samples is None else 'samples'}-{plan.seed}",
        template_folder=plan.common / f"templates-{plan.seed}",
        lesson=plan.lesson,
        size=plan.pool if plan.most_samples is None else max(plan.pool, plan.most_samples),
        behind=_SAVE_EVERY * plan.batch,
        templates=plan.templates,
        seed=plan.seed,
        most=plan.most_samples,
    )
    used = multiprocessing.get_context("spawn").Value("q", learner.step * plan.batch)
    with (
        # Left last: what it waits for comes no more once the drawing has stopped, and it ends.
        ThreadPoolExecutor(max_workers=1, initializer=torch.set_num_threads, initargs=(1,)) as ahead,
        _filled(pool, used) as drawing,
        (plan.work / "log.jsonl").open("a", encoding="utf-8") as log,
    ):
        validation = validation_samples(plan.lesson, plan.common)
        losses: list[float] = []
        loss_of = loss_function(plan, learner.network)
        coming = ahead.submit(_prepared, plan, pool, drawing, learner.step)
        while learner.step < plan.steps:
            start = time.monotonic()
            images, shares = coming.result()
            if learner.step + 1 < plan.steps:
                coming = ahead.submit(_prepared, plan, pool, drawing, learner.step + 1)
            losses.append(take_step(plan, learner, loss_of, images, shares))
            learner.spent_s += time.monotonic() - start
            used.value = learner.step * plan.batch
            watch(learner.step / plan.steps, losses[-1])
            if learner.step % _LOG_EVERY == 0:
                record = {"step": learner.step, "spent_s": round(learner.spent_s), "loss": float(np.mean(losses))}
                losses.clear()
                if learner.step % _VALIDATE_EVERY == 0:
                    scores = plan.lesson.score(learner.average, validation)
                    record |= {metric.name: metric.value for metric in scores}
                log.write(json.dumps(record) + "\n")
                log.flush()
            if learner.step % _SAVE_EVERY == 0:
                save_learner(plan, learner)
    save_learner(plan, learner)
    return learner, plan.lesson.score(learner.average, validation)


def load_learner(plan: FitPlan) -> Learner:
    """The learner of the checkpoint, or a new one where there is none."""
    torch.manual_seed(plan.seed)
    network, average = (build_network(plan.lesson.architecture, len(plan.lesson.classes)) for _ in range(2))
    average.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=_WEIGHT_DECAY)
    learner = Learner(network=network, average=average, optimiser=optimiser)
    if plan.checkpoint.exists():
        state = torch.load(plan.checkpoint, weights_only=True)
        known = state.get("plan")
        if known != plan.identity:
            raise ConfigurationError(
                f"{plan.work} holds a training of another plan ({known}); give {plan.identity} another folder"
            )
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        learner.step, learner.spent_s = int(state["step"]), float(state["spent_s"])
    return learner


def save_learner(plan: FitPlan, learner: Learner) -> None:
    """Write the checkpoint whole or not at all."""
    partial = plan.checkpoint.with_suffix(".partial")
    state = {
        "network": learner.network.state_dict(),
        "average": learner.average.state_dict(),
        "optimiser": learner.optimiser.state_dict(),
        "step": learner.step,
        "spent_s": learner.spent_s,
        "plan": plan.identity,
    }
    torch.save(state, partial)
    partial.rename(plan.checkpoint)


def loss_function(plan: FitPlan, network: nn.Module) -> LossFunction:
    """What a step makes small, for a network that learns; it computes in bfloat16 where that is faster."""
    network.train()
    loss_of = partial(plan.lesson.loss, _in_half_precision(network) if half_precision_pays(_CPU) else network)
    if not plan.lesson.compiled:
        return loss_of
    if shutil.which("g++") is None:
        logger.warning("g++ is missing: steps are not compiled and take longer")
        return loss_of
    return torch.compile(loss_of)


def _in_half_precision(network: nn.Module) -> Forward:
    # The weights, and what is computed from the logits, stay in single precision.
    def forward(images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            logits: Tensor = network(images)
        return logits.float()

    return forward


def prepared(
    lesson: Lesson, samples: Sequence[tuple[Tensor, Tensor]], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Images (n, k, j, i) in HU and shares (n, channel, k, j, i) for a step, each sample changed a little."""
    images, shares = zip(*(lesson.augment(*sample, rng) for sample in samples), strict=True)
    return torch.stack(images), torch.stack(shares)


def take_step(plan: FitPlan, learner: Learner, loss_of: LossFunction, images: Tensor, shares: Tensor) -> float:
    """Learn from images in HU and their shares, see `prepared`; the loss.

    Raises
    ------
    TrainingFailed
        Where the gradient is not finite; nothing has been learned from it then.
    """
    rate = plan.learning_rate * rate_share(learner.step, learner.step / plan.steps)
    for group in learner.optimiser.param_groups:
        group["lr"] = rate
    loss = loss_of(images, shares)
    learner.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = float(nn.utils.clip_grad_norm_(learner.network.parameters(), _GRADIENT_NORM))
    if not math.isfinite(norm):
        raise TrainingFailed(
            f"step {learner.step + 1}: the gradient is not finite ({norm}, loss {float(loss.detach()):.4g}); "
            "run again, it goes on from its last checkpoint, and ends here again unless the processor was at fault"
        )
    learner.optimiser.step()
    learner.step += 1
    _update_average(learner)
    return float(loss.detach())


def rate_share(step: int, done: float) -> float:
    """A short linear rise, then half a cosine down."""
    rise = min(1.0, (step + 1) / _WARM_UP_STEPS)
    return float(rise * (0.5 * (1.0 + np.cos(np.pi * min(done, 1.0))) + _LAST_RATE_SHARE))


def _update_average(learner: Learner) -> None:
    # The first steps are not worth remembering for long.
    decay = min(_AVERAGE_DECAY, (1 + learner.step) / (10 + learner.step))
    with torch.no_grad():
        for kept, new in zip(learner.average.parameters(), learner.network.parameters(), strict=True):
            kept.lerp_(new, 1.0 - decay)


def _prepared(plan: FitPlan, pool: PoolPlan, drawing: BaseProcess, step: int) -> tuple[Tensor, Tensor]:
    """What a step learns from; it follows from the seed and the number of the step."""
    rng = np.random.default_rng((plan.seed, Stream.STEPS, step))
    there = pool.there_after(step * plan.batch)
    paths = [pool.path(int(number)) for number in rng.integers(there.start, there.stop, plan.batch)]
    return prepared(plan.lesson, [_awaited(path, drawing) for path in paths], rng)


def _awaited(path: Path, drawing: BaseProcess) -> tuple[Tensor, Tensor]:
    """A sample of the pool, as soon as it is drawn."""
    while not path.exists():
        if not drawing.is_alive():
            raise TrainingFailed(f"the process that draws samples ended ({drawing.exitcode}), {path.name} is missing")
        time.sleep(0.05)
    return load_sample(path)


@contextmanager
def _filled(pool: PoolPlan, used: Synchronized[int]) -> Iterator[BaseProcess]:
    """A process of its own fills the pool meanwhile."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=fill_pool, args=(pool, stop, used), daemon=True)
    process.start()
    try:
        yield process
    finally:
        stop.set()
        process.join(timeout=60.0)
        if process.is_alive():
            logger.warning("the process that draws samples did not stop in time and is ended")
            process.terminate()
