"""Values of encoded elements; what does not follow its value representation is `None`, never an error."""

from __future__ import annotations

import datetime
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from pydicom.charset import decode_bytes, python_encoding

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import Uid

SPECIFIC_CHARACTER_SET = 0x00080005
# PS3.5 table 6.2-1: LO and PN components have at most 64 characters, CS at most 16, DS at most 16, IS at most 12.
TEXT_MAX_LENGTH = 64
CODE_MAX_LENGTH = 16
# Some senders write more digits than DS allows; what is read stays exact enough.
_DECIMAL = re.compile(rb"\s*[+-]?(?:\d{1,32}\.?\d{0,32}|\.\d{1,32})(?:[eE][+-]?\d{1,3})?\s*")
_DATE = re.compile(r"\d{8}")
_INTEGER = re.compile(rb"\s*[+-]?\d{1,12}\s*")
# PS3.5 table 6.2-1: IS lies within 32 bits.
_INTEGER_LIMIT = 1 << 31
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C}  # PS3.5 6.1.2.5.3: these end a switch of the code table


@dataclass(frozen=True, slots=True)
class Values:
    """Encoded values by tag, read as what they should be."""

    elements: Mapping[int, bytes]
    big_endian: bool

    def has(self, tag: int) -> bool:
        """Whether the element is there, be it empty."""
        return tag in self.elements

    def text(self, tag: int) -> str | None:
        """A text of at most 64 characters (the rest is cut off) without control characters."""
        decoded = _CONTROL.sub("", self._decoded(self.elements.get(tag, b""))).strip()
        return decoded[:TEXT_MAX_LENGTH].rstrip() or None

    def codes(self, tag: int) -> tuple[str, ...]:
        """Code strings in capitals; those longer than 16 characters are left out."""
        parts = self.elements.get(tag, b"").decode("ascii", "replace").split("\\")
        codes = (_CONTROL.sub("", part).strip().upper() for part in parts)
        return tuple(code for code in codes if 0 < len(code) <= CODE_MAX_LENGTH)

    def code(self, tag: int) -> str | None:
        """The first code string."""
        return next(iter(self.codes(tag)), None)

    def uid(self, tag: int) -> Uid | None:
        """A unique identifier."""
        try:
            return Uid.from_dicom(self.elements.get(tag, b"").decode("ascii", "replace"))
        except InvalidIdentifier:
            return None

    def decimals(self, tag: int, *, count: int) -> tuple[float, ...] | None:
        """Exactly so many finite numbers."""
        parts = self.elements.get(tag, b"").rstrip(b"\x00").split(b"\\")
        if len(parts) != count or not all(_DECIMAL.fullmatch(part) for part in parts):
            return None
        numbers = tuple(float(part) for part in parts)
        return numbers if all(map(math.isfinite, numbers)) else None

    def decimal(self, tag: int) -> float | None:
        """One finite number."""
        value = self.elements.get(tag, b"")
        numbers = self.decimals(tag, count=1)
        return None if numbers is None or not value else numbers[0]

    def integer(self, tag: int) -> int | None:
        """An integer string of 32 bits."""
        value = self.elements.get(tag, b"").rstrip(b"\x00")
        if not _INTEGER.fullmatch(value):
            return None
        number = int(value)
        return number if -_INTEGER_LIMIT <= number < _INTEGER_LIMIT else None

    def date(self, tag: int) -> datetime.date | None:
        """A day."""
        value = self.elements.get(tag, b"").decode("ascii", "replace").strip("\x00 ")
        try:
            return datetime.date.fromisoformat(value) if _DATE.fullmatch(value) else None
        except ValueError:
            return None

    def unsigned_short(self, tag: int) -> int | None:
        """A number of 16 bits."""
        value = self.elements.get(tag, b"")
        if len(value) != 2:
            return None
        number: int = struct.unpack(">H" if self.big_endian else "<H", value)[0]
        return number

    def _decoded(self, value: bytes) -> str:
        """Text by the data set's Specific Character Set; bytes that it does not know are replaced."""
        if value.isascii() and b"\x1b" not in value:
            return value.decode("ascii")
        terms = self.elements.get(SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace").split("\\")
        encodings = [python_encoding.get(term.strip(), "latin-1") for term in terms]
        if len(encodings) > 1:
            try:
                return str(decode_bytes(value, encodings, _DELIMITERS))
            except (UnicodeError, LookupError, Warning):
                pass  # what the code tables do not know is replaced below
        return value.decode(encodings[0], "replace")
