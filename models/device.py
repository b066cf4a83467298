"""The device that networks run on: the one that was configured, or an error."""

from __future__ import annotations

import re

import torch

from node.domain.errors import ConfigurationError

_NAME = re.compile(r"cpu|cuda(?::[0-9]+)?")


def choose_device(name: str) -> torch.device:
    """The device named `cpu`, `cuda` or `cuda:N`; never another than the one asked for.

    Raises
    ------
    ConfigurationError
        Where the name is none of these, or the machine has no such device.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"the device must be 'cpu', 'cuda' or 'cuda:N', got {name!r}")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(
            f"the device {name!r} is configured, but CUDA does not work here; set 'cpu' or mend it"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigurationError(
            f"the device {name!r} is configured, but there are {torch.cuda.device_count()} devices"
        )
    return device


def use_threads(count: int) -> None:
    """Let networks on the CPU use that many cores; for the whole process, before its first inference.

    Raises
    ------
    ConfigurationError
        Where the number is below 1.
    """
    if count < 1:
        raise ConfigurationError(f"the number of threads must be at least 1, got {count}")
    torch.set_num_threads(count)


def half_precision_pays(device: torch.device) -> bool:
    """Whether bfloat16 is faster there: on CUDA, and on processors with instructions for it."""
    return device.type == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
