"""A model's folder: what is written is read back, and what does not fit is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.bundle import BUNDLES, METADATA, WEIGHTS, Bundle, load_bundle, save_bundle
from models.card import Metric, ModelCard, Threshold, Training
from models.metadata import card_from_metadata, metadata_from_card
from models.network import Architecture, build_network
from models.tissues import Tissue
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse

CPU = torch.device("cpu")


def a_card() -> ModelCard:
    return ModelCard(
        name="spine-ct",
        version="0.0.1",
        task="find vertebral bodies",
        architecture=Architecture.UNET_32_160,
        spacing_mm=(3.0, 3.0, 3.0),
        classes=tuple(Tissue),
        thresholds=(Threshold(name="body", value=0.5),),
        training=Training(data="synthetic", command="osteonode-train fit spine --seed 1", steps=1),
        metrics=(Metric(name="dice", value=0.9, data="synthetic"),),
        licence="the project's",
        intended_use=IntendedUse.RESEARCH,
        weights_sha256="0" * 64,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    torch.manual_seed(1)
    save_bundle(folder, a_card(), build_network(Architecture.UNET_32_160, len(Tissue)))
    return folder


def changed_copy(folder: Path, target: Path, **changes: object) -> Path:
    for relative in (METADATA, WEIGHTS):
        (target / relative).parent.mkdir(parents=True)
        (target / relative).write_bytes((folder / relative).read_bytes())
    content = json.loads((target / METADATA).read_text()) | changes
    (target / METADATA).write_text(json.dumps(content))
    return target


def test_a_bundle_is_read_back_as_it_was_written(folder: Path) -> None:
    torch.manual_seed(1)
    original = build_network(Architecture.UNET_32_160, len(Tissue))

    bundle = load_bundle(folder, CPU)

    assert isinstance(bundle, Bundle)
    assert replace(bundle.card, weights_sha256="0" * 64) == a_card()
    for name, tensor in original.state_dict().items():
        assert torch.equal(bundle.network.state_dict()[name], tensor.half().float()), name


def test_a_bundle_is_below_six_megabytes(folder: Path) -> None:
    size = (folder / WEIGHTS).stat().st_size

    assert size < 6_000_000


def test_all_weights_that_are_shipped_are_small() -> None:
    shipped = {path.parents[1].name: path.stat().st_size for path in BUNDLES.rglob("*.safetensors")}

    assert set(shipped) == {"spine-ct", "body-ct", "ribs-ct", "bmd-screening"}
    assert shipped.pop("bmd-screening") < 8_000_000
    assert sum(shipped.values()) < 6_000_000


def test_a_network_comes_in_evaluation_mode(folder: Path) -> None:
    assert not load_bundle(folder, CPU).network.training


def test_weights_that_were_changed_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = changed_copy(folder, tmp_path)
    content = bytearray((copy / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (copy / WEIGHTS).write_bytes(bytes(content))

    with pytest.raises(ConfigurationError, match="SHA-256"):
        load_bundle(copy, CPU)


def test_weights_of_another_shape_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = changed_copy(folder, tmp_path, classes=["background", "lumbar_body"])

    with pytest.raises(ConfigurationError, match="do not fit"):
        load_bundle(copy, CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "resnet-1000"}, "resnet-1000"),
        ({"classes": ["background", "femur"]}, "FEMUR"),
        ({"intended_use": "clinical"}, "signed release"),
        ({"thresholds": 0.5}, "thresholds"),
        ({"spacing_mm": [3.0, 3.0]}, "cannot be read"),
        ({"weights_sha256": "abc"}, "64"),
        ({"version": 1}, "version"),
    ],
)
def test_a_card_that_cannot_be_trusted_is_refused(
    change: dict[str, object], message: str, folder: Path, tmp_path: Path
) -> None:
    copy = changed_copy(folder, tmp_path, **change)

    with pytest.raises(ConfigurationError, match=message):
        load_bundle(copy, CPU)


def test_a_missing_folder_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"metadata\.json"):
        load_bundle(tmp_path / "nothing", CPU)


def test_a_card_for_clinical_use_survives_the_file() -> None:
    card = replace(a_card(), intended_use=IntendedUse.CLINICAL)

    assert card_from_metadata(metadata_from_card(card)) == card


def test_an_unknown_threshold_is_an_error_of_configuration() -> None:
    assert a_card().threshold("body") == 0.5
    with pytest.raises(ConfigurationError, match="rib"):
        a_card().threshold("rib")
