"""What one network learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from models.card import Metric, Threshold
from models.network import Architecture
from models.tissues import NetworkClass
from training.anatomy.template import Template
from training.rendering.sample import Sample

#: A network, or what calls it: input (n, channel, k, j, i) to logits (n, class, k, j, i).
Forward = Callable[[Tensor], Tensor]


class TemplateBuilder(Protocol):
    """What builds trunks: a function of a module."""

    def __call__(self, rng: np.random.Generator, *, spacing_mm: float) -> Template:
        """The same generator state gives the same trunk."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How the samples of a network are drawn, what of them it is asked, and how its answers are judged.

    All functions are those of a module, so that another process can draw.

    Parameters
    ----------
    name, task, thresholds
        Of the bundle that is made, for its card.
    classes
        What its output channels are.
    spacing_mm
        Grid of its samples, and on which it is used, mm.
    build
        A trunk that samples are drawn from.
    template_spacing_mm
        Grid of those trunks.
    samples_a_template
        So many samples are drawn before another trunk is built: a trunk takes a while.
    compiled
        Whether to compile its steps pays.
    uses
        How often a sample is used on the average: drawing one may take longer than learning from it.
    draw
        A sample from a trunk.
    augment
        An image (k, j, i) in HU and its shares (channel, k, j, i) from 0 to 1, changed a little.
    loss
        What the network is to make small, of images (n, k, j, i) in HU and their shares (n, channel, k, j, i).
    score
        What the network reaches on samples in files.
    """

    name: str
    task: str
    architecture: Architecture
    classes: tuple[NetworkClass, ...]
    thresholds: tuple[Threshold, ...]
    spacing_mm: float
    template_spacing_mm: float
    samples_a_template: int
    compiled: bool
    uses: int
    build: TemplateBuilder
    draw: Callable[[Template, np.random.Generator], Sample]
    augment: Callable[[Tensor, Tensor, np.random.Generator], tuple[Tensor, Tensor]]
    loss: Callable[[Forward, Tensor, Tensor], Tensor]
    score: Callable[[nn.Module, tuple[Path, ...]], tuple[Metric, ...]]
