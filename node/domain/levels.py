"""Vertebral levels."""

from __future__ import annotations

from enum import StrEnum


class VertebralLevel(StrEnum):
    """The name of a thoracic or lumbar vertebra, from head to foot.

    L6 and T13 are transitional variants: they are names that a level model may give, never assumed.
    """

    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    T4 = "T4"
    T5 = "T5"
    T6 = "T6"
    T7 = "T7"
    T8 = "T8"
    T9 = "T9"
    T10 = "T10"
    T11 = "T11"
    T12 = "T12"
    T13 = "T13"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"

    @property
    def number(self) -> int:
        """Label value of this level in the VerSe numbering (T1 is 8, L1 is 20, L6 is 25, T13 is 28)."""
        return _VERSE_NUMBER[self]

    @property
    def is_thoracic(self) -> bool:
        """Whether the vertebra carries ribs by its name."""
        return self.value.startswith("T")

    @classmethod
    def from_number(cls, number: int) -> VertebralLevel:
        """The level of a VerSe label value.

        Raises
        ------
        ValueError
            Where the number is no thoracic or lumbar level.
        """
        for level, value in _VERSE_NUMBER.items():
            if value == number:
                return level
        raise ValueError(f"no thoracic or lumbar level has the VerSe number {number}")


_VERSE_NUMBER: dict[VertebralLevel, int] = {
    **{VertebralLevel(f"T{n}"): 7 + n for n in range(1, 13)},
    VertebralLevel.T13: 28,
    **{VertebralLevel(f"L{n}"): 19 + n for n in range(1, 7)},
}

#: The usual spine, twelve thoracic and five lumbar vertebrae, from head to foot.
USUAL_LEVELS: tuple[VertebralLevel, ...] = tuple(
    level for level in VertebralLevel if level not in (VertebralLevel.T13, VertebralLevel.L6)
)
