"""What a source's header says of its grid; what is missing or cannot be read is `None`, never an error."""

from __future__ import annotations

import contextlib
import math

from pydicom import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import Uid

#: What pydicom and Python raise about values that do not follow their value representation.
UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OverflowError,
    BytesLengthException,
)


def numbers(header: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly so many finite numbers."""
    with contextlib.suppress(*UNREADABLE):
        value = header.get(keyword)
        parts = value if isinstance(value, (MultiValue, list)) else [value]
        read = tuple(float(part) for part in parts)
        if len(read) == count and all(map(math.isfinite, read)):
            return read
    return None


def size(header: Dataset, keyword: str) -> int | None:
    """A number of pixels, one or more."""
    read = numbers(header, keyword, 1)
    return int(read[0]) if read is not None and read[0] >= 1 else None


def frame_of_reference(header: Dataset) -> Uid | None:
    """Frame of Reference UID."""
    with contextlib.suppress(InvalidIdentifier, *UNREADABLE):
        return Uid.from_dicom(str(header.FrameOfReferenceUID))
    return None


def pixel_spacing(header: Dataset) -> tuple[float, float] | None:
    """Distance between rows and between columns, mm, from a single-frame or a multi-frame header."""
    read = numbers(_pixel_measures(header), "PixelSpacing", 2)
    return (read[0], read[1]) if read is not None and min(read) > 0 else None


def slice_thickness(header: Dataset) -> float | None:
    """Slice Thickness, mm, from a single-frame or a multi-frame header."""
    read = numbers(_pixel_measures(header), "SliceThickness", 1)
    return read[0] if read is not None and read[0] > 0 else None


def _pixel_measures(header: Dataset) -> Dataset:
    """The part of the header that holds them (PS3.3 C.7.6.16.2.1); where none does, the header."""
    if "PixelSpacing" in header:
        return header
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        with contextlib.suppress(*UNREADABLE):
            for group in header.get(groups) or []:
                if "PixelMeasuresSequence" in group:
                    measures: Dataset = group.PixelMeasuresSequence[0]
                    return measures
    return header
