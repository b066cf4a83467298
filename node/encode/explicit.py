"""Data elements written straight as Explicit VR Little Endian, for sequences with an item a slice.

Building hundreds of data sets object by object takes longer than everything else that encoding does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache

from pydicom import DataElement, Dataset, Sequence
from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

#: What pydicom says of the encoding of a data set that was never read.
_BUILT_HERE = (None, None)

#: Code Value, Coding Scheme Designator, Code Meaning: PS3.3 table 8.8-1a, for codes of at most 16 characters.
_CODE = frozenset({0x00080100, 0x00080102, 0x00080104})

_LONG_VRS = frozenset({"SQ", "OB", "UT"})
_ITEM = struct.Struct("<HHL")
_SHORT = struct.Struct("<HH2sH")
_LONG = struct.Struct("<HH2s2xL")


def element(tag: int, vr: str, value: bytes) -> bytes:
    """One data element; the value must have even length."""
    layout = _LONG if vr in _LONG_VRS else _SHORT
    return layout.pack(tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def text(tag: int, vr: str, value: str) -> bytes:
    """One data element with ASCII text, padded as PS3.5 6.2 asks."""
    encoded = value.encode("ascii")
    pad = b"\x00" if vr == "UI" else b" "
    return element(tag, vr, encoded + pad if len(encoded) % 2 else encoded)


def unsigned_longs(tag: int, *values: int) -> bytes:
    """One data element of VR UL."""
    return element(tag, "UL", struct.pack(f"<{len(values)}L", *values))


def unsigned_short(tag: int, value: int) -> bytes:
    """One data element of VR US."""
    return element(tag, "US", struct.pack("<H", value))


def items(contents: Iterable[bytes]) -> bytes:
    """The value of a sequence: its items, with their lengths."""
    return b"".join(_ITEM.pack(0xFFFE, 0xE000, len(content)) + content for content in contents)


def sequence(tag: int, *contents: bytes) -> bytes:
    """One sequence of the given items."""
    return element(tag, "SQ", items(contents))


def code(value: str, scheme: str, meaning: str) -> bytes:
    """The item of a code sequence."""
    return text(0x00080100, "SH", value) + text(0x00080102, "SH", scheme) + text(0x00080104, "LO", meaning)


def sop_reference(sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """Referenced SOP Class and Instance UID."""
    return text(0x00081150, "UI", sop_class_uid) + text(0x00081155, "UI", sop_instance_uid)


def put_raw(dataset: Dataset, tag: int, vr: str, value: bytes) -> None:
    """Set an element of the data set to bytes that are written as they are.

    The data set must be written as Explicit VR Little Endian, and `keep_raw` must be called before.
    """
    dataset[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


def keep_raw(dataset: Dataset) -> None:
    """Make pydicom write raw elements of this data set as they are instead of parsing them first."""
    # pydicom parses them where it believes that the encoding or the character set changed since the data set was read
    character_set = dataset.get("SpecificCharacterSet")
    encodings = convert_encodings(character_set) if character_set else default_encoding
    dataset.set_original_encoding(False, True, encodings)


def settle(dataset: Dataset) -> None:
    """Make the items of a data set that were built here quick to write.

    Sequences of one plain code, which are three of four elements of a report, become bytes. And pydicom is spared a
    search of every item, again at every depth, for VRs that depend on other elements: none of the items has one, since
    they hold codes, texts, numbers and references; pydicom refuses to write one that has. Left as they are: items that
    were read from a source, which may have to be translated from another encoding, and codes, which many items share.
    """
    for each in tuple(dataset.elements()):
        if not isinstance(each, DataElement) or not isinstance(each.value, Sequence):
            continue
        built = [item for item in each.value if item.original_encoding == _BUILT_HERE]
        if len(built) == len(each.value) == 1 and (told := _plain_code(built[0])) is not None:
            put_raw(dataset, each.tag, "SQ", _code_items(*told))
            continue
        for item in built:
            if item.keys() != _CODE:
                item.set_original_encoding(False, True, default_encoding)
                settle(item)


def _plain_code(item: Dataset) -> tuple[str, str, str] | None:
    """Value, scheme and meaning of an item that has these and nothing else, each of them one ASCII text."""
    if item.keys() != _CODE:
        return None
    value, scheme, meaning = (item[tag].value for tag in sorted(_CODE))
    told = (value, scheme, meaning)
    return told if all(isinstance(part, str) and part and part.isascii() for part in told) else None


@lru_cache(maxsize=1024)
def _code_items(value: str, scheme: str, meaning: str) -> bytes:
    return items([code(value, scheme, meaning)])
