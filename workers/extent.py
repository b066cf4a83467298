"""How large a CT and its voxels can be: what lies outside would fill the memory before anyone saw that it is no body.

The limits hold for what the header says in mm; how many voxels there are is limited where the series is loaded.
"""

from __future__ import annotations

import numpy as np

from node.domain.geometry import Affine
from node.domain.reasons import ReasonCode
from node.domain.study import Vector3
from workers.refusal import ImageRefused

#: Largest extent across the body, mm: extended fields of view end at about 800 mm (bore of 850 mm).
MOST_ACROSS_MM = 1000.0
#: Largest extent along the body, mm: tables move about 2,000 mm.
MOST_ALONG_MM = 2500.0
#: Smallest distance between pixels, mm: a field of 20 mm on 1,024 pixels, a fifth of what the finest detector resolves.
LEAST_PIXEL_MM = 0.02
#: No scanner's table, nor a registered image, is this far from its origin, mm. Larger values overflow in later sums.
FARTHEST_MM = 1e5


def check_pixel_spacing(spacing_mm: tuple[float, float]) -> None:
    """Refuse pixels that are finer than any scanner's, or as large as a whole image.

    Raises
    ------
    ImageRefused
        Naming what came and what is accepted.
    """
    if min(spacing_mm) < LEAST_PIXEL_MM or max(spacing_mm) > MOST_ALONG_MM:
        raise ImageRefused(
            ReasonCode.IMPLAUSIBLE_GEOMETRY,
            f"Pixel spacing {spacing_mm[0]:g} x {spacing_mm[1]:g} mm, "
            f"from {LEAST_PIXEL_MM:g} to {MOST_ALONG_MM:g} mm is accepted.",
        )


def check_position(position: Vector3) -> None:
    """Refuse a slice that lies farther from the origin than any scanner puts one.

    Raises
    ------
    ImageRefused
        Naming what came and what is accepted.
    """
    farthest = max(map(abs, position))
    if farthest > FARTHEST_MM:
        raise ImageRefused(
            ReasonCode.IMPLAUSIBLE_GEOMETRY,
            f"A slice lies {farthest:g} mm from the origin, at most {FARTHEST_MM:g} mm is accepted.",
        )


def check_extent(affine: Affine, shape: tuple[int, int, int]) -> None:
    """Refuse a volume that is larger than a body in a scanner.

    The axis that runs most along the body may be long, the others may not, so sagittal and coronal images pass, too.

    Raises
    ------
    ImageRefused
        Naming what came and what is accepted.
    """
    extent_mm = np.array(affine.spacing_mm) * shape
    most_mm = np.full(3, MOST_ACROSS_MM)
    most_mm[np.abs(affine.directions[2]).argmax()] = MOST_ALONG_MM
    if (extent_mm > most_mm).any():
        raise ImageRefused(
            ReasonCode.IMPLAUSIBLE_GEOMETRY,
            f"The volume is {' x '.join(f'{size:.0f}' for size in extent_mm)} mm (slices, rows, columns), "
            f"at most {MOST_ALONG_MM:g} mm along the body and {MOST_ACROSS_MM:g} mm across it are accepted.",
        )
