"""What a synthetic chest CT is to be like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from node.domain.levels import USUAL_LEVELS, VertebralLevel

#: Trabecular CT numbers that occur in living bone, from fatty marrow to a sclerotic vertebra, HU (plausible choice).
TRABECULAR_HU = (-50.0, 500.0)
#: Tube voltages of clinical CT, kV.
KVP = (70.0, 150.0)
#: Slices between the thinnest of current scanners and what no vertebra can be measured in, mm.
SLICE_MM = (0.4, 10.0)
#: Pixels a side.
SIZE = (64, 1024)
#: Height loss that is drawn, percent: less cannot be seen, more leaves no body.
HEIGHT_LOSS_PERCENT = (5.0, 80.0)

_FRACTURE = re.compile(r"(?P<level>[A-Za-z0-9]+):(?P<kind>[a-z]+):(?P<percent>\d+(\.\d+)?)%?")


class FractureKind(StrEnum):
    """How a vertebral body has lost height."""

    WEDGE = "wedge"
    BICONCAVE = "biconcave"
    CRUSH = "crush"
    BURST = "burst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fracture:
    """A broken vertebral body.

    `percent` is the loss of height where the kind loses most: wedge in front, biconcave in the middle, crush
    everywhere, burst in front and in the middle with half of it behind, where a fragment stands into the canal.

    Raises
    ------
    ValueError
        Where the loss lies outside `HEIGHT_LOSS_PERCENT`.
    """

    level: VertebralLevel
    kind: FractureKind
    percent: float

    def __post_init__(self) -> None:
        _check("the height loss of a fracture", self.percent, HEIGHT_LOSS_PERCENT, "percent")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The fracture that LEVEL:KIND:PERCENT describes, for example T12:wedge:30.

        Raises
        ------
        ValueError
            Where the text has another form, or names a level or kind that does not exist.
        """
        match = _FRACTURE.fullmatch(text.strip())
        if match is None or match["level"].upper() not in set(VertebralLevel) or match["kind"] not in set(FractureKind):
            kinds = ", ".join(FractureKind)
            raise ValueError(
                f"a fracture is written LEVEL:KIND:PERCENT (kinds {kinds}), for example T12:wedge:30; got {text!r}"
            )
        return cls(
            level=VertebralLevel(match["level"].upper()),
            kind=FractureKind(match["kind"]),
            percent=float(match["percent"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomSpec:
    """A chest CT to be drawn; the same specification gives the same bytes.

    Parameters
    ----------
    seed
        The person, and the noise. Everything else may change without changing the person's build.
    trabecular_hu
        Mean CT number of the trabecular core of every vertebral body without noise, HU.
    kvp
        Tube voltage, kV; mineral is brighter at a lower one, but `trabecular_hu` stays what it says.
    slice_mm
        Thickness of the slices, which is also the distance between them.
    size
        Rows and columns of the image.
    noise_hu
        Standard deviation of the noise in the middle of the field of view, HU; 0 for none.
    first, last
        Highest and lowest vertebra that the scan covers as a whole.
    cut_at
        Ends the scan in the middle of this body instead of below `last`.
    fractures
        At most one a level.

    Raises
    ------
    ValueError
        Where a value lies outside its range, the levels are not in order, or a level is broken twice.
    """

    seed: int = 7
    trabecular_hu: float = 140.0
    kvp: float = 120.0
    slice_mm: float = 2.0
    size: int = 512
    noise_hu: float = 14.0
    first: VertebralLevel = VertebralLevel.T6
    last: VertebralLevel = VertebralLevel.L3
    cut_at: VertebralLevel | None = None
    fractures: tuple[Fracture, ...] = ()

    def __post_init__(self) -> None:
        _check("the seed", self.seed, (0, 2**63 - 1), "")
        _check("the trabecular CT number", self.trabecular_hu, TRABECULAR_HU, "HU")
        _check("the tube voltage", self.kvp, KVP, "kV")
        _check("the slice thickness", self.slice_mm, SLICE_MM, "mm")
        _check("the image size", self.size, SIZE, "pixels")
        _check("the noise", self.noise_hu, (0.0, 200.0), "HU")
        levels = (self.first, self.lowest, *(fracture.level for fracture in self.fractures))
        unusual = [str(level) for level in levels if level not in USUAL_LEVELS]
        if unusual:
            raise ValueError(f"levels must be from T1 to L5, got {', '.join(unusual)}")
        if USUAL_LEVELS.index(self.first) >= USUAL_LEVELS.index(self.lowest):
            raise ValueError(f"the scan must run from a higher to a lower level, got {self.first} to {self.lowest}")
        if len({fracture.level for fracture in self.fractures}) < len(self.fractures):
            raise ValueError("a level can be broken once, got two fractures of one level")

    @property
    def lowest(self) -> VertebralLevel:
        """The last level that is in the scan, whole or cut."""
        return self.last if self.cut_at is None else self.cut_at

    def fracture_of(self, level: VertebralLevel | None) -> Fracture | None:
        """The fracture of a level, or `None` where it has none."""
        return next((fracture for fracture in self.fractures if fracture.level is level), None)


def _check(what: str, value: float, bounds: tuple[float, float], unit: str) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise ValueError(f"{what} must be from {low:g} to {high:g} {unit}".rstrip() + f", got {value:g}")
