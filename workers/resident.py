"""The networks of this process: loaded at the first task that needs them, and kept."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from functools import cached_property

import torch

from models.choice import load_classifier, load_spine_model
from models.device import choose_device, use_threads
from models.screening.bundle import ScreeningBundle
from models.spine import SpineModel
from node.domain.networks import ClassifierChoice, SpineChoice
from node.domain.provenance import ModelIdentity
from node.observe.events import Event
from node.observe.logging import event

logger = logging.getLogger(__name__)


class ResidentModel:
    """The networks that find vertebral bodies, and the classifier of what they found, on their device.

    Parameters
    ----------
    choice
        Which they are.
    classifier
        Which one; `None` for none.
    device
        `cpu`, `cuda` or `cuda:N`.
    threads
        Cores for inference on the CPU; 0 for as many as this process may use.
    """

    def __init__(self, choice: SpineChoice, classifier: ClassifierChoice | None, *, device: str, threads: int) -> None:
        self._choice = choice
        self._classifier = classifier
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
        networks = load_spine_model(self._torch_device, self._choice)
        self._tell(networks.identities, time.monotonic() - started)
        return networks

    @cached_property
    def classifier(self) -> ScreeningBundle | None:
        """The classifier, loaded when this is first asked for; `None` where the site wants none.

        Raises
        ------
        ConfigurationError
            See `networks`.
        """
        if self._classifier is None:
            return None
        started = time.monotonic()
        classifier = load_classifier(self._torch_device, self._classifier)
        self._tell((classifier.card.identity,), time.monotonic() - started)
        return classifier

    @cached_property
    def _torch_device(self) -> torch.device:
        device = choose_device(self._device)
        use_threads(self.threads)
        return device

    def _tell(self, loaded: Sequence[ModelIdentity], seconds: float) -> None:
        for identity in loaded:
            logger.info(
                "model loaded",
                extra=event(
                    Event.MODEL_LOADED,
                    model=identity.name,
                    version=identity.version,
                    device=str(self._torch_device),
                    seconds=round(seconds, 3),
                ),
            )

    @property
    def identities(self) -> tuple[ModelIdentity, ...]:
        """Which models they are."""
        return self.networks.identities

    @property
    def device_name(self) -> str:
        """What the networks run on, for people: `cpu`, or `cuda` with the name of the card."""
        device = self.networks.tissue.device
        return f"{device} {torch.cuda.get_device_name(device)}" if device.type == "cuda" else str(device)
