"""How sharp reconstruction kernels are, by the names and numbers that vendors give them."""

from __future__ import annotations

import re

from node.domain.truth import Truth

#: Siemens kernels end in a sharpness number (B30f, Br36): up to this one they count as soft.
SOFT_KERNEL_UP_TO = 49

#: From this one on they are made for lung and the inner ear, and lift edges; those between are medium.
TOO_SHARP_FROM = 60

_SIEMENS_KERNEL = re.compile(r"(?!FC)[A-Z]{1,2}(\d{2})")  # Canon's FC numbers are no measure of sharpness
#: Names that vendors give to kernels without a number. Soft first, sharp second; seen in public conformance statements.
SOFT_KERNELS = ("STANDARD", "SOFT", "SMOOTH", "DETAIL", "FC0", "FC1")
SHARP_KERNELS = ("BONE", "LUNG", "EDGE", "SHARP", "FC5", "FC8")


def kernel_is_soft(kernel: str | None) -> Truth:
    """Whether a convolution kernel is a soft one."""
    return _judge(kernel, SOFT_KERNEL_UP_TO)


def kernel_is_too_sharp(kernel: str | None) -> Truth:
    """Whether a convolution kernel is one for edges: CT numbers of small regions are none of its aims."""
    return ~_judge(kernel, TOO_SHARP_FROM - 1)


def _judge(kernel: str | None, soft_up_to: int) -> Truth:
    if kernel is None:
        return Truth.UNKNOWN
    name = kernel.upper()
    number = _SIEMENS_KERNEL.match(name)
    if any(name.startswith(sharp) for sharp in SHARP_KERNELS):
        return Truth.FALSE
    if any(name.startswith(soft) for soft in SOFT_KERNELS):
        return Truth.TRUE
    return Truth.UNKNOWN if number is None else Truth.of(int(number.group(1)) <= soft_up_to)
