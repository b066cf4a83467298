"""What a vertebral body can have that most have not: a fracture, or a variant that looks like one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from node.domain.levels import VertebralLevel

#: Height loss that is drawn, percent: less cannot be seen, more leaves no body.
HEIGHT_LOSS_PERCENT = (5.0, 80.0)

#: Density that broken trabeculae add where they are pressed into each other, HU (plausible choice).
COMPACTED_HU = (0.0, 400.0)

#: How far a fragment stands into the canal, share of its depth: more would leave no canal.
RETROPULSION = (0.1, 0.7)

#: What a fracture has of both where nothing is said.
HEALED_HU, USUAL_RETROPULSION = 0.0, 0.35

#: Size of a variant, mm: smaller ones cannot be seen, larger ones leave no endplate.
VARIANT_MM = (2.0, 10.0)

_FRACTURE = re.compile(
    r"(?P<level>[A-Za-z0-9]+):(?P<kind>[a-z]+):(?P<percent>\d+(\.\d+)?)%?"
    r"(\+(?P<compacted>\d+(\.\d+)?))?(@(?P<retropulsion>\d+(\.\d+)?))?"
)
_VARIANT = re.compile(r"(?P<level>[A-Za-z0-9]+):(?P<kind>[a-z-]+):(?P<mm>\d+(\.\d+)?)")


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

    Parameters
    ----------
    compacted_hu
        What broken trabeculae add beneath the endplate that gave way, HU: 0 where all has healed.
    retropulsion
        How far the fragment of a burst body stands into the canal, share of its depth.

    Raises
    ------
    ValueError
        Where a value lies outside `HEIGHT_LOSS_PERCENT`, `COMPACTED_HU` or `RETROPULSION`.
    """

    level: VertebralLevel
    kind: FractureKind
    percent: float
    compacted_hu: float = HEALED_HU
    retropulsion: float = USUAL_RETROPULSION

    def __post_init__(self) -> None:
        check_range("the height loss of a fracture", self.percent, HEIGHT_LOSS_PERCENT, "percent")
        check_range("the density that a fracture adds", self.compacted_hu, COMPACTED_HU, "HU")
        check_range("the retropulsion of a fragment", self.retropulsion, RETROPULSION, "of the canal")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The fracture that LEVEL:KIND:PERCENT describes, for example T12:wedge:30.

        Behind that may stand what pressed bone adds, and how far a fragment stands into the canal: L1:burst:40+200@0.5.

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
            compacted_hu=float(match["compacted"] or HEALED_HU),
            retropulsion=float(match["retropulsion"] or USUAL_RETROPULSION),
        )

    def __str__(self) -> str:
        return f"{self.level}:{self.kind}:{self.percent:g}+{self.compacted_hu:g}@{self.retropulsion:g}"


class VariantKind(StrEnum):
    """What may be taken for a fracture and is none."""

    SCHMORL_NODE = "schmorl-node"
    LIMBUS = "limbus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A pit in an endplate with a dense rim (Schmorl's node), or an upper front corner that is missing (limbus).

    `mm` is how deep the pit is, or how high the corner.

    Raises
    ------
    ValueError
        Where the size lies outside `VARIANT_MM`.
    """

    level: VertebralLevel
    kind: VariantKind
    mm: float

    def __post_init__(self) -> None:
        check_range("the size of a variant", self.mm, VARIANT_MM, "mm")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The variant that LEVEL:KIND:MM describes, for example L2:schmorl-node:5.

        Raises
        ------
        ValueError
            Where the text has another form, or names a level or kind that does not exist.
        """
        match = _VARIANT.fullmatch(text.strip())
        if match is None or match["level"].upper() not in set(VertebralLevel) or match["kind"] not in set(VariantKind):
            kinds = ", ".join(VariantKind)
            raise ValueError(
                f"a variant is written LEVEL:KIND:MM (kinds {kinds}), for example L2:schmorl-node:5; got {text!r}"
            )
        return cls(level=VertebralLevel(match["level"].upper()), kind=VariantKind(match["kind"]), mm=float(match["mm"]))

    def __str__(self) -> str:
        return f"{self.level}:{self.kind}:{self.mm:g}"


def check_range(what: str, value: float, bounds: tuple[float, float], unit: str) -> None:
    """Make sure that a value lies within its bounds, both included.

    Raises
    ------
    ValueError
        Where it does not.
    """
    low, high = bounds
    if not low <= value <= high:
        raise ValueError(f"{what} must be from {low:g} to {high:g} {unit}".rstrip() + f", got {value:g}")
