"""A scan as networks take it."""

from __future__ import annotations

from dataclasses import dataclass

from node.domain.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedScan:
    """A scan, the same on a coarse grid, and what of it could not be checked.

    Parameters
    ----------
    grid
        k to the head, j to the back, i to the patient's left.
    """

    volume: Volume
    grid: Volume
    limitations: tuple[str, ...] = ()
