"""How large the parts of each vertebra are in adults, in mm.

Widths, depths, heights and pedicles are means rounded from the tables of [1] and [2]; discs are plausible values that
grow from head to foot. Every template scales them and varies each by some percent.

References
----------
[1] Panjabi MM et al. Thoracic human vertebrae: quantitative three-dimensional anatomy. Spine 1991;16:888-901.
[2] Panjabi MM et al. Human lumbar vertebrae: quantitative three-dimensional anatomy. Spine 1992;17:299-306.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportions:
    """Mean sizes of one vertebra, mm; `disc` is the height of the disc below it."""

    width: float
    depth: float
    height: float
    pedicle_width: float
    pedicle_height: float
    disc: float


# Columns: width and depth of the upper end plate, posterior height, pedicle width and height, disc below.
_TABLE: tuple[tuple[float, ...], ...] = (
    (24.5, 18.5, 14.1, 8.5, 9.6, 3.5),  # T1
    (24.9, 19.6, 15.6, 8.2, 11.4, 3.5),
    (24.6, 22.7, 15.7, 6.8, 11.9, 3.5),
    (24.5, 23.3, 16.2, 6.3, 12.1, 3.5),
    (24.9, 24.3, 16.2, 6.0, 11.9, 3.6),
    (26.2, 26.0, 17.4, 6.0, 12.2, 4.0),
    (27.8, 27.4, 18.2, 5.9, 12.1, 4.3),
    (29.5, 27.9, 18.7, 6.7, 12.5, 4.6),
    (30.6, 29.3, 19.3, 7.7, 13.8, 5.0),
    (31.9, 30.5, 20.2, 9.0, 15.0, 5.5),
    (34.9, 31.9, 21.3, 9.8, 17.4, 6.2),
    (39.0, 32.8, 22.7, 8.7, 16.7, 7.0),  # T12
    (41.2, 34.1, 23.8, 8.6, 15.9, 8.0),  # L1
    (42.6, 34.6, 24.3, 8.3, 15.0, 9.5),
    (44.1, 35.2, 23.8, 10.2, 14.4, 10.5),
    (46.6, 35.5, 24.1, 14.1, 15.5, 11.0),
    (47.3, 34.7, 22.9, 18.0, 17.5, 10.5),  # L5
)

#: Height of a lumbar body in front over that behind, L1 to L5: the lower ones are wedges that open forward (plausible).
LUMBAR_WEDGE: tuple[float, ...] = (0.98, 1.01, 1.05, 1.08, 1.16)

#: The same for all thoracic bodies, which are a little lower in front (plausible).
THORACIC_WEDGE = 0.95

#: Place in the table of the last thoracic vertebra and of the last lumbar one.
LAST_THORACIC, LAST_LUMBAR = 11, 16


def proportions_at(place: float) -> Proportions:
    """Sizes at a place of the table, 0 for T1 to 16 for L5, linear between two of them.

    Spines with one vertebra more or less spread the table over what they have.
    """
    rows = np.array(_TABLE)
    values = [float(np.interp(place, np.arange(len(rows)), column)) for column in rows.T]
    width, depth, height, pedicle_width, pedicle_height, disc = values
    return Proportions(
        width=width,
        depth=depth,
        height=height,
        pedicle_width=pedicle_width,
        pedicle_height=pedicle_height,
        disc=disc,
    )


def wedge_at(place: float) -> float:
    """Anterior over posterior height of the body at a place of the table."""
    lumbar_places = np.arange(LAST_THORACIC + 1, LAST_LUMBAR + 1)
    places = np.concatenate(([0, LAST_THORACIC], lumbar_places))
    ratios = np.array((THORACIC_WEDGE, THORACIC_WEDGE, *LUMBAR_WEDGE))
    return float(np.interp(place, places, ratios))
