"""The images that a result was made from, as far as their headers are needed to refer to them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from node.domain.errors import InvalidIdentifier, NotAnalysable
from node.domain.identifiers import Uid
from node.domain.study import Vector3, Vector6
from node.encode.header_values import UNREADABLE
from node.header_scan import scan_file

_SOP_CLASS, _SOP_INSTANCE, _MODALITY = 0x00080016, 0x00080018, 0x00080060
_SERIES, _POSITION, _ORIENTATION = 0x0020000E, 0x00200032, 0x00200037
_FRAMES, _ROWS = 0x00280008, 0x00280010
_WANTED = frozenset({_SOP_CLASS, _SOP_INSTANCE, _MODALITY, _SERIES, _POSITION, _ORIENTATION, _FRAMES, _ROWS})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInstance:
    """One object of the source: what a reference to it needs."""

    sop_class_uid: Uid
    sop_instance_uid: Uid
    series_uid: Uid
    modality: str
    is_image: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFrame:
    """One slice of the source. `number` counts the frames of a multi-frame object from 1, `None` for a single frame.

    `position` is the centre of the first voxel, LPS mm; `orientation` are row and column direction cosines.
    """

    instance: SourceInstance
    number: int | None
    position: Vector3
    orientation: Vector6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The source objects, in the order of their UIDs.

    Parameters
    ----------
    frames
        Slices with position and orientation, in the same order; those that have neither are left out.
    header
        The whole header of the first object: identity and what all objects of the series share.
    """

    instances: tuple[SourceInstance, ...]
    frames: tuple[SourceFrame, ...]
    header: Dataset


def load_sources(paths: Sequence[Path]) -> Sources:
    """Read the headers of the files; pixels are not touched, and a file without a readable header is left out.

    Raises
    ------
    NotAnalysable
        Where no file has a readable header.
    """
    found = [read for path in paths if (read := _load(path)) is not None]
    if not found:
        raise NotAnalysable(f"none of the {len(paths)} source files has a readable header")
    found.sort(key=lambda read: read[0].sop_instance_uid)
    header = dcmread(found[0][2], stop_before_pixels=True)
    return Sources(
        instances=tuple(instance for instance, _, _ in found),
        frames=tuple(frame for _, frames, _ in found for frame in frames),
        header=header,
    )


_Loaded = tuple[SourceInstance, tuple[SourceFrame, ...], Path]
_UNREADABLE = (InvalidDicomError, InvalidIdentifier, KeyError, AttributeError, ValueError, EOFError)


def _load(path: Path) -> _Loaded | None:
    """What the quick reader finds, else what pydicom finds, else nothing."""
    for load in (_load_quickly, _load_fully):
        with contextlib.suppress(*_UNREADABLE):
            return load(path)
    return None


def _load_quickly(path: Path) -> _Loaded:
    values = scan_file(path, _WANTED)
    if values is None or int(values.get(_FRAMES, b"1") or 1) > 1:
        raise ValueError("a header for the full parser")
    instance = SourceInstance(
        sop_class_uid=Uid(_text(values[_SOP_CLASS])),
        sop_instance_uid=Uid(_text(values[_SOP_INSTANCE])),
        series_uid=Uid(_text(values[_SERIES])),
        modality=_text(values.get(_MODALITY, b"OT")),
        is_image=_ROWS in values,
    )
    return instance, _frame(instance, None, _numbers(values.get(_POSITION)), _numbers(values.get(_ORIENTATION))), path


def _text(value: bytes) -> str:
    return value.decode("ascii").strip("\x00 ")


def _numbers(value: bytes | None) -> list[float]:
    return [float(part) for part in value.split(b"\\") if part.strip()] if value else []


def _frame(
    instance: SourceInstance, number: int | None, position: Sequence[float], orientation: Sequence[float]
) -> tuple[SourceFrame, ...]:
    """The slice, or nothing where it does not say where it lies."""
    if len(position) != 3 or len(orientation) != 6 or not all(map(math.isfinite, (*position, *orientation))):
        return ()
    x, y, z = (float(value) for value in position)
    a, b, c, d, e, f = (float(value) for value in orientation)
    return (SourceFrame(instance=instance, number=number, position=(x, y, z), orientation=(a, b, c, d, e, f)),)


def _load_fully(path: Path) -> _Loaded:
    header = dcmread(path, stop_before_pixels=True)
    instance = SourceInstance(
        sop_class_uid=Uid(header.SOPClassUID),
        sop_instance_uid=Uid(header.SOPInstanceUID),
        series_uid=Uid(header.SeriesInstanceUID),
        modality=str(header.get("Modality") or "OT"),
        is_image="Rows" in header,
    )
    try:
        frames = tuple(_frames_of(header, instance))
    except UNREADABLE:
        frames = ()  # it can still be named as a source; a study without geometry gets a report too
    return instance, frames, path


def _frames_of(header: Dataset, instance: SourceInstance) -> Iterator[SourceFrame]:
    """The slices of a parsed header: itself, or its frames by their functional groups (PS3.3 C.7.6.16)."""
    groups = header.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        position, orientation = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
        yield from _frame(instance, None, position or (), orientation or ())
        return
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    for number, group in enumerate(groups, 1):
        if "PlanePositionSequence" not in group:
            continue
        plane = group if "PlaneOrientationSequence" in group else shared
        orientation = plane.PlaneOrientationSequence[0].ImageOrientationPatient
        yield from _frame(instance, number, group.PlanePositionSequence[0].ImagePositionPatient, orientation)
