"""The frames of a segmentation: which slices hold which segment, their bits, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.valuerep import format_number_as_ds

from node.domain.volume import UInt8
from node.encode.concepts import SEGMENTATION, SOURCE_IMAGE, Concept
from node.encode.explicit import code, items, put_raw, sequence, sop_reference, text, unsigned_longs, unsigned_short
from node.encode.source_grid import PlacedLabels, SourceGrid
from node.encode.sources import SourceFrame

#: Eight frames of any size fill whole bytes of one bit a pixel, so chunks can be packed one by one.
_CHUNK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameList:
    """Which value is there in which slice.

    Parameters
    ----------
    layers
        Labels on the source's grid, each the part that holds any. Those of different layers may lie on one another.
    size
        Rows and columns of a frame.
    places
        Layer, value and slice of the grid of each frame, in this order.
    """

    layers: tuple[PlacedLabels, ...]
    size: tuple[int, int]
    places: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, layers: Sequence[PlacedLabels], grid: SourceGrid) -> FrameList:
        """The frames that labels on the source's grid make."""
        cropped = tuple(_cropped(layer) for layer in layers)
        places = [
            (number, value, layer.first[0] + index)
            for number, layer in enumerate(cropped)
            for index, plane in enumerate(layer.labels)
            for value in (np.flatnonzero(np.bincount(plane.ravel(), minlength=1)[1:]) + 1).tolist()
        ]
        return cls(layers=cropped, size=grid.shape[1:], places=tuple(sorted(places)))

    @property
    def values(self) -> frozenset[tuple[int, int]]:
        """Layers and values that have a voxel."""
        return frozenset((layer, value) for layer, value, _ in self.places)

    @property
    def slices(self) -> tuple[int, ...]:
        """Slices that have a label, in their order."""
        return tuple(sorted({place for _, _, place in self.places}))

    def bits(self) -> bytes:
        """All frames, one bit a pixel, the first pixel in the lowest bit (PS3.5 8.1.1), padded to even length."""
        packed = b"".join(np.packbits(chunk, bitorder="little").tobytes() for chunk in self._chunks())
        return packed + b"\x00" if len(packed) % 2 else packed

    def _chunks(self) -> Iterator[UInt8]:
        for start in range(0, len(self.places), _CHUNK):
            places = self.places[start : start + _CHUNK]
            chunk = np.zeros((len(places), *self.size), dtype=np.uint8)
            for frame, (number, value, place) in zip(chunk, places, strict=True):
                labels, (first, row, column) = self.layers[number].labels, self.layers[number].first
                rows, columns = labels.shape[1:]
                frame[row : row + rows, column : column + columns] = labels[place - first] == value
            yield chunk


def _cropped(layer: PlacedLabels) -> PlacedLabels:
    """The rows and columns that hold labels."""
    flat = layer.labels.max(axis=0, initial=0)
    rows, columns = _extent(flat.any(axis=1)), _extent(flat.any(axis=0))
    frame, row, column = layer.first
    return PlacedLabels(labels=layer.labels[:, rows, columns], first=(frame, row + rows.start, column + columns.start))


def _extent(used: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> slice:
    places = np.flatnonzero(used)
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0)


def write_frames(
    shell: Dataset, frames: FrameList, grid: SourceGrid, *, numbers: Mapping[tuple[int, int], int]
) -> None:
    """Put the frames into a segmentation that has everything else.

    Parameters
    ----------
    numbers
        Segment number of each layer and value; they ascend as these do.
    """
    shell.NumberOfFrames = len(frames.places)
    shell.PixelData = None
    shell[0x7FE00010] = DataElement(0x7FE00010, "OB", frames.bits())
    index_of = {place: index for index, place in enumerate(frames.slices, 1)}
    groups = (
        _functional_groups(grid.frames[place], number=numbers[layer, value], index=index_of[place])
        for layer, value, place in frames.places
    )
    put_raw(shell, 0x52009230, "SQ", items(groups))
    used = [grid.frames[place] for place in frames.slices]
    _write_references(shell, used)


def _functional_groups(frame: SourceFrame, *, number: int, index: int) -> bytes:
    """One item of the Per-Frame Functional Groups Sequence (PS3.3 A.51.5)."""
    instance = frame.instance
    source = sop_reference(instance.sop_class_uid, instance.sop_instance_uid)
    if frame.number is not None:
        source += text(0x00081160, "IS", str(frame.number))
    source += text(0x0028135A, "CS", "YES") + _PURPOSE
    derivation = sequence(0x00082112, source) + _DERIVATION
    position = "\\".join(format_number_as_ds(value) for value in frame.position)
    return (
        sequence(0x00089124, derivation)
        + sequence(0x00209111, unsigned_longs(0x00209157, number, index))
        + sequence(0x00209113, text(0x00200032, "DS", position))
        + sequence(0x0062000A, unsigned_short(0x0062000B, number))
    )


def _code_sequence(tag: int, concept: Concept) -> bytes:
    value, scheme, meaning, _ = concept.code
    return sequence(tag, code(value, scheme, meaning))


#: The same in every frame: PS3.3 tables C.7.6.16-6 and 10-3, purpose and derivation.
_PURPOSE = _code_sequence(0x0040A170, SOURCE_IMAGE)
_DERIVATION = _code_sequence(0x00089215, SEGMENTATION)


def _write_references(shell: Dataset, used: list[SourceFrame]) -> None:
    """Name the source instances for the whole object (Source Image Sequence, Common Instance Reference module)."""
    instances = list(dict.fromkeys(frame.instance for frame in used))
    references = [sop_reference(instance.sop_class_uid, instance.sop_instance_uid) for instance in instances]
    put_raw(shell, 0x00082112, "SQ", items(references))
    series = sequence(0x0008114A, *references) + text(0x0020000E, "UI", instances[0].series_uid)
    put_raw(shell, 0x00081115, "SQ", items([series]))
