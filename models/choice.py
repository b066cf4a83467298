"""The networks and the classifier that a site has chosen, or those that come with the project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from models.backends.own import OwnNetwork
from models.backends.port import TissueBackend
from models.bundle import BMD_SCREENING, BODY_CT, RIBS_CT, SPINE_CT, Bundle, load_bundle
from models.levels.file import load_levels
from models.levels.plausible import PLAUSIBLE
from models.levels.rule import LevelRule
from models.release import read_public_keys
from models.screening.bundle import ScreeningBundle
from models.screening.bundle import load_bundle as load_screening_bundle
from models.spine import SpineModel
from models.tissues import BodyClass, RibClass, Tissue
from node.domain.errors import ConfigurationError
from node.domain.networks import BackendName, ClassifierChoice, SpineChoice

#: What comes with the project.
SHIPPED = SpineChoice()


def load_spine_model(device: torch.device, choice: SpineChoice = SHIPPED) -> SpineModel:
    """The networks, ready on a device, and the level model that counted their errors.

    Raises
    ------
    ConfigurationError
        Where something is not installed, cannot be read, or does not go together.
    """
    trusted = read_public_keys(choice.release_keys)
    body = load_bundle(choice.body_bundle or BODY_CT, device, trusted=trusted)
    if body.card.architecture.outputs is not BodyClass:
        raise ConfigurationError(f"workers.body_bundle must see single bodies, {body.card.name!r} does not")
    ribs = load_bundle(choice.ribs_bundle or RIBS_CT, device, trusted=trusted)
    if ribs.card.architecture.outputs is not RibClass:
        raise ConfigurationError(f"workers.ribs_bundle must see the ribs of one vertebra, {ribs.card.name!r} does not")
    if choice.backend is not BackendName.OSTEONODE:
        # Nobody has counted what others miss.
        rule = LevelRule(model=PLAUSIBLE, asked=choice.level_probability)
        return SpineModel(tissue=_of_others(device, choice.backend, choice.bundle), body=body, ribs=ribs, levels=rule)
    folder = choice.bundle or SPINE_CT
    own = _own(device, folder, trusted)
    learned = load_levels(folder, own.card, ribs.card)
    model, identity = learned if learned is not None else (PLAUSIBLE, None)
    return SpineModel(
        tissue=OwnNetwork(own),
        body=body,
        ribs=ribs,
        levels=LevelRule(model=model, asked=choice.level_probability),
        levels_identity=identity,
    )


def load_classifier(device: torch.device, choice: ClassifierChoice) -> ScreeningBundle:
    """The classifier of bone density, ready on a device.

    Raises
    ------
    ConfigurationError
        Where it cannot be read, or claims clinical use without a release that is trusted.
    """
    return load_screening_bundle(choice.bundle or BMD_SCREENING, device, trusted=read_public_keys(choice.release_keys))


def _own(device: torch.device, folder: Path, trusted: Sequence[Ed25519PublicKey]) -> Bundle:
    own = load_bundle(folder, device, trusted=trusted)
    if own.card.architecture.outputs is not Tissue:
        raise ConfigurationError(f"workers.bundle must see the whole scan, {own.card.name!r} does not")
    return own


def _of_others(device: torch.device, backend: BackendName, bundle: Path | None) -> TissueBackend:
    """A network that is not ours; its packages take half a second of a worker's start, and are loaded for it alone."""
    if backend is BackendName.MONAI:
        if bundle is None:
            raise ConfigurationError("the back end monai needs the folder of its bundle in workers.bundle")
        from models.backends.monai_bundle import MonaiBundleBackend

        return MonaiBundleBackend(bundle, device)
    if bundle is not None:
        raise ConfigurationError("the back end totalsegmentator has its own weights; workers.bundle must be empty")
    from models.backends.totalsegmentator import TotalSegmentatorBackend

    return TotalSegmentatorBackend(device)
