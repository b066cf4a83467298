"""Networks that do not go together are refused before the first scan."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.bundle import BODY_CT, RIBS_CT, SPINE_CT, load_card
from models.choice import load_spine_model
from models.levels.file import LEVELS, save_levels
from models.levels.model import Calibration
from models.levels.plausible import PLAUSIBLE
from node.domain.errors import ConfigurationError
from node.domain.networks import BackendName, SpineChoice
from tests.builders.level_files import level_file

CPU = torch.device("cpu")


def test_the_networks_that_come_along_go_together() -> None:
    model = load_spine_model(CPU)

    names = [identity.name for identity in model.identities]
    assert (*names[:2], names[-1]) == ("spine-ct", "ribs-ct", "body-ct")


@pytest.fixture
def learned(tmp_path: Path) -> Path:
    """The network that comes along, with a level model that was calibrated."""
    folder = tmp_path / "bundle"
    shutil.copytree(SPINE_CT, folder)
    model = replace(PLAUSIBLE, calibration=Calibration(slope=1.0, intercept=0.0, scans=10_000, data="none"))
    save_levels(folder, level_file(model, load_card(folder), load_card(RIBS_CT), version="7"))
    return folder


def test_a_level_model_in_the_bundle_gives_probabilities_and_has_a_name_of_its_own(learned: Path) -> None:
    model = load_spine_model(CPU, SpineChoice(bundle=learned, level_probability=0.9))

    assert ("spine-levels", "7") in {(identity.name, identity.version) for identity in model.identities}
    assert model.levels.least == 0.9
    assert model.levels.confidence(0.8).calibrated


def test_a_bundle_without_one_gives_scores(learned: Path) -> None:
    (learned / LEVELS).unlink()

    model = load_spine_model(CPU, SpineChoice(bundle=learned))

    assert "spine-levels" not in {identity.name for identity in model.identities}
    assert not model.levels.confidence(0.8).calibrated


def test_the_level_model_of_another_network_is_refused(learned: Path) -> None:
    file = learned / LEVELS
    file.write_text(file.read_text().replace(load_card(learned).weights_sha256, "0" * 64))

    with pytest.raises(ConfigurationError, match="goes with weights"):
        load_spine_model(CPU, SpineChoice(bundle=learned))


def test_the_networks_cannot_be_exchanged() -> None:
    with pytest.raises(ConfigurationError, match="must see the whole scan"):
        load_spine_model(CPU, SpineChoice(bundle=BODY_CT))
    with pytest.raises(ConfigurationError, match="must see single bodies"):
        load_spine_model(CPU, SpineChoice(body_bundle=SPINE_CT))
    with pytest.raises(ConfigurationError, match="must see the ribs"):
        load_spine_model(CPU, SpineChoice(ribs_bundle=BODY_CT))


def test_a_back_end_with_weights_of_its_own_takes_no_bundle() -> None:
    with pytest.raises(ConfigurationError, match="must be empty"):
        load_spine_model(CPU, SpineChoice(backend=BackendName.TOTALSEGMENTATOR, bundle=SPINE_CT))


def test_the_back_end_for_bundles_needs_one() -> None:
    with pytest.raises(ConfigurationError, match="needs the folder"):
        load_spine_model(CPU, SpineChoice(backend=BackendName.MONAI))
