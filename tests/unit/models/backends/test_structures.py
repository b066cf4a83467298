"""Names of structures become the tissues that levels are judged by."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.backends.structures import shares_on, tissues_of, wanted
from models.tissues import BODY_TISSUES, Tissue
from tests.builders.spine_classes import Scene
from tests.builders.structures import NAMES, Structures, structures

FINE_MM = (1.5, 1.5, 1.5)


@pytest.fixture(scope="module")
def truth() -> Structures:
    return structures(Scene())


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float(2.0 * (first & second).sum() / (first.sum() + second.sum()))


def _axes(values: NDArray[np.float32]) -> list[tuple[int, tuple[int, ...]]]:
    """Each axis's size, and the other axes."""
    return [(size, tuple(other for other in range(3) if other != axis)) for axis, size in enumerate(values.shape)]


def test_only_what_tells_something_of_a_spine_is_asked_for() -> None:
    names = {1: "liver", 2: "vertebrae_L1", 3: "rib_left_12", 4: "hip_right", 5: "spinal_cord", 6: "vertebrae"}

    assert set(wanted(names).values()) == {"vertebrae_L1", "rib_left_12", "hip_right"}


def test_bodies_are_parted_from_their_arches_and_discs_lie_between_them(truth: Structures) -> None:
    true = truth.built.tissue.repeat(2, 0).repeat(2, 1).repeat(2, 2)

    tissues = tissues_of(truth.labels, NAMES, FINE_MM)

    assert dice(np.isin(tissues, BODY_TISSUES), np.isin(true, BODY_TISSUES)) > 0.9
    assert dice(tissues == Tissue.DISC, true == Tissue.DISC) > 0.7
    assert dice(tissues == Tissue.RIB, true == Tissue.RIB) == 1.0
    thoracic = np.isin(true, [Tissue.THORACIC_BODY]) & np.isin(tissues, BODY_TISSUES)
    assert (tissues[thoracic] == Tissue.THORACIC_BODY).mean() > 0.99


def test_touching_bodies_have_a_seam() -> None:
    labels = np.zeros((40, 30, 30), dtype=np.int32)
    labels[5:20, 5:25, 5:25] = 27
    labels[20:35, 5:25, 5:25] = 28

    tissues = tissues_of(labels, {27: "vertebrae_L2", 28: "vertebrae_L1"}, FINE_MM)

    assert (tissues[19:21, 10:20, 10:20] == Tissue.DISC).all()
    assert (tissues[10, 10:20, 10:20] == Tissue.LUMBAR_BODY).all()


def test_nothing_found_is_background() -> None:
    tissues = tissues_of(np.zeros((8, 9, 10), dtype=np.int32), NAMES, FINE_MM)

    assert (tissues == Tissue.BACKGROUND).all()


def test_shares_on_the_coarse_grid_are_those_of_the_fine_one(truth: Structures) -> None:
    tissues = truth.built.tissue.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    grid = truth.scan.grid

    shares = shares_on(tissues, truth.scan.volume.affine, grid=grid.affine, shape=grid.shape)

    assert shares.shape == (len(Tissue), *truth.built.tissue.shape)
    np.testing.assert_allclose(shares.sum(0), 1.0, atol=1e-5)
    for tissue in (Tissue.LUMBAR_BODY, Tissue.RIB, Tissue.DISC):
        true = np.argwhere(truth.built.tissue == tissue).mean(0)
        weights = shares[tissue]
        centre = [float((np.arange(size) * weights.sum(other)).sum() / weights.sum()) for size, other in _axes(weights)]
        np.testing.assert_allclose(centre, true, atol=0.03)
    bone = truth.built.tissue != Tissue.BACKGROUND
    assert (shares.argmax(0)[bone] == truth.built.tissue[bone]).mean() > 0.99
