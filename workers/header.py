"""Reads the header of a DICOM image as an `ImageFile`, or refuses it with a coded reason."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import Uid
from node.domain.reasons import ReasonCode
from node.header_scan import HEAD_BYTES, scan_head
from workers.elements import Elements, tag_of
from workers.frames import read_frames
from workers.image_file import ImageFile, PixelFormat
from workers.refusal import ImageRefused, refusing

_KEYWORDS = (
    "SOPInstanceUID",
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
_TAGS: list[int] = [tag_of(keyword) for keyword in _KEYWORDS]
_WANTED = frozenset(_TAGS)
_SEQUENCES = frozenset(tag_of(keyword) for keyword in _KEYWORDS if keyword.endswith("Sequence"))
_PREAMBLE = 128
_META_GROUP = 0x0002
_PIXEL_DATA = 0x7FE00010
_FLOAT_PIXEL_DATA = (0x7FE00008, 0x7FE00009)
_ITEM, _DELIMITER = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_LONG_HEADER = (b"OB", b"OW", b"OF", b"OD", b"UN")
#: Pixels are read straight from the file, or after inflating it.
_MAPPED = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian})
_NATIVE = _MAPPED | {DeflatedExplicitVRLittleEndian}
#: Headers of scanners seldom have more; they are read at once.
_BUFFER_BYTES = 32 * 1024


def read_image_file(path: Path) -> ImageFile:
    """The image in a file; its pixels are not read yet, but it is checked that they are there.

    Raises
    ------
    ImageRefused
        Where the file is no DICOM, is cut off, or lacks what makes its pixels HU at known places.
    TransientFailure
        Where the file cannot be read now.
    """
    with refusing("An image's header cannot be read"), path.open("rb", buffering=_BUFFER_BYTES) as file:
        return _read(path, file)


def _read(path: Path, file: BinaryIO) -> ImageFile:
    syntax, elements, file = _scanned(file) or _parsed(file)
    pixel_format = _pixel_format(elements, big_endian=syntax == ExplicitVRBigEndian)
    frames = read_frames(elements)
    expected = pixel_format.frame_bytes * len(frames) if syntax in _NATIVE else None
    pixels_at = _pixels(file, syntax, expected)
    return ImageFile(
        path=path,
        sop_instance_uid=elements.text("SOPInstanceUID") or "",
        frame_of_reference=elements.text("FrameOfReferenceUID") or "",
        format=pixel_format,
        frames=frames,
        pixels_at=pixels_at if syntax in _MAPPED else None,
    )


def _scanned(file: BinaryIO) -> tuple[UID, Elements, BinaryIO] | None:
    """Transfer syntax and elements of a plain header, the file at its pixels; `None`, at its start, where it is none.

    A third of the time that the full parser takes, less where scanners add a hundred elements of their own.
    """
    scanned = scan_head(file.read(HEAD_BYTES), _WANTED, end=_FLOAT_PIXEL_DATA[0])
    file.seek(0)
    if scanned is None or not _SEQUENCES.isdisjoint(scanned.values):
        return None
    try:
        syntax = UID(Uid(scanned.transfer_syntax))
    except InvalidIdentifier:
        return None
    file.seek(scanned.end_at)
    elements = Elements(
        RawDataElement(BaseTag(tag), None, len(value), value, 0, scanned.is_implicit, True)
        for tag, value in scanned.values.items()
    )
    return syntax, elements, file


def _parsed(file: BinaryIO) -> tuple[UID, Elements, BinaryIO]:
    """Transfer syntax and elements of any header, and the file, inflated where it was deflated, at its pixels."""
    syntax = _transfer_syntax(file)
    if syntax == DeflatedExplicitVRLittleEndian:
        file = io.BytesIO(zlib.decompress(file.read(), wbits=-zlib.MAX_WBITS))
    elements = Elements(
        data_element_generator(
            file,
            is_implicit_VR=syntax == ImplicitVRLittleEndian,
            is_little_endian=syntax != ExplicitVRBigEndian,
            stop_when=_is_pixels,
            specific_tags=_TAGS,
        )
    )
    return syntax, elements, file


def _transfer_syntax(file: BinaryIO) -> UID:
    """Read the file meta information, which is always Explicit VR Little Endian (PS3.10 section 7.1)."""
    if file.read(_PREAMBLE + 4)[_PREAMBLE:] != b"DICM":
        raise ImageRefused(ReasonCode.UNREADABLE, "A file is no DICOM file: it has no DICM prefix.")
    meta = data_element_generator(file, is_implicit_VR=False, is_little_endian=True, stop_when=_is_no_meta)
    try:
        return UID(Uid(Elements(meta).text("TransferSyntaxUID") or ""))
    except InvalidIdentifier as error:
        raise ImageRefused(ReasonCode.UNREADABLE, "The file meta information names no transfer syntax.") from error


def _is_no_meta(tag: int, vr: str | None, length: int) -> bool:
    return int(tag) >> 16 != _META_GROUP


def _is_pixels(tag: int, vr: str | None, length: int) -> bool:
    return int(tag) >= _FLOAT_PIXEL_DATA[0]  # comparing pydicom's own tags takes a quarter of the whole reading


def _pixels(file: BinaryIO, syntax: UID, expected: int | None) -> int:
    """Where the pixels begin; uncompressed ones are checked to be `expected` bytes."""
    length = _pixel_element(file, syntax)
    start = file.tell()
    if expected is None:
        _check_fragments(file)
        return start
    there = min(length, file.seek(0, io.SEEK_END) - start)
    if there < expected:
        raise ImageRefused(
            ReasonCode.UNREADABLE, f"An image's pixel data must have {expected} bytes, got {there}: it is cut off."
        )
    if length > expected + 1:  # one byte may make the length even
        raise ImageRefused(
            ReasonCode.UNREADABLE, f"An image's pixel data must have {expected} bytes, got {length}: they do not fit."
        )
    return start


def _check_fragments(file: BinaryIO) -> None:
    """Follow the fragments of compressed pixels to their delimiter (PS3.5 section A.4)."""
    while len(head := file.read(8)) == 8:
        group, number, length = struct.unpack("<HHL", head)
        if (group, number) == _DELIMITER:
            return
        if (group, number) != _ITEM or length == _UNDEFINED_LENGTH:
            break
        file.seek(length, io.SEEK_CUR)
    raise ImageRefused(ReasonCode.UNREADABLE, "The compressed pixel data is cut off: it has no delimiter.")


def _pixel_element(file: BinaryIO, syntax: UID) -> int:
    """Read the header of the element at which pydicom stopped; returns its length."""
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    head = file.read(8)
    if len(head) < 8:
        raise ImageRefused(ReasonCode.NO_PIXEL_DATA)
    group, number = struct.unpack(f"{order}HH", head[:4])
    tag = group << 16 | number
    if tag in _FLOAT_PIXEL_DATA:
        raise ImageRefused(ReasonCode.UNREADABLE, "The pixels are floating-point numbers, which no CT image has.")
    if tag != _PIXEL_DATA:
        raise ImageRefused(ReasonCode.NO_PIXEL_DATA)
    if syntax == ImplicitVRLittleEndian:
        (length,) = struct.unpack("<L", head[4:])
    elif head[4:6] in _LONG_HEADER:
        (length,) = struct.unpack(f"{order}L", file.read(4))
    else:
        raise ImageRefused(ReasonCode.UNREADABLE, "The pixel data has a value representation that pixels cannot have.")
    if length == 0:
        raise ImageRefused(ReasonCode.NO_PIXEL_DATA)
    if (length == _UNDEFINED_LENGTH) == (syntax in _NATIVE):
        raise ImageRefused(ReasonCode.UNREADABLE, "The pixel data is not laid out as its transfer syntax says.")
    return int(length)


def _pixel_format(elements: Elements, *, big_endian: bool) -> PixelFormat:
    samples = elements.integer("SamplesPerPixel")
    if samples is not None and samples != 1:
        raise ImageRefused(ReasonCode.NOT_HU, f"A CT image has 1 sample a pixel, got {samples}.")
    names = ("SamplesPerPixel", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
    values = [elements.integer(name) for name in names]
    missing = [name for name, value in zip(names, values, strict=True) if value is None]
    if missing:
        raise ImageRefused(ReasonCode.UNREADABLE, f"The header must say {', '.join(missing)}.")
    _, rows, columns, allocated, stored, high, representation = (value or 0 for value in values)
    if not rows or not columns:
        raise ImageRefused(ReasonCode.UNREADABLE, f"An image must have rows and columns, got {rows} x {columns}.")
    fits = allocated in (8, 16, 32) and 1 <= stored <= high + 1 <= allocated and representation in (0, 1)
    if not fits or (big_endian and allocated == 8):
        raise ImageRefused(
            ReasonCode.UNREADABLE,
            f"Pixels of {stored} bits up to bit {high} in {allocated} (representation {representation}) are not read.",
        )
    signed = representation == 1
    return PixelFormat(
        rows=rows,
        columns=columns,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=signed,
        big_endian=big_endian,
        padding=_padding(elements, signed=signed),
    )


def _padding(elements: Elements, *, signed: bool) -> tuple[int, int] | None:
    value = elements.integer("PixelPaddingValue", signed=signed)
    if value is None:
        return None
    limit = elements.integer("PixelPaddingRangeLimit", signed=signed)
    other = value if limit is None else limit
    return min(value, other), max(value, other)
