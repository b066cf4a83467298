"""Samples in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.rendering.sample import Sample

#: Seed of the samples that networks are judged by; training refuses it.
VALIDATION_SEED = 20_260_000

#: Raised whenever trunks or samples of the same seed come out otherwise: what was drawn before is not taken for them.
FORM = 1

# Bytes of one CT number in a file, which holds them before the shares.
_HU_BYTES = 2


def save_sample(sample: Sample, path: Path) -> None:
    """Write a sample whole or not at all."""
    hu = sample.hu.numpy()[None].view(np.uint8).reshape(_HU_BYTES, *sample.hu.shape)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.save(stream, np.concatenate((hu, sample.shares.numpy())))
    partial.rename(path)


def load_sample(path: Path) -> tuple[Tensor, Tensor]:
    """Image in HU, shape (k, j, i), and shares from 0 to 1, shape (channel, k, j, i)."""
    content = np.load(path, allow_pickle=False)
    shape = content.shape[1:]
    hu = content[:_HU_BYTES].reshape(-1).view(np.int16).reshape(shape)
    shares = torch.from_numpy(content[_HU_BYTES:]).float() / 255.0
    return torch.from_numpy(hu.astype(np.float32)), shares
