"""What the densities of a list of scans are, in words: measured in people, or drawn."""

from __future__ import annotations

from collections.abc import Iterable

from training.cohort.manifest import Scan

MEASURED, DRAWN = "quantitative CT", "drawn density (synthetic)"


def truth_of(scans: Iterable[Scan]) -> str:
    """The name of what is held to be true of the scans, one or more; a drawn density is never called a measured one."""
    kinds = {scan.is_synthetic for scan in scans}
    if kinds == {True}:
        return DRAWN
    return MEASURED if kinds == {False} else f"{MEASURED} or {DRAWN}"
