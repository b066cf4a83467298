"""The classifier's folder: what is written is read back in 8 bits, and what does not fit is refused."""

from __future__ import annotations

import datetime
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.bundle import METADATA, WEIGHTS
from models.screening.bundle import ScreeningBundle, load_bundle, load_card, logits_of
from models.screening.card import Temperature
from models.screening.int8 import dequantised, quantised
from models.screening.network import build_network
from node.domain.classifier import ClassifierMethod
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse
from tests.builders.judged import judged_scans, write_evaluation
from tests.builders.screening import a_card, case_of, write_untrained
from training.sign_release import sign_release

CPU = torch.device("cpu")
TWICE = Temperature(method=ClassifierMethod.L1, value=2.0, cases=100, data="synthetic")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    write_untrained(folder, TWICE)
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> ScreeningBundle:
    return load_bundle(folder, CPU)


def test_a_card_is_read_back_as_it_was_written(bundle: ScreeningBundle) -> None:
    assert replace(bundle.card, weights_sha256="0" * 64) == a_card(TWICE)


def test_weights_are_below_eight_megabytes(folder: Path) -> None:
    assert (folder / WEIGHTS).stat().st_size < 8_000_000


def test_eight_bits_move_no_probability_by_more_than_half_a_percent(bundle: ScreeningBundle) -> None:
    torch.manual_seed(1)
    whole = build_network()
    cases = [case_of(hu) for hu in (20.0, 90.0, 160.0, 230.0)]

    exact, stored = logits_of(whole, cases, CPU), bundle.logits(cases)

    for method in ClassifierMethod:
        moved = torch.softmax(exact[method], 1) - torch.softmax(stored[method], 1)
        assert 0.0 < float(moved.abs().max()) < 0.005


@pytest.fixture(scope="module")
def kernel() -> torch.Tensor:
    return torch.randn(4, 300, 3, 3, generator=torch.Generator().manual_seed(1))


def test_a_weight_moves_by_a_step_of_its_channel_at_most(kernel: torch.Tensor) -> None:
    restored = dequantised(quantised({"kernel": kernel}))["kernel"]

    step = kernel.flatten(1).abs().amax(1) / 127.0
    moved = (restored - kernel).abs().flatten(1).amax(1)
    assert (moved <= 1.001 * step).all()
    assert (moved > 0.4 * step).all()


def test_errors_of_a_channel_cancel(kernel: torch.Tensor) -> None:
    restored = dequantised(quantised({"kernel": kernel}))["kernel"]

    step = kernel.flatten(1).abs().amax(1) / 127.0
    assert ((restored - kernel).flatten(1).double().sum(1).abs() <= 0.51 * step).all()


def test_a_channel_without_weights_stays_zero() -> None:
    restored = dequantised(quantised({"kernel": torch.zeros(2, 10_000)}))

    assert torch.equal(restored["kernel"], torch.zeros(2, 10_000))


def test_small_kernels_and_vectors_stay_as_they_are() -> None:
    state = {"first": torch.randn(64, 2, 7, 7), "bias": torch.randn(64)}

    restored = dequantised(quantised(state))

    assert all(torch.equal(restored[name], state[name]) for name in state)


def test_a_temperature_divides_logits(bundle: ScreeningBundle) -> None:
    logits = torch.tensor([[2.0, 0.0, -2.0]])

    cooled = bundle.probabilities(logits, ClassifierMethod.L1)
    plain = bundle.probabilities(logits, ClassifierMethod.L1_L2)

    assert torch.allclose(cooled, torch.softmax(torch.tensor([[1.0, 0.0, -1.0]]), 1))
    assert torch.allclose(plain, torch.softmax(logits, 1))


def a_copy(folder: Path, target: Path, **changes: object) -> Path:
    shutil.copytree(folder, target)
    content = json.loads((target / METADATA).read_text()) | changes
    (target / METADATA).write_text(json.dumps(content))
    return target


def test_other_weights_than_the_card_names_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = a_copy(folder, tmp_path / "copy")
    content = bytearray((copy / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (copy / WEIGHTS).write_bytes(content)

    with pytest.raises(ConfigurationError, match="SHA-256"):
        load_bundle(copy, CPU)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": "resnet"}, "builds"),
        ({"form": 0}, "asks for 0"),
        ({"classes": ["normal", "osteoporosis", "osteopenia"]}, "classes"),
        ({"weights_sha256": "abc"}, "hexadecimal"),
        ({"version": ""}, "version"),
        ({"version": None}, "cannot be read"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(
    folder: Path, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_card(a_copy(folder, tmp_path / "copy", **changes))


def test_a_classifier_for_clinical_use_needs_a_release_that_a_trusted_key_has_signed(
    folder: Path, tmp_path: Path
) -> None:
    copy = a_copy(folder, tmp_path / "copy")
    key, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    report = tmp_path / "report.json"
    write_evaluation(load_card(copy), judged_scans(12), report)

    with pytest.raises(ConfigurationError, match="release"):
        load_bundle(a_copy(folder, tmp_path / "unsigned", intended_use="clinical"), CPU, trusted=(key.public_key(),))
    sign_release(copy, report, person="Dr A. Physicist", date=datetime.date(2026, 3, 2), key=key)

    assert load_bundle(copy, CPU, trusted=(key.public_key(),)).card.intended_use is IntendedUse.CLINICAL
    with pytest.raises(ConfigurationError, match="trust"):
        load_bundle(copy, CPU, trusted=(stranger.public_key(),))


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_bundle(tmp_path, CPU)


def test_a_card_that_cannot_be_read_is_told_with_its_file_and_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    content = json.loads((copy / METADATA).read_text())
    del content["split_sha256"]
    (copy / METADATA).write_text(json.dumps(content))

    with pytest.raises(ConfigurationError) as refused:
        load_card(copy)

    told = str(refused.value)
    assert str(copy / METADATA) in told
    assert "split_sha256: Field required" in told
    assert "pydantic" not in told
