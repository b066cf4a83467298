"""A small bundle with the files and the channels of a whole-body network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backends.monai_bundle import MonaiBundleBackend
from models.spine import SpineModel, find_spine
from models.tissues import BODY_TISSUES, Tissue
from models.vertebra import SpineSegmentation
from node.domain.errors import ConfigurationError
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason
from tests.builders.spine_classes import Scene
from tests.builders.spine_network import A_RULE, painted_model, painted_ribs
from tests.builders.structures import NAMES, StructureNetwork, Structures, emptied, structures

CPU = torch.device("cpu")
CHANNELS = max(NAMES) + 1
#: What the bundle asks for, in all places where the model zoo's do; nothing can be computed on it.
OTHER_DEVICE = "$torch.device('meta')"


@pytest.fixture(scope="module")
def truth() -> Structures:
    return structures(Scene())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, NAMES)
    return folder


def write_bundle(folder: Path, names: dict[int, str]) -> None:
    scale = {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": 0, "a_max": 1000, "b_min": 0, "b_max": 1}
    inference = {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "device": OTHER_DEVICE,
        "pixdim": "$[1.5, 1.5, 1.5] if False else [3.0, 3.0, 3.0]",
        "modelname": "$'small' + '.pt'",
        "network_def": {"_target_": "tests.builders.structures.StructureNetwork", "channels": CHANNELS},
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureTyped", "keys": "image", "device": OTHER_DEVICE},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {"_target_": "Spacingd", "keys": "image", "pixdim": "@pixdim", "mode": "nearest"},
                scale,
            ],
        },
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": [96, 96, 160],
            "overlap": 0.25,
            "device": OTHER_DEVICE,
        },
    }
    channels = {"0": "background"} | {str(value): name for value, name in names.items()}
    metadata = {
        "name": "Small structures",
        "version": "0.2.6",
        "network_data_format": {"outputs": {"pred": {"channel_def": channels}}},
    }
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "inference.json").write_text(json.dumps(inference))
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    torch.save(StructureNetwork(CHANNELS).state_dict(), folder / "models" / "small.pt")


def test_a_bundle_finds_the_tissues_where_they_are(truth: Structures, folder: Path) -> None:
    backend = MonaiBundleBackend(folder, CPU)

    classes = backend.classify(truth.scan)

    found, true = classes.argmax(0), truth.built.tissue
    bodies, truly = np.isin(found, BODY_TISSUES), np.isin(true, BODY_TISSUES)
    assert 2.0 * (bodies & truly).sum() / (bodies.sum() + truly.sum()) > 0.8
    assert (found[true == Tissue.RIB] == Tissue.RIB).mean() > 0.9
    assert (backend.identity.name, backend.identity.version) == ("Small structures", "0.2.6")


def test_levels_are_named_by_the_same_rules(truth: Structures, folder: Path) -> None:
    model = SpineModel(
        tissue=MonaiBundleBackend(folder, CPU), ribs=painted_ribs(), body=painted_model().body, levels=A_RULE
    )

    spine = find_spine(truth.scan, model.tissue.classify(truth.scan), model)

    assert isinstance(spine, SpineSegmentation)
    named = [vertebra.level for vertebra in spine.vertebrae]
    assert named == sorted(truth.built.centres_lps_mm, key=list(VertebralLevel).index)
    for vertebra in spine.vertebrae:
        assert vertebra.level is not None
        np.testing.assert_allclose(vertebra.centroid_lps_mm, truth.built.centres_lps_mm[vertebra.level], atol=3.0)


def test_a_turned_scan_gives_turned_tissues(truth: Structures, folder: Path) -> None:
    backend = MonaiBundleBackend(folder, CPU)

    straight, turned = backend.classify(truth.scan), backend.classify(truth.scan, flipped=(0, 1))

    assert (turned.argmax(0) == np.flip(straight.argmax(0), (0, 1))).mean() > 0.99


def test_an_empty_answer_is_no_spine(truth: Structures, folder: Path) -> None:
    scan = emptied(truth.scan)
    model = SpineModel(
        tissue=MonaiBundleBackend(folder, CPU), ribs=painted_ribs(), body=painted_model().body, levels=A_RULE
    )

    answer = find_spine(scan, model.tissue.classify(scan), model)

    assert isinstance(answer, Reason)
    assert "chain" in answer.detail


def test_a_bundle_without_vertebrae_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, {1: "liver"})

    with pytest.raises(ConfigurationError, match="vertebrae_L1"):
        MonaiBundleBackend(tmp_path, CPU)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        MonaiBundleBackend(tmp_path, CPU)


def test_another_configuration_is_another_model(tmp_path: Path) -> None:
    write_bundle(tmp_path, NAMES)
    before = MonaiBundleBackend(tmp_path, CPU).identity
    path = tmp_path / "configs" / "inference.json"
    path.write_text(path.read_text().replace("0.25", "0.5"))

    assert MonaiBundleBackend(tmp_path, CPU).identity.weights_sha256 != before.weights_sha256
