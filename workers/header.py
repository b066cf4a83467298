"""Reads the header of a DICOM image as an `ImageFile`, or refuses it with a coded reason."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from node.domain.errors import TransientFailure
from node.domain.reasons import ReasonCode
from workers.elements import Elements
from workers.frames import read_frames
from workers.image_file import ImageFile, PixelFormat
from workers.refusal import ImageRefused

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
_TAGS: list[int] = [Tag(keyword) for keyword in _KEYWORDS]
_PIXEL_DATA = 0x7FE00010
_FLOAT_PIXEL_DATA = (0x7FE00008, 0x7FE00009)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_LONG_HEADER = (b"OB", b"OW", b"OF", b"OD", b"UN")
_NATIVE = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian})

#: What pydicom and its codecs raise on bytes that are no DICOM.
PARSE_ERRORS = (
    InvalidDicomError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
)


def read_image_file(path: Path) -> ImageFile:
    """The image in a file; its pixels are not read yet, but it is checked that they are there.

    Raises
    ------
    ImageRefused
        Where the file is no DICOM, is cut off, or lacks what makes its pixels HU at known places.
    TransientFailure
        Where the file cannot be read now.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except PARSE_ERRORS as error:
        raise ImageRefused(
            ReasonCode.UNREADABLE, f"An image's header cannot be read: {type(error).__name__}."
        ) from error
    except OSError as error:
        raise TransientFailure(f"an image file cannot be read: {error.strerror}") from error


def _read(path: Path, file: BinaryIO) -> ImageFile:
    dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise ImageRefused(ReasonCode.UNREADABLE, "The file meta information names no transfer syntax.")
    elements = Elements(dataset)
    pixel_format = _pixel_format(elements, big_endian=syntax == ExplicitVRBigEndian)
    frames = read_frames(elements)
    pixels_at = None
    if syntax in _NATIVE:
        pixels_at = _native_pixels(file, syntax, pixel_format.frame_bytes * len(frames))
    elif syntax != DeflatedExplicitVRLittleEndian:
        _pixel_element(file, syntax)
    return ImageFile(
        path=path,
        sop_instance_uid=elements.text("SOPInstanceUID") or "",
        frame_of_reference=elements.text("FrameOfReferenceUID") or "",
        format=pixel_format,
        frames=frames,
        pixels_at=pixels_at,
    )


def _native_pixels(file: BinaryIO, syntax: UID, expected: int) -> int:
    """Where the pixels begin, checked to be complete."""
    length = _pixel_element(file, syntax)
    start = file.tell()
    there = min(length, file.seek(0, 2) - start)
    if there < expected:
        raise ImageRefused(
            ReasonCode.UNREADABLE, f"An image's pixel data must have {expected} bytes, got {there}: it is cut off."
        )
    if length > expected + 1:  # one byte may make the length even
        raise ImageRefused(
            ReasonCode.UNREADABLE, f"An image's pixel data must have {expected} bytes, got {length}: they do not fit."
        )
    return start


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
    if samples != 1:
        raise ImageRefused(ReasonCode.NOT_HU, f"A CT image has 1 sample a pixel, got {samples}.")
    names = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
    values = [elements.integer(name) for name in names]
    missing = [name for name, value in zip(names, values, strict=True) if value is None]
    if missing:
        raise ImageRefused(ReasonCode.UNREADABLE, f"The header must say {', '.join(missing)}.")
    rows, columns, allocated, stored, high, representation = (value or 0 for value in values)
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
