"""Identifiers that are checked once, where they come in, and trusted afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from node.domain.errors import InvalidIdentifier

# PS3.5 section 9.1: digits and dots, no component with a leading zero, at most 64 characters.
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
UID_MAX_LENGTH = 64

# PS3.5 table 6.2-1, AE: at most 16 characters of the default repertoire, no backslash, no control characters.
_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")

# PS3.5 table 6.2-1, SH: at most 16 characters; used by Coding Scheme Designator and (short) Code Value.
CODING_SCHEME_MAX_LENGTH = 16


class Uid(str):
    """A DICOM unique identifier that follows the grammar, and so is safe as a path component.

    Raises
    ------
    InvalidIdentifier
        Where the text is no UID. The message shows at most 80 characters of it.

    References
    ----------
    [1] DICOM PS3.5, section 9.1.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if len(text) > UID_MAX_LENGTH or not _UID.fullmatch(text):
            raise InvalidIdentifier(
                f"a UID must be digits and dots, at most {UID_MAX_LENGTH} characters, got {text[:80]!r}"
            )
        return super().__new__(cls, text)

    @classmethod
    def from_dicom(cls, text: str) -> Self:
        """The UID as it stands in a data set, where a trailing NUL or space pads it to even length."""
        return cls(text.rstrip("\x00 "))


class AETitle(str):
    """An application entity title: 1 to 16 characters, spaces at the ends without meaning.

    Raises
    ------
    InvalidIdentifier
        Where the text is empty, too long, or has a character that the AE value representation forbids.

    References
    ----------
    [1] DICOM PS3.5, table 6.2-1.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        stripped = text.strip(" ")
        if not _AE_TITLE.fullmatch(stripped):
            raise InvalidIdentifier(
                f"an AE title must be 1 to 16 printable ASCII characters without a backslash, got {text[:80]!r}"
            )
        return super().__new__(cls, stripped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A coded concept: value, coding scheme and meaning."""

    value: str
    scheme: str
    meaning: str

    def __post_init__(self) -> None:
        if not self.value or not self.meaning:
            raise InvalidIdentifier(f"a code must have a value and a meaning, got {self!r}")
        if not 0 < len(self.scheme) <= CODING_SCHEME_MAX_LENGTH:
            raise InvalidIdentifier(
                f"a coding scheme designator must have 1 to {CODING_SCHEME_MAX_LENGTH} characters, got {self.scheme!r}"
            )
