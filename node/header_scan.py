"""A few elements from the head of a DICOM file, found without building a data set.

A study has hundreds of files, of which loading and encoding need some elements each; pydicom takes up to a millisecond
for one of them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Long enough for the header of a CT image with its private blocks.
HEAD_BYTES = 64 * 1024

_NOT_LITTLE_ENDIAN = frozenset({"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"})  # big endian, deflated
_IMPLICIT = "1.2.840.10008.1.2"
_TRANSFER_SYNTAX = 0x00020010
_FIRST_OF_DATASET = 0x00030000
_LONG_VRS = frozenset(
    int.from_bytes(vr, "little")
    for vr in (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_UN = int.from_bytes(b"UN", "little")
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TAG_AND_LONG = struct.Struct("<HHL")
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
    with path.open("rb", buffering=0) as file:
        scanned = scan_head(file.read(HEAD_BYTES), wanted, end=max(wanted) + 1)
    return None if scanned is None else dict(scanned.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedHead:
    """What was found in the head of a file.

    Parameters
    ----------
    transfer_syntax
        As it stands there, without padding; nobody checked it.
    is_implicit
        Whether the data set's elements name no VR.
    values
        Of the wanted elements, as they stand in the file, little endian.
    end_at
        Where the first element from `end` on begins, bytes from the start of the file.
    """

    transfer_syntax: str
    is_implicit: bool
    values: Mapping[int, bytes]
    end_at: int


def scan_head(head: bytes, wanted: frozenset[int], *, end: int) -> ScannedHead | None:
    """The wanted elements of the data set's top level before the first tag from `end` on.

    `None` where a full parser has to look at the file, as for `scan_file`, or where the head ends before that tag.
    """
    try:
        return _scan(head, wanted, end)
    except (struct.error, ValueError):
        return None


def _scan(head: bytes, wanted: frozenset[int], end: int) -> ScannedHead:
    if head[128:132] != b"DICM":
        raise ValueError("no DICOM file")
    meta, start = _elements(head, 132, implicit=False, wanted=frozenset({_TRANSFER_SYNTAX}), end=_FIRST_OF_DATASET)
    syntax = meta.get(_TRANSFER_SYNTAX, b"").rstrip(b"\x00 ").decode("ascii")
    if not syntax or syntax in _NOT_LITTLE_ENDIAN:
        raise ValueError("not little endian")
    implicit = syntax == _IMPLICIT
    found, end_at = _elements(head, start, implicit=implicit, wanted=wanted, end=end)
    return ScannedHead(transfer_syntax=syntax, is_implicit=implicit, values=found, end_at=end_at)


def _elements(
    head: bytes, position: int, *, implicit: bool, wanted: frozenset[int], end: int
) -> tuple[dict[int, bytes], int]:
    """The wanted elements before the first tag from `end` on, and where that tag stands."""
    found: dict[int, bytes] = {}
    unpack_from = _TAG_AND_LONG.unpack_from
    while True:
        group, number, rest = unpack_from(head, position)
        tag, value_at, length = (group << 16) | number, position + 8, rest >> 16
        # few are anything but short with a VR, and calls for those that are would take a third of the time
        if implicit or group == 0xFFFE or rest & 0xFFFF in _LONG_VRS:
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
    group, number, rest = _TAG_AND_LONG.unpack_from(head, position)
    tag = (group << 16) | number
    if implicit or group == 0xFFFE:
        return tag, position + 8, rest
    # with a VR, the lower half of these four bytes is the VR, and the upper half the length where the VR is a short one
    vr = rest & 0xFFFF
    if vr in _LONG_VRS:
        length = _LONG.unpack_from(head, position + 8)[0]
        if vr == _UN and length == _UNDEFINED:
            raise ValueError("implicit items inside an explicit data set")
        return tag, position + 12, length
    return tag, position + 8, rest >> 16


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
