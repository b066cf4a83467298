"""A few elements from the head of a DICOM file, found without building a data set.

A study has hundreds of files and encoding needs four elements of each; pydicom takes about a millisecond for that.
"""

from __future__ import annotations

import struct
from pathlib import Path

#: Long enough for the header of a CT image with its private blocks.
HEAD_BYTES = 64 * 1024

_NOT_LITTLE_ENDIAN = frozenset({"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"})  # big endian, deflated
_IMPLICIT = "1.2.840.10008.1.2"
_TRANSFER_SYNTAX = 0x00020010
_FIRST_OF_DATASET = 0x00030000
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TAG_AND_LONG = struct.Struct("<HHL")
_SHORT = struct.Struct("<H")
_LONG = struct.Struct("<L")


def scan_file(path: Path, wanted: frozenset[int]) -> dict[int, bytes] | None:
    """Values, as they stand in the file, of the wanted elements of the data set's top level.

    `None` where the file is big endian, deflated, no DICOM file, or has a longer head than is read: a full parser has
    to look at it.

    Parameters
    ----------
    wanted
        Tags from group 0008 on; the scan ends behind the largest. Those that the file does not have are left out.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    try:
        return _scan(head, wanted)
    except (struct.error, ValueError):
        return None


def _scan(head: bytes, wanted: frozenset[int]) -> dict[int, bytes]:
    if head[128:132] != b"DICM":
        raise ValueError("no DICOM file")
    meta, start = _elements(head, 132, implicit=False, wanted=frozenset({_TRANSFER_SYNTAX}), end=_FIRST_OF_DATASET)
    syntax = meta.get(_TRANSFER_SYNTAX, b"").rstrip(b"\x00 ").decode("ascii")
    if not syntax or syntax in _NOT_LITTLE_ENDIAN:
        raise ValueError("not little endian")
    found, _ = _elements(head, start, implicit=syntax == _IMPLICIT, wanted=wanted, end=max(wanted) + 1)
    return found


def _elements(
    head: bytes, position: int, *, implicit: bool, wanted: frozenset[int], end: int
) -> tuple[dict[int, bytes], int]:
    """The wanted elements before the first tag from `end` on, and where that tag stands."""
    found: dict[int, bytes] = {}
    while True:
        tag, value_at, length = _element(head, position, implicit=implicit)
        if tag >= end:
            return found, position
        if length == _UNDEFINED:
            position = _behind_items(head, value_at, implicit=implicit)
            continue
        position = value_at + length
        if tag in wanted:
            if position > len(head):
                raise ValueError("the head ends inside a wanted element")
            found[tag] = head[value_at:position]


def _element(head: bytes, position: int, *, implicit: bool) -> tuple[int, int, int]:
    """Tag, place of the value, and length of the element at a place."""
    group, number, long = _TAG_AND_LONG.unpack_from(head, position)
    tag = (group << 16) | number
    if implicit or group == 0xFFFE:
        return tag, position + 8, long
    vr = head[position + 4 : position + 6]
    if vr in _LONG_VRS:
        length = _LONG.unpack_from(head, position + 8)[0]
        if vr == b"UN" and length == _UNDEFINED:
            raise ValueError("implicit items inside an explicit data set")
        return tag, position + 12, length
    return tag, position + 8, _SHORT.unpack_from(head, position + 6)[0]


def _behind_items(head: bytes, position: int, *, implicit: bool) -> int:
    """The place behind a sequence of undefined length whose first item starts at `position`."""
    open_ends = 1
    while open_ends:
        tag, value_at, length = _element(head, position, implicit=implicit)
        if tag in (_ITEM_END, _SEQUENCE_END):
            open_ends -= 1
            position = value_at
        elif length == _UNDEFINED:
            open_ends += 1
            position = value_at
        else:
            position = value_at + length
    return position
