"""Three-valued logic: a fact that a header does not tell is unknown, neither true nor false."""

from __future__ import annotations

from enum import Enum


class Truth(Enum):
    """Kleene's strong three-valued logic."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2

    @classmethod
    def of(cls, known: bool | None) -> Truth:
        """The truth of a value that may be missing."""
        if known is None:
            return cls.UNKNOWN
        return cls.TRUE if known else cls.FALSE

    def __invert__(self) -> Truth:
        return Truth(2 - self.value)

    def __and__(self, other: Truth) -> Truth:
        return Truth(min(self.value, other.value))

    def __or__(self, other: Truth) -> Truth:
        return Truth(max(self.value, other.value))
