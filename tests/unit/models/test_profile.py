"""Bodies and discs in turn along the spine."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.profile import find_spans

ENDS = (-1e9, 1e9)


def column(*parts: tuple[float, float, float]) -> tuple[NDArray[np.float32], ...]:
    """Twelve voxels every 3 mm: parts of (length in mm, body, disc), from foot to head."""
    body = np.concatenate([np.full(round(length / 3.0), value) for length, value, _ in parts])
    disc = np.concatenate([np.full(round(length / 3.0), value) for length, _, value in parts])
    arc = np.arange(len(body)) * 3.0
    return tuple(np.repeat(values, 12).astype(np.float32) for values in (arc, body, disc))


BODY, DISC = (27.0, 0.95, 0.03), (6.0, 0.1, 0.85)


def test_bodies_are_the_stretches_between_discs() -> None:
    spans = find_spans(*column(BODY, DISC, BODY, DISC, BODY), ENDS)

    assert len(spans) == 3
    np.testing.assert_allclose([high - low for low, high in spans], 27.0, atol=3.5)
    np.testing.assert_allclose([(low + high) / 2.0 for low, high in spans], (12.0, 45.0, 78.0), atol=2.0)


@pytest.mark.parametrize("faint", [1, 2, 3])
def test_faint_discs_are_found_where_a_body_would_be_too_long(faint: int) -> None:
    parts = [BODY, DISC, BODY, DISC, BODY, DISC, BODY]
    for _ in range(faint):
        parts += [(6.0, 0.6, 0.3), BODY]

    spans = find_spans(*column(*parts), ENDS)

    assert len(spans) == 4 + faint


def test_a_long_body_without_any_sign_of_a_disc_stays_one() -> None:
    spans = find_spans(*column(BODY, DISC, BODY, DISC, BODY, DISC, (60.0, 0.95, 0.03)), ENDS)

    assert len(spans) == 4


def test_a_void_without_disc_does_not_split_a_body() -> None:
    split = ((12.0, 0.95, 0.03), (3.0, 0.0, 0.02), (12.0, 0.95, 0.03))

    spans = find_spans(*column(BODY, DISC, *split, DISC, BODY, DISC, BODY), ENDS)

    assert len(spans) == 4


def test_a_short_piece_counts_only_where_the_scan_ends() -> None:
    parts = column(BODY, DISC, BODY, DISC, BODY, DISC, (6.0, 0.95, 0.03))

    assert len(find_spans(*parts, ENDS)) == 3
    assert len(find_spans(*parts, (-1e9, 100.0))) == 4
