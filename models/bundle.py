"""A trained network with its card, read from a folder in the MONAI bundle layout."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from safetensors import SafetensorError
from safetensors.torch import load as parse_weights
from safetensors.torch import save as format_weights
from torch import nn

from models.card import ModelCard
from models.metadata import card_from_metadata, metadata_from_card
from models.network import build_network
from models.release import check_release
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse

METADATA = Path("configs/metadata.json")
WEIGHTS = Path("models/model.safetensors")

#: Where the bundles that come with the project lie.
BUNDLES = Path(__file__).parent / "bundles"

#: The networks of the pipeline `ct-bone` that find vertebral bodies in the whole scan, each of them finely, and ribs.
SPINE_CT, BODY_CT, RIBS_CT = BUNDLES / "spine-ct", BUNDLES / "body-ct", BUNDLES / "ribs-ct"

#: The classifier of the pipeline `ct-bone`; see `models.screening.bundle`.
BMD_SCREENING = BUNDLES / "bmd-screening"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """A network in evaluation mode on its device, and the card that its weights were checked against."""

    card: ModelCard
    network: nn.Module
    device: torch.device


def load_bundle(folder: Path, device: torch.device, *, trusted: Sequence[Ed25519PublicKey] = ()) -> Bundle:
    """The network of a bundle, ready for inference in float32.

    The weights are safetensors: nothing in the folder is ever evaluated as code.

    Parameters
    ----------
    trusted
        Keys whose signature under a release is enough for clinical use. A bundle for research needs none.

    Raises
    ------
    ConfigurationError
        Where a file is missing, the card cannot be read or names an unknown architecture, the weights have another
        SHA-256 than the card gives, or do not fit the network, or the card claims clinical use without a release that
        fits and that a trusted key has signed.
    """
    card = load_card(folder)
    content = _read(folder / WEIGHTS)
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.weights_sha256:
        raise ConfigurationError(
            f"the weights of model {card.name!r} must have SHA-256 {card.weights_sha256}, got {digest}; install it anew"
        )
    if card.intended_use is IntendedUse.CLINICAL:
        check_release(folder, card.identity, trusted)
    network = build_network(card.architecture, len(card.classes))
    try:
        weights = {name: tensor.float() for name, tensor in parse_weights(content).items()}
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        raise ConfigurationError(
            f"the weights of model {card.name!r} do not fit {card.architecture}: {error}"
        ) from error
    return Bundle(card=card, network=network.eval().to(device), device=device)


def load_card(folder: Path) -> ModelCard:
    """The card of a bundle, its weights not looked at.

    Raises
    ------
    ConfigurationError
        Where the file is missing or is no card.
    """
    return card_from_metadata(_read(folder / METADATA).decode("utf-8", errors="replace"))


def save_bundle(folder: Path, card: ModelCard, network: nn.Module) -> ModelCard:
    """Write weights in half precision and the card with their SHA-256, which is returned."""
    state = {name: tensor.detach().cpu().half().contiguous() for name, tensor in network.state_dict().items()}
    content = format_weights(state)
    signed = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
    for relative, data in ((WEIGHTS, content), (METADATA, metadata_from_card(signed).encode())):
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return signed


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the model file {path} cannot be read: {error.strerror}") from error
