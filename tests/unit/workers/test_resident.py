"""The model is loaded once, on the device that was asked for and no other, and never in the parent process."""

import subprocess
import sys

import pytest
import torch

from node.domain.errors import ConfigurationError
from node.domain.networks import ClassifierChoice, SpineChoice
from tests.builders.screening import write_untrained
from tests.builders.spine_network import painted_model
from tests.peers import PROJECT
from workers import resident
from workers.resident import ResidentModel


def test_the_model_is_loaded_at_the_first_use_and_kept(monkeypatch):
    loads = []
    monkeypatch.setattr(resident, "load_spine_model", lambda device, choice: loads.append(device) or painted_model())
    model = ResidentModel(SpineChoice(), None, device="cpu", threads=1)

    before = list(loads)
    networks = {id(model.networks), id(model.networks)}

    assert (before, loads, len(networks)) == ([], [torch.device("cpu")], 1)
    assert [identity.name for identity in model.identities] == ["painted", "ribs", "trusting"]
    assert model.device_name == "cpu"


def test_a_device_that_does_not_work_is_an_error_and_not_another_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(ConfigurationError, match="cuda"):
        _ = ResidentModel(SpineChoice(), None, device="cuda", threads=1).networks


def test_a_model_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        _ = ResidentModel(SpineChoice(body_bundle=tmp_path), None, device="cpu", threads=1).networks


def test_the_classifier_that_a_site_chose_is_loaded_once_and_none_where_it_wants_none(tmp_path):
    write_untrained(tmp_path)
    chosen = ResidentModel(SpineChoice(), ClassifierChoice(bundle=tmp_path), device="cpu", threads=1)

    assert chosen.classifier is chosen.classifier
    assert chosen.classifier.card.name == "bmd-screening"
    assert ResidentModel(SpineChoice(), None, device="cpu", threads=1).classifier is None


def test_a_classifier_that_is_not_there_is_an_error(tmp_path):
    chosen = ResidentModel(SpineChoice(), ClassifierChoice(bundle=tmp_path), device="cpu", threads=1)

    with pytest.raises(ConfigurationError, match="cannot be read"):
        _ = chosen.classifier


def test_the_process_that_children_are_forked_from_holds_no_torch():
    script = "import sys, workers.app; print(sorted({'torch', 'monai', 'sqlalchemy', 'models'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PROJECT)

    assert done.stdout.strip() == "[]"
