"""Walks over the elements of an encoded data set in constant memory, and reads the values of a few of them.

pydicom builds a data set in memory, recurses into nested sequences, and skips over lengths without a look at where the
file ends. What a network peer sends may be a sequence of a gigabyte, ten thousand levels deep, or cut off in the
middle; here each of these costs a bounded amount of memory and ends in a clear error.

References
----------
[1] DICOM PS3.5, section 7.1 (elements), 7.5 (sequences), A.4 (encapsulated pixel data).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from node.domain.errors import InputRejected

UNDEFINED_LENGTH = 0xFFFFFFFF
# PS3.5 section 7.1.2: these have two reserved bytes and a length of 32 bits.
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
# The other ones; what is neither long nor one of these is looked at more closely.
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_PLAIN = struct.Struct("<HH2sH")
_FRAGMENT_VRS = frozenset((b"OB", b"OW"))
_ITEM_HEADER = 8  # tag and length
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

#: Enhanced objects nest four levels; whoever nests deeper than this wants something else.
MAX_DEPTH = 32
#: Headers that are looked at before a walk is given up: 8,000 frames with 60 elements each are 480,000.
MAX_ELEMENTS = 2_000_000
#: Longest value that is read, bytes. Sixteen times the longest value of the header elements that the node reads.
MAX_VALUE = 16_384
_WINDOW = 8_192


class MalformedDataSet(InputRejected):
    """The data set cannot be read as DICOM: it ends too early, or lengths in it contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How elements are encoded."""

    implicit: bool
    big_endian: bool = False


class Element(NamedTuple):
    """An element that was asked for: its tag, the tags of the sequences around it, and its value as encoded.

    `value` is empty where the length is undefined or beyond `MAX_VALUE`; `length` is as encoded. A named tuple, since a
    frozen dataclass takes four times as long to make and a header has thirty of these.
    """

    tag: int
    inside: tuple[int, ...]
    value: bytes
    length: int


class Wanted(Protocol):
    """What a walk looks at within the sequences `inside`, outermost first; none of them at the top."""

    def reads(self, inside: tuple[int, ...]) -> frozenset[int]:
        """Tags of the elements that are given with their values."""
        ...

    def enters(self, inside: tuple[int, ...]) -> frozenset[int]:
        """Tags of the sequences whose items are looked at; others of defined length are skipped."""
        ...


class _Kind(Enum):
    DATA_SET = 0
    ITEMS = 1
    FRAGMENTS = 2


@dataclass(slots=True, kw_only=True)
class _Level:
    """One open data set, sequence or run of fragments; `end` is `None` where a delimiter ends it."""

    kind: _Kind
    end: int | None
    limit: int
    encoding: Encoding
    inside: tuple[int, ...]
    reads: frozenset[int]
    enters: frozenset[int]


def walk(handle: int, *, start: int, encoding: Encoding, wanted: Wanted) -> Iterator[Element]:
    """The wanted elements of a data set that fills a file from `start` to its end.

    Parameters
    ----------
    handle
        Of a file that is open for reading; its position is left alone.

    Raises
    ------
    MalformedDataSet
        Where the data set ends inside of an element, or an element reaches beyond what holds it.
    """
    return _Walk(handle, wanted).elements(start, encoding)


class _Walk:
    def __init__(self, handle: int, wanted: Wanted) -> None:
        self._handle = handle
        self._wanted = wanted
        self._total = os.fstat(handle).st_size
        self._window = b""
        self._window_at = 0
        self._at = 0
        self._left = MAX_ELEMENTS

    def elements(self, start: int, encoding: Encoding) -> Iterator[Element]:
        top = self._level(_Kind.DATA_SET, self._total, self._total, encoding, ())
        levels = [top]
        at = start
        while levels:
            level = levels[-1]
            if level.end is not None and at >= level.end:
                levels.pop()
            elif level.kind is not _Kind.DATA_SET:
                at = self._item(at, level, levels)
            elif level is top and self._total - at < _ITEM_HEADER and not any(self._read(at, self._total - at)):
                return  # a few NULs behind the last element, as some archives pad their files
            else:
                yield from self._plain(at, level)
                at, found = self._element(self._at, level, levels)
                if found is not None:
                    yield found

    def _plain(self, at: int, level: _Level) -> list[Element]:
        """The wanted ones of the elements up to the first that needs a closer look, whose place is `_at` then.

        Nine of ten elements of an image are short, explicit little endian, and lie within the window.
        """
        window, base, reads, inside = self._window, self._window_at, level.reads, level.inside
        found, left = [], self._left
        unpack_from, size = _PLAIN.unpack_from, _PLAIN.size
        last = min(base + len(window), level.limit) - _PLAIN.size
        if level.encoding.implicit or level.encoding.big_endian or at < base:
            last = at
        while at < last and left:
            group, tag, vr, length = unpack_from(window, at - base)
            end = at + size + length
            if vr not in _SHORT_VRS or end > last:
                break
            tag |= group << 16
            if tag in reads:
                found.append(Element(tag, inside, window[end - length - base : end - base], length))
            at = end
            left -= 1
        self._left = left
        self._at = at
        return found

    def _element(self, at: int, level: _Level, levels: list[_Level]) -> tuple[int, Element | None]:
        tag, vr, length, value_at = self._header(at, level)
        if tag == _ITEM_END and level.end is None:
            levels.pop()
            return value_at, None
        if tag >> 16 == 0xFFFE:
            raise MalformedDataSet(f"an item delimiter stands at byte {at}, where an element was expected")
        end = None if length == UNDEFINED_LENGTH else self._checked(value_at, length, level)
        found = None
        if tag in level.reads:
            value = self._read(value_at, length) if end is not None and length <= MAX_VALUE else b""
            found = Element(tag, level.inside, value, length)
        if end is None:
            self._open(levels, self._undefined(tag, vr, level))
            return value_at, found
        if vr in (b"SQ", b"") and tag in level.enters:
            self._open(levels, self._level(_Kind.ITEMS, end, end, level.encoding, (*level.inside, tag)))
            return value_at, found
        return end, found

    def _item(self, at: int, level: _Level, levels: list[_Level]) -> int:
        group, element, length = struct.unpack(
            ">HHI" if level.encoding.big_endian else "<HHI", self._read(at, _ITEM_HEADER)
        )
        tag = group << 16 | element
        self._count()
        if tag == _SEQUENCE_END and level.end is None:
            levels.pop()
            return at + _ITEM_HEADER
        if tag != _ITEM:
            raise MalformedDataSet(f"an item was expected at byte {at}, got ({tag >> 16:04X},{tag & 0xFFFF:04X})")
        if length == UNDEFINED_LENGTH:
            if level.kind is _Kind.FRAGMENTS:
                raise MalformedDataSet(f"the pixel data fragment at byte {at} has no length")
            end = None
        else:
            end = self._checked(at + _ITEM_HEADER, length, level)
            if level.kind is _Kind.FRAGMENTS or not (level.reads or level.enters):
                return end
        limit = level.limit if end is None else end
        self._open(levels, self._level(_Kind.DATA_SET, end, limit, level.encoding, level.inside))
        return at + _ITEM_HEADER

    def _level(self, kind: _Kind, end: int | None, limit: int, encoding: Encoding, inside: tuple[int, ...]) -> _Level:
        reads, enters = self._wanted.reads(inside), self._wanted.enters(inside)
        return _Level(kind=kind, end=end, limit=limit, encoding=encoding, inside=inside, reads=reads, enters=enters)

    def _undefined(self, tag: int, vr: bytes, level: _Level) -> _Level:
        """What an element of undefined length opens."""
        encoding, kind = level.encoding, _Kind.ITEMS
        if vr in _FRAGMENT_VRS:
            kind = _Kind.FRAGMENTS
        elif vr == b"UN":
            # PS3.5 section 6.2.2 note 2: a sequence of unknown VR is encoded implicitly, little endian
            encoding = Encoding(implicit=True)
        elif vr not in (b"SQ", b""):
            raise MalformedDataSet(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) of VR {vr!r} must have a length")
        return self._level(kind, None, level.limit, encoding, (*level.inside, tag))

    def _open(self, levels: list[_Level], level: _Level) -> None:
        if len(levels) >= 2 * MAX_DEPTH:
            raise MalformedDataSet(f"sequences must not nest deeper than {MAX_DEPTH} levels")
        levels.append(level)

    def _header(self, at: int, level: _Level) -> tuple[int, bytes, int, int]:
        """Tag, VR (empty where implicit), length and the place of the value."""
        self._count()
        order = ">" if level.encoding.big_endian else "<"
        head = self._read(at, 8)
        group, element = struct.unpack_from(f"{order}HH", head)
        tag = group << 16 | element
        if level.encoding.implicit or group == 0xFFFE:
            return tag, b"", struct.unpack_from(f"{order}I", head, 4)[0], at + 8
        vr = head[4:6]
        if vr in _LONG_VRS:
            return tag, vr, struct.unpack(f"{order}I", self._read(at + 8, 4))[0], at + 12
        if not (vr.isalpha() and vr.isupper()):
            raise MalformedDataSet(f"a VR was expected at byte {at + 4}, got {vr!r}")
        return tag, vr, struct.unpack_from(f"{order}H", head, 6)[0], at + 8

    def _checked(self, value_at: int, length: int, level: _Level) -> int:
        """The end of a value, which must lie within what holds it."""
        end = value_at + length
        if end > level.limit:
            raise MalformedDataSet(
                f"{length} bytes were expected from byte {value_at} on, got {level.limit - value_at}"
            )
        return end

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise MalformedDataSet(f"a data set must not have more than {MAX_ELEMENTS} elements")

    def _read(self, at: int, count: int) -> bytes:
        start = at - self._window_at
        if start < 0 or start + count > len(self._window):
            self._window = os.pread(self._handle, max(count, _WINDOW), at)
            self._window_at, start = at, 0
            if len(self._window) < count:
                raise MalformedDataSet(f"the data set ends at byte {self._total}, inside of an element")
        return self._window[start : start + count]
