"""The classifier with its card, read from a folder in the MONAI bundle layout."""

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
from torch import Tensor, nn

from models.bundle import METADATA, WEIGHTS
from models.release import check_release
from models.screening.card import ScreeningCard, card_from_metadata, metadata_from_card
from models.screening.case import ScreeningCase
from models.screening.inputs import inputs_of
from models.screening.int8 import dequantised, quantised
from models.screening.network import ScreeningNetwork, build_network
from node.domain.classifier import ClassifierMethod
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse

#: So many cases are asked at once: more are no faster on a processor.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreeningBundle:
    """The network in evaluation mode on its device, and the card that its weights were checked against."""

    card: ScreeningCard
    network: ScreeningNetwork
    device: torch.device

    def logits(self, cases: Sequence[ScreeningCase]) -> dict[ClassifierMethod, Tensor]:
        """Of both models, each of shape (case, category), float32 on the CPU.

        Those of model 1 mean nothing where a case has no L2.
        """
        return logits_of(self.network, cases, self.device)

    def probabilities(self, logits: Tensor, method: ClassifierMethod) -> Tensor:
        """Of logits of one model, brought in line with truth where the card has a temperature; of the same shape."""
        temperature = self.card.temperature(method)
        return torch.softmax(logits / (1.0 if temperature is None else temperature.value), dim=-1)


def logits_of(
    network: ScreeningNetwork, cases: Sequence[ScreeningCase], device: torch.device
) -> dict[ClassifierMethod, Tensor]:
    """See `ScreeningBundle.logits`; the network is in evaluation mode afterwards."""
    network.eval()
    fused, alone = [torch.empty(0, 3)], [torch.empty(0, 3)]
    with torch.inference_mode():
        for first in range(0, len(cases), _AT_ONCE):
            outputs = network(inputs_of(cases[first : first + _AT_ONCE]).to(device))
            fused.append(outputs.fused.cpu())
            alone.append(outputs.alone.cpu())
    return {ClassifierMethod.L1_L2: torch.cat(fused), ClassifierMethod.L1: torch.cat(alone)}


def load_bundle(folder: Path, device: torch.device, *, trusted: Sequence[Ed25519PublicKey] = ()) -> ScreeningBundle:
    """The classifier of a bundle, ready for inference in float32.

    The weights are safetensors: nothing in the folder is ever evaluated as code.

    Parameters
    ----------
    trusted
        Keys whose signature under a release is enough for clinical use. A bundle for research needs none.

    Raises
    ------
    ConfigurationError
        Where a file is missing, the card cannot be read, the weights have another SHA-256 than the card gives, or do
        not fit the network, or the card claims clinical use without a release that fits and that a trusted key has
        signed.
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
    network = build_network()
    try:
        network.load_state_dict(dequantised(parse_weights(content)))
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise ConfigurationError(
            f"the weights of model {card.name!r} do not fit {card.architecture}: {error}"
        ) from error
    return ScreeningBundle(card=card, network=network.eval().to(device), device=device)


def load_card(folder: Path) -> ScreeningCard:
    """The card of a bundle, its weights not looked at.

    Raises
    ------
    ConfigurationError
        Where the file is missing or is no card.
    """
    path = folder / METADATA
    text = _read(path).decode("utf-8", errors="replace")
    try:
        return card_from_metadata(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}; install the model anew") from error


def save_bundle(folder: Path, card: ScreeningCard, network: nn.Module) -> ScreeningCard:
    """Write weights in 8 bits and the card with their SHA-256, which is returned."""
    content = format_weights(quantised(network.state_dict()))
    signed = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
    _write(folder / WEIGHTS, content)
    save_card(folder, signed)
    return signed


def save_card(folder: Path, card: ScreeningCard) -> None:
    """Write the card into a bundle."""
    _write(folder / METADATA, metadata_from_card(card).encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the model file {path} cannot be read: {error.strerror}") from error
