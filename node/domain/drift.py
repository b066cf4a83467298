"""Whether a scanner's CT numbers have moved, by what tissues of its patients read over time."""

from __future__ import annotations

import datetime
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from node.domain.reference_tissues import ReferenceTissue

#: The first readings show what a scanner usually says; fewer than the second number tell nothing.
USUAL_READINGS, LEAST_USUAL_READINGS = 30, 10

#: Readings whose median is compared with that: one odd patient moves it little.
RUNNING_READINGS = 11

#: Shewhart's limits; a median is less sure than a mean by 1.2533. Because the usual value is uncertain itself, 26 of
#: 1,000 steady scanners with 60 readings lie beyond them (normal distribution, simulated).
_LIMIT_SD, _MEDIAN_LESS_SURE = 3.0, 1.2533
_NORMAL_MAD = 1.4826

#: Scanners are held to 4 HU in water; a smaller spread between a few patients is chance, HU.
_LEAST_SD_HU = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Scanner:
    """What readings are comparable within: one device at one tube voltage with one kernel.

    Parameters
    ----------
    manufacturer, model, kernel
        As the headers say; empty where they do not.
    device
        Pseudonym of its serial number, empty where there is none.
    kvp
        Tube voltage, kV; 0 where it is not known.
    """

    manufacturer: str
    model: str
    device: str
    kvp: float
    kernel: str

    @property
    def name(self) -> str:
        """For people."""
        made = " ".join(filter(None, (self.manufacturer, self.model))) or "unknown scanner"
        device = f" (device {self.device})" if self.device else ""
        voltage = f"{self.kvp:g} kV" if self.kvp else "unknown tube voltage"
        return f"{made}{device}, {voltage}, kernel {self.kernel or 'unknown'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerReading:
    """What one tissue read in one study."""

    scanner: Scanner
    day: datetime.date
    tissue: ReferenceTissue
    hu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The readings of one tissue on one scanner, in the order of their days.

    Parameters
    ----------
    running_hu
        Median of the last `RUNNING_READINGS` readings, one for each day from the first that has so many.
    centre_hu, limit_hu
        Median of the first readings, and how far running medians may lie from it; `None` where there are too few.
    since
        The day from which readings are most unlike those before, `None` where the last running median lies within the
        limit.
    """

    tissue: ReferenceTissue
    days: tuple[datetime.date, ...]
    values_hu: tuple[float, ...]
    running_hu: tuple[float, ...]
    centre_hu: float | None
    limit_hu: float | None
    since: datetime.date | None

    @property
    def shift_hu(self) -> float | None:
        """By how much the last readings lie above the first, HU; `None` where there are too few."""
        if self.centre_hu is None or not self.running_hu:
            return None
        return self.running_hu[-1] - self.centre_hu

    @property
    def sentence(self) -> str:
        """What the readings say, in words."""
        if self.shift_hu is None or self.centre_hu is None or self.limit_hu is None:
            needed = LEAST_USUAL_READINGS + RUNNING_READINGS
            return f"{self.tissue}: too few readings, {len(self.values_hu)} of {needed}."
        about = f"usually {self.centre_hu:.0f} HU, limits +-{self.limit_hu:.1f} HU, {len(self.values_hu)} readings"
        if self.since is None:
            return f"{self.tissue}: steady, now {self.shift_hu:+.1f} HU ({about})."
        return f"{self.tissue}: drifted by {self.shift_hu:+.1f} HU since {self.since.isoformat()} ({about})."


def find_drift(tissue: ReferenceTissue, readings: Sequence[tuple[datetime.date, float]]) -> Drift:
    """What the readings of one tissue on one scanner say, whatever their order."""
    ordered = sorted(readings)
    days, values = tuple(day for day, _ in ordered), tuple(hu for _, hu in ordered)
    last = RUNNING_READINGS - 1
    running = tuple(statistics.median(values[at - last : at + 1]) for at in range(last, len(values)))
    usual = values[: min(USUAL_READINGS, len(values) - RUNNING_READINGS)] if running else ()
    if len(usual) < LEAST_USUAL_READINGS:
        return Drift(
            tissue=tissue, days=days, values_hu=values, running_hu=running, centre_hu=None, limit_hu=None, since=None
        )
    centre = statistics.median(usual)
    spread = _NORMAL_MAD * statistics.median(abs(value - centre) for value in usual)
    limit = _LIMIT_SD * _MEDIAN_LESS_SURE * max(spread, _LEAST_SD_HU) / RUNNING_READINGS**0.5
    moved = abs(running[-1] - centre) > limit
    return Drift(
        tissue=tissue,
        days=days,
        values_hu=values,
        running_hu=running,
        centre_hu=centre,
        limit_hu=limit,
        since=days[_change(values, within=_LIMIT_SD * max(spread, _LEAST_SD_HU))] if moved else None,
    )


def _change(values: Sequence[float], *, within: float) -> int:
    """Index from which values are most unlike those before: where their cumulative sum about the mean turns.

    Values count no more than `within` from their median: one odd patient is no change.
    """
    middle = statistics.median(values)
    held = [min(max(value, middle - within), middle + within) for value in values]
    mean = statistics.fmean(held)
    sums = list(itertools.accumulate(value - mean for value in held))
    return 1 + max(range(len(sums) - 1), key=lambda at: abs(sums[at]))
