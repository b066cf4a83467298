"""The state of a training that is under way, in memory and in its file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.screening.network import ScreeningNetwork, build_network
from node.domain.errors import ConfigurationError
from training.screening_fit.plan import FitPlan

_WEIGHT_DECAY = 1e-2

State = dict[str, Tensor]


@dataclass(slots=True, kw_only=True, eq=False)
class Learner:
    """The state of a training that is under way; changed by every step."""

    network: ScreeningNetwork
    optimiser: torch.optim.Optimizer
    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    best: State = field(default_factory=dict)

    def is_done(self, plan: FitPlan) -> bool:
        """Whether all epochs are over, or too many passed since the best one."""
        return self.epoch >= plan.epochs or (self.epoch > 0 and self.epoch - self.best_epoch >= plan.patience)


def load_learner(plan: FitPlan, identity: str) -> Learner:
    """The learner of the checkpoint, or a new one where there is none.

    Raises
    ------
    ConfigurationError
        Where the checkpoint is of another plan or of other cases.
    """
    torch.manual_seed(plan.seed)
    network = build_network().to(plan.device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=_WEIGHT_DECAY)
    learner = Learner(network=network, optimiser=optimiser)
    if not plan.checkpoint.exists():
        return learner
    state = torch.load(plan.checkpoint, weights_only=True, map_location=plan.device)
    if state.get("plan") != identity:
        raise ConfigurationError(
            f"{plan.work} holds a training of another plan, of other scans or by other code; choose another folder, or "
            f"remove {plan.checkpoint.name} there to begin anew"
        )
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    learner.epoch, learner.best_epoch = int(state["epoch"]), int(state["best_epoch"])
    learner.best_loss = float(state["best_loss"])
    learner.best = {name: value.cpu() for name, value in state["best"].items()}
    return learner


def save_learner(plan: FitPlan, identity: str, learner: Learner) -> None:
    """Write the checkpoint whole or not at all."""
    partial = plan.checkpoint.with_suffix(".partial")
    state = {
        "plan": identity,
        "network": learner.network.state_dict(),
        "optimiser": learner.optimiser.state_dict(),
        "epoch": learner.epoch,
        "best_epoch": learner.best_epoch,
        "best_loss": learner.best_loss,
        "best": learner.best,
    }
    torch.save(state, partial)
    partial.rename(plan.checkpoint)
