"""What computes the steps of a training."""

from __future__ import annotations

from enum import StrEnum


class Engine(StrEnum):
    """PyTorch as it is, or what it compiles with g++ at the start, which takes half the time a step."""

    EAGER = "eager"
    COMPILED = "compiled"
