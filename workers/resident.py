"""The spine network of this process: loaded at the first task that needs it, and kept."""

from __future__ import annotations

import logging
import os
import time
from functools import cached_property
from pathlib import Path

import torch

from models.bundle import SPINE_CT, Bundle, load_bundle
from models.device import choose_device, use_threads
from node.domain.provenance import ModelIdentity
from node.observe.events import Event
from node.observe.logging import event

logger = logging.getLogger(__name__)


class ResidentModel:
    """A bundle on its device.

    Parameters
    ----------
    folder
        The bundle; `None` for the one that comes with the project.
    device
        `cpu`, `cuda` or `cuda:N`.
    threads
        Cores for inference on the CPU; 0 for as many as this process may use.
    """

    def __init__(self, folder: Path | None, *, device: str, threads: int) -> None:
        self._folder = folder or SPINE_CT
        self._device = device
        self.threads = threads or len(os.sched_getaffinity(0))

    @cached_property
    def bundle(self) -> Bundle:
        """The network, loaded when this is first asked for.

        Raises
        ------
        ConfigurationError
            Where the device or the model does not work here; there is no falling back to another.
        """
        started = time.monotonic()
        device = choose_device(self._device)
        use_threads(self.threads)
        bundle = load_bundle(self._folder, device)
        seconds = round(time.monotonic() - started, 3)
        logger.info(
            "model loaded",
            extra=event(
                Event.MODEL_LOADED,
                model=bundle.card.name,
                version=bundle.card.version,
                device=str(device),
                seconds=seconds,
            ),
        )
        return bundle

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""
        card = self.bundle.card
        return ModelIdentity(
            name=card.name,
            version=card.version,
            weights_sha256=card.weights_sha256,
            intended_use=card.intended_use,
        )

    @property
    def device_name(self) -> str:
        """What the network runs on, for people: `cpu`, or `cuda` with the name of the card."""
        device = self.bundle.device
        return f"{device} {torch.cuda.get_device_name(device)}" if device.type == "cuda" else str(device)
