"""The configured device or an error, never another device."""

from __future__ import annotations

import pytest
import torch

from models.device import choose_device, use_threads
from node.domain.errors import ConfigurationError


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_a_missing_gpu_is_an_error_and_not_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(ConfigurationError, match="CUDA does not work"):
        choose_device(name)


def test_a_gpu_beyond_the_last_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ConfigurationError, match="there are 2"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:x", "CPU", "cuda:-1"])
def test_an_unknown_name_is_an_error(name: str) -> None:
    with pytest.raises(ConfigurationError, match="must be"):
        choose_device(name)


def test_no_threads_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        use_threads(0)


def test_the_number_of_threads_is_set() -> None:
    before = torch.get_num_threads()
    try:
        use_threads(1)

        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
