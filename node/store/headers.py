"""Reads what the index needs from the header of a stored data set, and nothing else.

Values that are malformed count as unknown. Only what makes an object unusable is an error: no readable structure, no
identifiers, identifiers that are none.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

from node.domain.errors import InputRejected
from node.domain.identifiers import Uid
from node.domain.mark import is_mark
from node.domain.study import ImageFacts, Vector3, Vector6
from node.store.elements import Encoding, MalformedDataSet, walk
from node.store.part10 import data_set_start
from node.store.values import Values

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
#: The whole data set is deflated: PS3.5 A.5 and the JPIP Referenced Deflate syntaxes, A.7 and A.11.
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
#: A deflated data set that inflates to more than this is refused: a megabyte can inflate to a gigabyte.
MAX_INFLATED = 1 << 30
_INFLATED_AT_ONCE = 1 << 18

SHARED_FUNCTIONAL_GROUPS = 0x52009229
CONTRIBUTING_EQUIPMENT = 0x0018A001
#: Sequences of an enhanced object that hold what a classic one holds at the top (PS3.3 C.7.6.16.2).
_FUNCTIONAL_GROUPS = frozenset({0x00209116, 0x00289110, 0x00189325})
_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})

_MANUFACTURER, _INSTANCE_NUMBER, _POSITION = 0x00080070, 0x00200013, 0x00200032
_SERIES_DATE, _ACQUISITION_DATE = 0x00080021, 0x00080022
#: Contrast/Bolus Agent, and of the same module its sequence, the route and the volume.
_AGENT, _OF_CONTRAST = 0x00180010, (0x00180012, 0x00181040, 0x00181041)
#: What the images of a series share, nearly always: nothing of the patient or the study, nor what tells one image from
#: the next.
_OF_THE_SERIES = frozenset(
    {
        *(0x00080005, 0x00080008, 0x00080060, _MANUFACTURER, 0x0008103E, 0x00081090, 0x00181000),
        *(_SERIES_DATE, _ACQUISITION_DATE),
        *(_AGENT, *_OF_CONTRAST, 0x00180015, 0x00180050, 0x00180060, 0x00181120, 0x00181210),
        *(0x00200011, 0x00200037, 0x00200052),
        *(0x00280008, 0x00280010, 0x00280011, 0x00280030),
    }
)
_TOP = _OF_THE_SERIES | {
    *(0x00080016, 0x00080018, 0x00100010, 0x00100020, 0x00100030, 0x0020000D, 0x0020000E),
    *(_INSTANCE_NUMBER, _POSITION),
    *_PIXEL_DATA,
}
#: Series whose shared facts are at hand; a hostile header has 0.3 MB of them.
REMEMBERED_SERIES = 32
#: What is read inside of functional groups: orientation, spacing, slice thickness, tube voltage.
_IN_GROUPS = frozenset({0x00200037, 0x00280030, 0x00180050, 0x00180060})


class MissingIdentifier(InputRejected):
    """The data set does not say which study, series or instance it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a data set's header tells. `identity` is the patient's, for a keyed digest and nothing else."""

    sop_class_uid: Uid
    sop_instance_uid: Uid
    series_uid: Uid
    study_uid: Uid
    identity: str = field(repr=False)
    facts: ImageFacts


def read_header(handle: int, transfer_syntax: Uid, *, scratch: Path) -> Header:
    """The header of an open DICOM file's data set, all of whose lengths are checked against the file on the way.

    Parameters
    ----------
    scratch
        Folder with room for a deflated data set inflated.

    Raises
    ------
    MalformedDataSet
        Where the data set cannot be read as its transfer syntax says.
    MissingIdentifier
        Where a UID is missing that every object must have.
    InvalidIdentifier
        Where a UID does not follow the grammar.
    OSError
        Where the disk fails, or has no room to inflate a deflated data set.
    """
    start = data_set_start(handle)
    encoding = Encoding(
        implicit=transfer_syntax == IMPLICIT_LITTLE_ENDIAN, big_endian=transfer_syntax == EXPLICIT_BIG_ENDIAN
    )
    if transfer_syntax in DEFLATED:
        with _inflated(handle, start, scratch) as inflated:
            return _header(inflated, 0, encoding)
    return _header(handle, start, encoding)


class _Wanted:
    """The elements named above, at the top and in the shared functional groups; the equipment that had a hand in it."""

    def reads(self, inside: tuple[int, ...]) -> frozenset[int]:
        return _READ.get(inside, _NOTHING)

    def enters(self, inside: tuple[int, ...]) -> frozenset[int]:
        return _ENTERED.get(inside, _NOTHING)


_NOTHING: frozenset[int] = frozenset()
_READ: dict[tuple[int, ...], frozenset[int]] = {
    (): _TOP,
    (CONTRIBUTING_EQUIPMENT,): frozenset({_MANUFACTURER}),
    **{(SHARED_FUNCTIONAL_GROUPS, group): _IN_GROUPS for group in _FUNCTIONAL_GROUPS},
}
_ENTERED: dict[tuple[int, ...], frozenset[int]] = {
    (): frozenset({SHARED_FUNCTIONAL_GROUPS, CONTRIBUTING_EQUIPMENT}),
    (SHARED_FUNCTIONAL_GROUPS,): _FUNCTIONAL_GROUPS,
}
_WANTED = _Wanted()


def _header(handle: int, start: int, encoding: Encoding) -> Header:
    top: dict[int, bytes] = {}
    grouped: dict[int, bytes] = {}
    has_pixels = is_own = False
    for tag, inside, value, length in walk(handle, start=start, encoding=encoding, wanted=_WANTED):
        if tag == _MANUFACTURER:
            is_own = is_own or is_mark(value.decode("ascii", "replace"))
        if not inside:
            # the first one counts where an element is there twice, which the standard forbids
            top.setdefault(tag, value)
            has_pixels = has_pixels or (tag in _PIXEL_DATA and length > 0)
        elif tag != _MANUFACTURER:
            grouped.setdefault(tag, value)
    values = Values(top, big_endian=encoding.big_endian)
    shared = _shared_facts(
        tuple((tag, value) for tag, value in top.items() if tag in _OF_THE_SERIES),
        tuple(grouped.items()),
        big_endian=encoding.big_endian,
    )
    facts = replace(
        shared,
        instance_number=values.integer(_INSTANCE_NUMBER),
        position=cast("Vector3 | None", values.decimals(_POSITION, count=3)),
        has_pixel_data=has_pixels,
        made_by_node=is_own,
    )
    return Header(
        sop_class_uid=_uid(top, 0x00080016, "SOP Class UID"),
        sop_instance_uid=_uid(top, 0x00080018, "SOP Instance UID"),
        series_uid=_uid(top, 0x0020000E, "Series Instance UID"),
        study_uid=_uid(top, 0x0020000D, "Study Instance UID"),
        identity=_identity(values),
        facts=facts,
    )


@lru_cache(maxsize=REMEMBERED_SERIES)
def _shared_facts(
    top: tuple[tuple[int, bytes], ...], grouped: tuple[tuple[int, bytes], ...], *, big_endian: bool
) -> ImageFacts:
    """Facts that the images of a series share, from the elements at the top and in the functional groups."""
    values = Values(dict(top), big_endian=big_endian)
    geometry = Values(dict(grouped) | dict(top), big_endian=big_endian)
    spacing = geometry.decimals(0x00280030, count=2)
    return ImageFacts(
        modality=values.code(0x00080060),
        body_part=values.code(0x00180015),
        series_description=values.text(0x0008103E),
        series_number=values.integer(0x00200011),
        image_type=values.codes(0x00080008),
        rows=values.unsigned_short(0x00280010),
        columns=values.unsigned_short(0x00280011),
        number_of_frames=_positive(values.integer(0x00280008)),
        orientation=cast("Vector6 | None", geometry.decimals(0x00200037, count=6)),
        pixel_spacing=None if spacing is None or min(spacing) <= 0 else (spacing[0], spacing[1]),
        slice_thickness=_not_negative(geometry.decimal(0x00180050)),
        gantry_tilt=values.decimal(0x00181120),
        frame_of_reference=values.uid(0x00200052),
        kvp=_not_negative(geometry.decimal(0x00180060)),
        kernel=values.text(0x00181210),
        contrast_agent=_contrast(values),
        manufacturer=values.text(_MANUFACTURER),
        model=values.text(0x00081090),
        device_serial=values.text(0x00181000),
        scanned_on=values.date(_SERIES_DATE) or values.date(_ACQUISITION_DATE),
    )


def _contrast(values: Values) -> bool | None:
    """Whether contrast medium was given.

    The Contrast/Bolus module must be there if and only if it was (PS3.3 table A.3-1), and its agent may be empty where
    it is not known (type 2): any other attribute of the module with a value says that some was given.
    """
    agent = values.text(_AGENT)
    if agent is not None:
        return agent.casefold() not in {"none", "no", "n", "without", "native"}
    if any(values.text(tag) for tag in _OF_CONTRAST):
        return True
    return None if values.has(_AGENT) else False


def _identity(values: Values) -> str:
    """Patient ID, name and birth date in one form, however the sender padded and encoded them.

    Who issued the ID does not count: archives add and drop that on the way, so one patient would become two. Where two
    issuers gave one ID to two people, their names or birth dates tell them apart.
    """
    parts = (values.text(tag) or "" for tag in (0x00100020, 0x00100010, 0x00100030))
    return "\x1f".join(unicodedata.normalize("NFC", part).rstrip("^= ").casefold() for part in parts)


def _uid(elements: Mapping[int, bytes], tag: int, name: str) -> Uid:
    text = elements.get(tag, b"").decode("ascii", "replace").strip("\x00 ")
    if not text:
        raise MissingIdentifier(f"every object must have a {name}")
    return Uid(text)


def _positive(number: int | None) -> int | None:
    return number if number is not None and number > 0 else None


def _not_negative(number: float | None) -> float | None:
    return number if number is not None and number >= 0 else None


@contextlib.contextmanager
def _inflated(handle: int, start: int, folder: Path) -> Iterator[int]:
    """A nameless file that holds the data set inflated.

    Raises
    ------
    MalformedDataSet
        Where it is no deflated stream, ends too early or inflates to more than `MAX_INFLATED` bytes.
    """
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    with tempfile.TemporaryFile(dir=folder) as inflated:
        at, size, waiting = start, 0, b""
        while not inflater.eof:
            if not waiting:
                waiting = os.pread(handle, _INFLATED_AT_ONCE, at)
                at += len(waiting)
            is_last = not waiting
            try:
                block = inflater.decompress(waiting, _INFLATED_AT_ONCE)
            except zlib.error as error:
                raise MalformedDataSet(f"the deflated data set cannot be inflated: {error}") from error
            waiting = inflater.unconsumed_tail
            size += len(block)
            if (is_last and not block and not inflater.eof) or size > MAX_INFLATED:
                raise MalformedDataSet(f"a deflated data set must end within {MAX_INFLATED} bytes, got {size}")
            inflated.write(block)
        inflated.flush()
        yield inflated.fileno()
