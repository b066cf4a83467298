"""How sharp a kernel is, by its name."""

import pytest

from node.domain.kernels import kernel_is_soft, kernel_is_too_sharp
from node.domain.truth import Truth


@pytest.mark.parametrize(
    ("kernel", "soft"),
    [
        ("B30f", Truth.TRUE),
        ("Br49d", Truth.TRUE),
        ("B50f", Truth.FALSE),
        ("B70s", Truth.FALSE),
        ("STANDARD", Truth.TRUE),
        ("Soft", Truth.TRUE),
        ("BONEPLUS", Truth.FALSE),
        ("LUNG", Truth.FALSE),
        ("FC08", Truth.TRUE),
        ("FC52", Truth.FALSE),
        ("FC30", Truth.UNKNOWN),
        ("Br36d", Truth.TRUE),
        ("C", Truth.UNKNOWN),
        ("", Truth.UNKNOWN),
        (None, Truth.UNKNOWN),
    ],
)
def test_kernels_by_the_names_of_their_vendors(kernel, soft):
    assert kernel_is_soft(kernel) is soft


@pytest.mark.parametrize(
    ("kernel", "too_sharp"),
    [
        ("B30f", Truth.FALSE),
        ("B50f", Truth.FALSE),
        ("Br59", Truth.FALSE),
        ("Br60", Truth.TRUE),
        ("B70s", Truth.TRUE),
        ("BONEPLUS", Truth.TRUE),
        ("LUNG", Truth.TRUE),
        ("STANDARD", Truth.FALSE),
        ("FC52", Truth.TRUE),
        ("C", Truth.UNKNOWN),
        (None, Truth.UNKNOWN),
    ],
)
def test_kernels_for_edges_are_too_sharp_and_medium_ones_are_not(kernel, too_sharp):
    assert kernel_is_too_sharp(kernel) is too_sharp
