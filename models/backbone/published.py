"""Weights of ResNet-50 in the files that others publish, from a local path."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from models.backbone.network import Backbone, Pretraining, build_backbone
from node.domain.errors import ConfigurationError

#: RadImageNet's program puts the layers of torchvision's network into a sequence, and names them by their place.
_SEQUENCE = "backbone."
_PLACES = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}

#: The last layer tells the classes of others.
_CLASSES = ("fc.weight", "fc.bias")

#: Told of files that were converted from Keras.
_OF_KERAS = (
    "its convolutions have biases, as files that were converted from Keras have, whose network has other strides; take "
    "ResNet50.pt of RadImageNet's weights for PyTorch"
)

#: Names of weights that are told.
_TOLD = 3


def load_published(path: Path, pretraining: Pretraining, device: torch.device) -> Backbone:
    """The network with the weights of a published file.

    `Pretraining.IMAGENET` is a file of torchvision, `Pretraining.RADIMAGENET` RadImageNet's `ResNet50.pt`. Nothing of a
    file is evaluated as code: tensors alone are read.

    Raises
    ------
    ConfigurationError
        Where the file cannot be read, or holds other weights.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error.strerror}") from error
    state = _weights_of(_parsed(content, path.name), path.name)
    network = build_backbone()
    wanted = network.state_dict()
    missing, more = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if any(name.endswith(("conv1.bias", "conv2.bias", "conv3.bias")) for name in more):
        raise ConfigurationError(f"{path.name} holds no weights of this ResNet-50: {_OF_KERAS}")
    shapes = [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    faults = [
        f"{what} {', '.join(names[:_TOLD])}" + (f" and {len(names) - _TOLD} more" if len(names) > _TOLD else "")
        for what, names in (("lacks", missing), ("has the unknown", more), ("has another shape of", shapes))
        if names
    ]
    if faults:
        raise ConfigurationError(f"{path.name} holds no weights of this ResNet-50: it {'; '.join(faults)}")
    network.load_state_dict(state)
    return Backbone(
        network=network.eval().to(device),
        pretraining=pretraining,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        device=device,
    )


def _parsed(content: bytes, name: str) -> Mapping[str, Tensor]:
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile, KeyError, ValueError) as error:
        first = str(error).split("\n", 1)[0]
        raise ConfigurationError(f"{name} cannot be read as weights of PyTorch: {first}") from error
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise ConfigurationError(f"{name} must hold tensors by name, got {type(state).__name__}")
    return state


def _weights_of(content: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """By the names of this network, without the layer of classes."""
    state = {}
    for key, value in content.items():
        if key in _CLASSES:
            continue
        if not key.startswith(_SEQUENCE):
            state[key] = value
            continue
        place, _, rest = key.removeprefix(_SEQUENCE).partition(".")
        if place not in _PLACES:
            raise ConfigurationError(f"{name} holds no weights of this ResNet-50: it has the unknown {key}")
        state[f"{_PLACES[place]}.{rest}"] = value
    return state
