"""The training itself: epochs of steps, resumed where it was stopped, ended where it no longer pays."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tensorboardX import SummaryWriter
from torch import nn

from models.device import half_precision_pays
from models.screening.inputs import Inputs, inputs_of
from models.screening.network import Outputs, ScreeningNetwork
from training.fitting import TrainingFailed
from training.screening_fit.augment import Augmentation
from training.screening_fit.casebook import KnownCase
from training.screening_fit.checkpoint import Learner, load_learner, save_learner
from training.screening_fit.loss import Losses, Truth, losses, truth_of
from training.screening_fit.plan import FitPlan, Lessons

#: Plausible choices: how long the learning rate rises, as a share of all steps; where it ends; and what keeps steps
#: small.
_RISE, _LAST_RATE_SHARE, _GRADIENT_NORM = 0.1, 0.01, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What an epoch came to: how many are done of how many, its mean loss, and the validation loss behind it."""

    done: int
    of: int
    training_loss: float
    validation_loss: float
    best_loss: float


#: Told after every step how much of all epochs is done, 0 to 1, and after every epoch what it came to.
Watcher = Callable[[float, Epoch | None], None]


def learn(
    plan: FitPlan,
    lessons: Lessons,
    watch: Watcher = lambda share, epoch: None,
    resumed: Callable[[Learner], None] = lambda learner: None,
) -> Learner:
    """Train to the end; the network of the learner has the weights of its best epoch then.

    Parameters
    ----------
    resumed
        Told first where there is a training to go on with, also one that is at its end.

    Raises
    ------
    ConfigurationError
        Where the folder holds a training of another plan.
    TrainingFailed
        Where a gradient or the validation loss is not finite.
    """
    plan.work.mkdir(parents=True, exist_ok=True)
    identity = plan.identity(lessons)
    learner = load_learner(plan, identity)
    if learner.epoch:
        resumed(learner)
    augmentation = Augmentation()
    validation = inputs_of([known.case for known in lessons.validation])
    with SummaryWriter(logdir=str(plan.logs), purge_step=learner.epoch + 1) as writer:
        while not learner.is_done(plan):
            mean = _learn_epoch(plan, learner, lessons.training, augmentation, watch)
            judged = judge(learner.network, validation, truth_of([known.scan for known in lessons.validation]), plan)
            told = _keep_best(learner, plan, mean, float(judged.categories))
            _log(writer, learner, told, judged)
            save_learner(plan, identity, learner)
            watch(learner.epoch / plan.epochs, told)
    learner.network.load_state_dict(learner.best)
    return learner


def _learn_epoch(
    plan: FitPlan,
    learner: Learner,
    cases: Sequence[KnownCase],
    augmentation: Augmentation,
    watch: Watcher,
) -> float:
    """One pass over the training cohort; the mean loss."""
    steps = list(_batches(plan, len(cases), learner.epoch))
    told = []
    for number, places in enumerate(steps):
        rng = np.random.default_rng((plan.seed, learner.epoch, number))
        # what is dropped follows from the step as well, not from how long the process has run
        torch.manual_seed(int(rng.integers(2**62)))
        chosen = [cases[place] for place in places.tolist()]
        inputs = inputs_of([augmentation(known.case, rng) for known in chosen])
        share = (learner.epoch + number / len(steps)) / plan.epochs
        told.append(_take_step(plan, learner, inputs, truth_of([known.scan for known in chosen]), share))
        watch((learner.epoch + (number + 1) / len(steps)) / plan.epochs, None)
    learner.epoch += 1
    return float(np.mean(told))


def _batches(plan: FitPlan, cases: int, epoch: int) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Places of the cases of every step, of about one size: a norm over a single case would say nothing."""
    order = np.random.default_rng((plan.seed, epoch)).permutation(cases)
    yield from np.array_split(order, max(1, round(cases / plan.batch)))


def _take_step(plan: FitPlan, learner: Learner, inputs: Inputs, truth: Truth, share: float) -> float:
    rate = plan.learning_rate * rate_share(share)
    for group in learner.optimiser.param_groups:
        group["lr"] = rate
    learner.network.train()
    loss = _losses(learner.network, inputs, truth, plan).whole
    learner.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = float(nn.utils.clip_grad_norm_(learner.network.parameters(), _GRADIENT_NORM))
    if not math.isfinite(norm):
        raise TrainingFailed(f"epoch {learner.epoch + 1}: the gradient is not finite; run again to try from there")
    learner.optimiser.step()
    return float(loss.detach())


def rate_share(done: float) -> float:
    """A linear rise, then half a cosine down; by the share of the training that is done."""
    fall = 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
    return min(1.0, 0.05 + done / _RISE) * (fall + _LAST_RATE_SHARE)


def judge(network: ScreeningNetwork, inputs: Inputs, truth: Truth, plan: FitPlan) -> Losses:
    """The losses of some cases, in single precision as at run time."""
    network.eval()
    count = inputs.hu.shape[0]
    answers = []
    with torch.inference_mode():
        for first in range(0, count, plan.batch):
            part = slice(first, first + plan.batch)
            answers.append(network(_part(inputs, part).to(plan.device)))
    outputs = Outputs(
        fused=torch.cat([each.fused.cpu() for each in answers]),
        alone=torch.cat([each.alone.cpu() for each in answers]),
        density=torch.cat([each.density.cpu() for each in answers]),
    )
    return losses(outputs, inputs.has_l2, truth)


def _part(inputs: Inputs, part: slice) -> Inputs:
    return Inputs(
        hu=inputs.hu[part], body=inputs.body[part], has_l2=inputs.has_l2[part], references=inputs.references[part]
    )


def _losses(network: ScreeningNetwork, inputs: Inputs, truth: Truth, plan: FitPlan) -> Losses:
    moved = inputs.to(plan.device)
    known = Truth(classes=truth.classes.to(plan.device), density=truth.density.to(plan.device))
    with torch.autocast(plan.device.type, torch.bfloat16, enabled=half_precision_pays(plan.device)):
        outputs = network(moved)
    return losses(outputs, moved.has_l2, known)


def _keep_best(learner: Learner, plan: FitPlan, training_loss: float, validation_loss: float) -> Epoch:
    if not math.isfinite(validation_loss):
        raise TrainingFailed(f"epoch {learner.epoch}: the validation loss is not finite")
    if validation_loss < learner.best_loss:
        learner.best_loss, learner.best_epoch = validation_loss, learner.epoch
        learner.best = copy.deepcopy({name: value.cpu() for name, value in learner.network.state_dict().items()})
    return Epoch(
        done=learner.epoch,
        of=plan.epochs,
        training_loss=training_loss,
        validation_loss=validation_loss,
        best_loss=learner.best_loss,
    )


def _log(writer: SummaryWriter, learner: Learner, epoch: Epoch, judged: Losses) -> None:
    values = {
        "loss/training": epoch.training_loss,
        "loss/validation": epoch.validation_loss,
        "loss/validation model 1 (L1 and L2)": float(judged.fused),
        "loss/validation model 2 (L1)": float(judged.alone),
        "loss/validation density": float(judged.density),
        "rate": learner.optimiser.param_groups[0]["lr"],
    }
    for name, value in values.items():
        writer.add_scalar(name, value, epoch.done)
    writer.flush()
