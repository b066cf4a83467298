"""Networks that do not go together are refused before the first scan."""

from __future__ import annotations

import pytest
import torch

from models.bundle import BODY_CT, SPINE_CT
from models.choice import load_spine_model
from node.domain.errors import ConfigurationError
from node.domain.networks import BackendName, SpineChoice

CPU = torch.device("cpu")


def test_the_networks_that_come_along_go_together() -> None:
    model = load_spine_model(CPU)

    assert [identity.name for identity in model.identities] == ["spine-ct", "body-ct"]


def test_the_networks_cannot_be_exchanged() -> None:
    with pytest.raises(ConfigurationError, match="must see the whole scan"):
        load_spine_model(CPU, SpineChoice(bundle=BODY_CT))
    with pytest.raises(ConfigurationError, match="must see single bodies"):
        load_spine_model(CPU, SpineChoice(body_bundle=SPINE_CT))


def test_a_back_end_with_weights_of_its_own_takes_no_bundle() -> None:
    with pytest.raises(ConfigurationError, match="must be empty"):
        load_spine_model(CPU, SpineChoice(backend=BackendName.TOTALSEGMENTATOR, bundle=SPINE_CT))


def test_the_back_end_for_bundles_needs_one() -> None:
    with pytest.raises(ConfigurationError, match="needs the folder"):
        load_spine_model(CPU, SpineChoice(backend=BackendName.MONAI))
