"""Weight files as torchvision and RadImageNet publish them: their names and shapes, with numbers made here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.backbone.network import DEEP_FEATURES, Backbone, Pretraining, scaled
from models.backbone.published import load_published
from node.domain.errors import ConfigurationError

CPU = torch.device("cpu")

#: Blocks of the four layers of ResNet-50, and channels of their middle convolutions (He et al., CVPR 2016, table 1).
LAYERS = ((3, 64), (4, 128), (6, 256), (3, 512))

State = dict[str, Tensor]


def norm(name: str, channels: int, rng: torch.Generator) -> State:
    return {
        f"{name}.weight": torch.rand(channels, generator=rng) + 0.5,
        f"{name}.bias": torch.randn(channels, generator=rng) * 0.1,
        f"{name}.running_mean": torch.randn(channels, generator=rng) * 0.1,
        f"{name}.running_var": torch.rand(channels, generator=rng) + 0.5,
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def convolution(name: str, into: int, out_of: int, size: int, rng: torch.Generator) -> State:
    spread = (2.0 / (into * size * size)) ** 0.5
    return {f"{name}.weight": torch.randn(out_of, into, size, size, generator=rng) * spread}


def torchvision_state() -> State:
    """As `torchvision.models.resnet50().state_dict()` names its weights."""
    rng = torch.Generator().manual_seed(1)
    state = convolution("conv1", 3, 64, 7, rng) | norm("bn1", 64, rng)
    channels = 64
    for layer, (blocks, width) in enumerate(LAYERS, 1):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            for number, (into, out_of, size) in enumerate(
                ((channels, width, 1), (width, width, 3), (width, 4 * width, 1)), 1
            ):
                state |= convolution(f"{name}.conv{number}", into, out_of, size, rng)
                state |= norm(f"{name}.bn{number}", out_of, rng)
            if block == 0:
                state |= convolution(f"{name}.downsample.0", channels, 4 * width, 1, rng)
                state |= norm(f"{name}.downsample.1", 4 * width, rng)
            channels = 4 * width
    return state | {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}


def radimagenet_state() -> State:
    """The same weights by their place in `nn.Sequential(*list(resnet50().children())[:9])`, without classes."""
    places = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
    renamed = {}
    for name, value in torchvision_state().items():
        first, _, rest = name.partition(".")
        if first in places:
            renamed[f"backbone.{places[first]}.{rest}"] = value
    return renamed


def keras_state() -> State:
    """As files that were converted from Keras are: every convolution has a bias."""
    state = {name: value for name, value in torchvision_state().items() if not name.startswith("fc.")}
    convolutions = [name for name, value in state.items() if value.ndim == 4]
    return state | {name.replace(".weight", ".bias"): torch.zeros(len(state[name])) for name in convolutions}


def published(folder: Path, state: object) -> Path:
    path = folder / "weights.pth"
    torch.save(state, path)
    return path


def by_hand(state: State, images: Tensor) -> Tensor:
    """The network as its paper and torchvision's documentation describe it, layer by layer."""

    def normed(name: str, values: Tensor) -> Tensor:
        statistics = (state[f"{name}.{each}"] for each in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(values, *statistics)

    def block(name: str, values: Tensor, stride: int) -> Tensor:
        kept = values
        if f"{name}.downsample.0.weight" in state:
            kept = normed(
                f"{name}.downsample.1", functional.conv2d(values, state[f"{name}.downsample.0.weight"], stride=stride)
            )
        values = functional.relu(normed(f"{name}.bn1", functional.conv2d(values, state[f"{name}.conv1.weight"])))
        middle = functional.conv2d(values, state[f"{name}.conv2.weight"], stride=stride, padding=1)
        values = functional.relu(normed(f"{name}.bn2", middle))
        return functional.relu(normed(f"{name}.bn3", functional.conv2d(values, state[f"{name}.conv3.weight"])) + kept)

    values = functional.relu(normed("bn1", functional.conv2d(images, state["conv1.weight"], stride=2, padding=3)))
    values = functional.max_pool2d(values, 3, stride=2, padding=1)
    for layer, (blocks, _) in enumerate(LAYERS, 1):
        for number in range(blocks):
            values = block(f"layer{layer}.{number}", values, 2 if layer > 1 and number == 0 else 1)
    return values.mean((2, 3))


@pytest.fixture(scope="module")
def bodies() -> list[np.ndarray]:
    return [np.random.default_rng(seed).random((3, 64, 64), dtype=np.float32) for seed in (1, 2)]


@pytest.mark.parametrize(
    ("made", "pretraining"),
    [(torchvision_state, Pretraining.IMAGENET), (radimagenet_state, Pretraining.RADIMAGENET)],
    ids=["torchvision", "RadImageNet"],
)
def test_features_are_those_of_the_network_that_the_weights_are_of(
    tmp_path: Path, bodies: list[np.ndarray], made: Callable[[], State], pretraining: Pretraining
) -> None:
    backbone = load_published(published(tmp_path, made()), pretraining, CPU)

    features = backbone.features(bodies)

    images = scaled(torch.from_numpy(np.concatenate(bodies)), pretraining)
    expected = by_hand(torchvision_state(), images).reshape(2, 3, len(DEEP_FEATURES)).mean(1)
    assert features.shape == (2, 2048)
    np.testing.assert_allclose(features, expected.numpy(), rtol=1e-3, atol=1e-4)


def test_the_two_pretrainings_see_differently_scaled_images() -> None:
    grey = torch.tensor([0.0, 0.5, 1.0]).repeat(2, 1)[:, :, None].expand(2, 3, 3)

    imagenet, radimagenet = (scaled(grey, each) for each in (Pretraining.IMAGENET, Pretraining.RADIMAGENET))

    assert imagenet.shape == radimagenet.shape == (2, 3, 224, 224)
    assert imagenet[0, :, 0, 0].tolist() == pytest.approx([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    assert radimagenet[0, :, 0, 0].tolist() == pytest.approx([-1.0, -1.0, -1.0])
    assert radimagenet[0, :, -1, 0].tolist() == pytest.approx([1.0, 1.0, 1.0])


def test_no_body_has_no_features(tmp_path: Path) -> None:
    backbone = load_published(published(tmp_path, torchvision_state()), Pretraining.IMAGENET, CPU)

    assert backbone.features([]).shape == (0, 2048)


def test_a_file_is_known_by_its_hash(tmp_path: Path) -> None:
    path = published(tmp_path, torchvision_state())

    backbone = load_published(path, Pretraining.IMAGENET, CPU)

    assert isinstance(backbone, Backbone)
    assert backbone.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_from_keras_is_refused_with_the_one_to_take(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Keras.*ResNet50\.pt"):
        load_published(published(tmp_path, keras_state()), Pretraining.RADIMAGENET, CPU)


def lacking() -> State:
    state = torchvision_state()
    for name in [name for name in state if name.startswith("layer4.2.")]:
        del state[name]
    return state


def of_another_size() -> State:
    return torchvision_state() | {"layer1.0.conv1.weight": torch.zeros(32, 64, 1, 1)}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (lacking, r"lacks layer4\.2\.bn1\.bias, .* and \d+ more"),
        (of_another_size, r"another shape of layer1\.0\.conv1\.weight"),
        (lambda: radimagenet_state() | {"backbone.9.weight": torch.zeros(1)}, r"unknown backbone\.9\.weight"),
        (lambda: torchvision_state() | {"layer9.weight": torch.zeros(1)}, r"unknown layer9\.weight"),
        (lambda: [torch.zeros(1)], "tensors by name, got list"),
        (lambda: {"model": {"conv1.weight": torch.zeros(1)}}, "tensors by name"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path: Path, content: Callable[[], object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_published(published(tmp_path, content()), Pretraining.IMAGENET, CPU)


@dataclass(frozen=True)
class Planted:
    """Makes a file once it is unpickled."""

    path: Path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self.path,))


def test_nothing_of_a_file_is_run(tmp_path: Path) -> None:
    path = published(tmp_path, {"conv1.weight": Planted(tmp_path / "made")})

    with pytest.raises(ConfigurationError, match="cannot be read as weights"):
        load_published(path, Pretraining.IMAGENET, CPU)

    assert not (tmp_path / "made").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("content", [b"", b"not a file of weights"], ids=["empty", "text"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"weights\.pth cannot be read as weights"):
        load_published(path, Pretraining.IMAGENET, CPU)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_published(tmp_path / "nothing.pth", Pretraining.IMAGENET, CPU)
