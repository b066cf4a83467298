"""TotalSegmentator's answers, from a stand-in with its functions."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backends import totalsegmentator
from models.backends.totalsegmentator import WEIGHTS, TotalSegmentatorBackend
from models.spine import SpineModel, find_spine
from models.tissues import BODY_TISSUES, Tissue
from models.vertebra import SpineSegmentation
from node.domain.errors import ConfigurationError
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason
from tests.builders.spine_classes import Scene
from tests.builders.spine_network import A_RULE, painted_model, painted_ribs
from tests.builders.structures import Structures, emptied, structures
from tests.peers import PROJECT

CPU = torch.device("cpu")
STANDINS = Path(__file__).parents[3] / "standins"


@pytest.fixture(scope="module")
def truth() -> Structures:
    return structures(Scene())


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The stand-in can be imported, and weights lie where it looks for them."""
    monkeypatch.syspath_prepend(str(STANDINS))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(STANDINS), str(PROJECT))))
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(tmp_path))
    monkeypatch.setenv("STANDIN_CALL", str(tmp_path / "call.json"))
    monkeypatch.setattr(totalsegmentator.importlib.metadata, "version", lambda name: "2.18.0")
    for name in WEIGHTS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "checkpoint_final.pth").write_bytes(name.encode())
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "totalsegmentator"]:
        del sys.modules[name]


def test_tissues_are_where_the_structures_are(truth: Structures, installed: Path) -> None:
    classes = TotalSegmentatorBackend(CPU).classify(truth.scan)

    found, true = classes.argmax(0), truth.built.tissue
    bodies, truly = np.isin(found, BODY_TISSUES), np.isin(true, BODY_TISSUES)
    assert 2.0 * (bodies & truly).sum() / (bodies.sum() + truly.sum()) > 0.85
    assert (found[true == Tissue.RIB] == Tissue.RIB).mean() > 0.9


def test_levels_are_named_by_our_rules(truth: Structures, installed: Path) -> None:
    model = SpineModel(
        tissue=TotalSegmentatorBackend(CPU), ribs=painted_ribs(), body=painted_model().body, levels=A_RULE
    )

    spine = find_spine(truth.scan, model.tissue.classify(truth.scan), model)

    assert isinstance(spine, SpineSegmentation)
    named = [vertebra.level for vertebra in spine.vertebrae]
    assert named == sorted(truth.built.centres_lps_mm, key=list(VertebralLevel).index)
    assert [identity.name for identity in model.identities] == ["TotalSegmentator", "ribs", "trusting"]


def test_only_the_spine_is_asked_for_on_this_device_and_nothing_is_sent(truth: Structures, installed: Path) -> None:
    TotalSegmentatorBackend(CPU).classify(truth.scan)

    call = json.loads((installed / "call.json").read_text())
    assert (call["task"], call["ml"], call["device"]) == ("total", True, "cpu")
    assert "liver" not in call["roi_subset"]
    assert {"vertebrae_L1", "rib_left_12", "sacrum"} <= set(call["roi_subset"])
    assert call["axes"] == ["L", "P", "S"]
    assert call["send_usage_stats"] is False
    assert not Path(call["temporary"]).exists()


def test_it_runs_in_the_child_of_a_worker_which_may_start_no_processes_itself(
    truth: Structures, installed: Path
) -> None:
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_classify, args=(truth, installed / "bodies.txt"), daemon=True)

    child.start()
    child.join(timeout=120.0)

    assert child.exitcode == 0
    assert int((installed / "bodies.txt").read_text()) > 1000


def _classify(truth: Structures, out: Path) -> None:
    torch.set_num_threads(1)
    classes = TotalSegmentatorBackend(CPU).classify(truth.scan)
    out.write_text(str(int(np.isin(classes.argmax(0), BODY_TISSUES).sum())))


def test_a_run_that_fails_says_why(truth: Structures, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = TotalSegmentatorBackend(CPU)
    monkeypatch.delenv("STANDIN_CALL")

    with pytest.raises(ConfigurationError, match="status 1: KeyError: 'STANDIN_CALL'"):
        backend.classify(truth.scan)


def test_a_turned_scan_gives_turned_tissues(truth: Structures, installed: Path) -> None:
    backend = TotalSegmentatorBackend(CPU)

    straight, turned = backend.classify(truth.scan), backend.classify(truth.scan, flipped=(1,))

    assert (turned.argmax(0) == np.flip(straight.argmax(0), 1)).mean() > 0.99


def test_an_empty_answer_is_no_spine(truth: Structures, installed: Path) -> None:
    scan = emptied(truth.scan)
    model = SpineModel(
        tissue=TotalSegmentatorBackend(CPU), ribs=painted_ribs(), body=painted_model().body, levels=A_RULE
    )

    assert isinstance(find_spine(scan, model.tissue.classify(scan), model), Reason)


def test_other_weights_are_another_model(installed: Path) -> None:
    before = TotalSegmentatorBackend(CPU).identity
    (installed / WEIGHTS[1] / "checkpoint_final.pth").write_bytes(b"others")

    assert TotalSegmentatorBackend(CPU).identity.weights_sha256 != before.weights_sha256


def test_missing_weights_are_an_error_and_nothing_is_downloaded(installed: Path) -> None:
    (installed / WEIGHTS[1] / "checkpoint_final.pth").unlink()

    with pytest.raises(ConfigurationError, match="_vertebrae_1532subj are missing: run totalseg_download_weights"):
        TotalSegmentatorBackend(CPU)


def test_a_missing_package_is_an_error_that_says_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match=r"pip install '\.\[totalsegmentator\]'"):
        TotalSegmentatorBackend(CPU)
