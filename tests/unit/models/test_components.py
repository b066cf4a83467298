"""Connected components are SciPy's, wherever the mask lies."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from models.components import TOUCHING, components


def scattered(seed: int) -> NDArray[np.bool_]:
    """Specks in one part of a grid."""
    mask = np.zeros((20, 17, 13), dtype=np.bool_)
    mask[3:12, 5:17, 2:9] = np.random.default_rng(seed).random((9, 12, 7)) < 0.2
    return mask


@pytest.mark.parametrize("structure", [None, TOUCHING])
def test_components_are_those_of_the_whole_grid(structure: NDArray[np.bool_] | None) -> None:
    mask = scattered(5)

    labels, count = components(mask, structure)
    expected, expected_count = ndimage.label(mask, structure)

    assert count == expected_count > 3
    assert np.array_equal(labels, expected)


def test_voxels_that_share_a_corner_are_one_component_only_where_that_counts() -> None:
    mask = np.zeros((4, 4, 4), dtype=np.bool_)
    mask[1, 1, 1] = mask[2, 2, 2] = True

    assert components(mask)[1] == 2
    assert components(mask, TOUCHING)[1] == 1


def test_an_empty_mask_has_no_component() -> None:
    labels, count = components(np.zeros((3, 4, 5), dtype=np.bool_))

    assert count == 0
    assert labels.shape == (3, 4, 5)
    assert not labels.any()
