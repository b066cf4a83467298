"""The networks of this process: loaded at the first task that needs them, and kept."""

from __future__ import annotations

import logging
import os
import time
from functools import cached_property

import torch

from models.choice import load_spine_model
from models.device import choose_device, use_threads
from models.spine import SpineModel
from node.domain.networks import SpineChoice
from node.domain.provenance import ModelIdentity
from node.observe.events import Event
from node.observe.logging import event

logger = logging.getLogger(__name__)


class ResidentModel:
    """The networks that find vertebral bodies, on their device.

    Parameters
    ----------
    choice
        Which they are.
    device
        `cpu`, `cuda` or `cuda:N`.
    threads
        Cores for inference on the CPU; 0 for as many as this process may use.
    """

    def __init__(self, choice: SpineChoice, *, device: str, threads: int) -> None:
        self._choice = choice
        self._device = device
        self.threads = threads or len(os.sched_getaffinity(0))

    @cached_property
    def networks(self) -> SpineModel:
        """The networks, loaded when this is first asked for.

        Raises
        ------
        ConfigurationError
            Where the device or a model does not work here; there is no falling back to another.
        """
        started = time.monotonic()
        device = choose_device(self._device)
        use_threads(self.threads)
        networks = load_spine_model(device, self._choice)
        seconds = round(time.monotonic() - started, 3)
        for identity in networks.identities:
            logger.info(
                "model loaded",
                extra=event(
                    Event.MODEL_LOADED,
                    model=identity.name,
                    version=identity.version,
                    device=str(device),
                    seconds=seconds,
                ),
            )
        return networks

    @property
    def identities(self) -> tuple[ModelIdentity, ...]:
        """Which models they are."""
        return self.networks.identities

    @property
    def device_name(self) -> str:
        """What the networks run on, for people: `cpu`, or `cuda` with the name of the card."""
        device = self.networks.tissue.device
        return f"{device} {torch.cuda.get_device_name(device)}" if device.type == "cuda" else str(device)
