"""Header values read strictly from raw DICOM elements: the value, or `None` where it is missing or malformed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element

_SIZE_OF_US = 2


class Elements:
    """The elements of a data set or of an item of a sequence, by keyword.

    pydicom's own conversion of a whole data set takes most of the time of reading a header, and answers malformed
    values with warnings; here the few values that matter are converted, and a malformed one counts as missing.
    """

    def __init__(self, elements: Iterable[DataElement | RawDataElement]) -> None:
        self._elements = {int(element.tag): element for element in elements}

    def text(self, keyword: str) -> str | None:
        """The value without padding."""
        raw = self._raw(keyword)
        return None if raw is None or not raw.value else raw.value.decode("latin-1").strip(" \0")

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """That many finite decimal strings."""
        text = self.text(keyword)
        if text is None:
            return None
        try:
            values = tuple(float(part) for part in text.split("\\"))
        except ValueError:
            return None
        return values if len(values) == count and all(map(math.isfinite, values)) else None

    def number(self, keyword: str) -> float | None:
        """One finite decimal string."""
        values = self.numbers(keyword, 1)
        return None if values is None else values[0]

    def integer(self, keyword: str, *, signed: bool = False) -> int | None:
        """A binary value of 16 bits."""
        raw = self._raw(keyword)
        if raw is None or raw.value is None or len(raw.value) != _SIZE_OF_US:
            return None
        return int.from_bytes(raw.value, "little" if raw.is_little_endian else "big", signed=signed)

    def items(self, keyword: str) -> tuple[Elements, ...]:
        """The items of a sequence; none where it is missing."""
        element = self._elements.get(tag_of(keyword))
        if element is None:
            return ()
        sequence = convert_raw_data_element(element) if isinstance(element, RawDataElement) else element
        return tuple(Elements(item.values()) for item in sequence.value or ())

    def _raw(self, keyword: str) -> RawDataElement | None:
        element = self._elements.get(tag_of(keyword))
        return element if isinstance(element, RawDataElement) else None


@cache
def tag_of(keyword: str) -> int:
    """The tag of an element that the standard defines."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"the standard has no element {keyword!r}")
    return tag
