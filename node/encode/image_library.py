"""The image library of a report (TID 1600): which images were looked at, and what they share."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset
from pydicom.valuerep import format_number_as_ds

from node.encode.concepts import (
    COSINE,
    FRAME_OF_REFERENCE,
    HORIZONTAL_SPACING,
    IMAGE_LIBRARY,
    IMAGE_LIBRARY_GROUP,
    IMAGE_ORIENTATION,
    MILLIMETER,
    MODALITY,
    PIXEL_COLUMNS,
    PIXEL_ROWS,
    PIXELS,
    SLICE_THICKNESS,
    VERTICAL_SPACING,
    Concept,
    modality,
)
from node.encode.explicit import code, element, items, keep_raw, put_raw, sequence, sop_reference, text
from node.encode.header_values import frame_of_reference, numbers, pixel_spacing, size, slice_thickness
from node.encode.sources import SourceInstance, Sources

_CONTENT_SEQUENCE = 0x0040A730
_HAS_CONTEXT = "HAS ACQ CONTEXT"


def image_library(sources: Sources) -> Dataset | None:
    """The content item, with one group a series, or `None` where the sources have no image.

    What all images of the series share stands once, in the group.
    """
    series: dict[str, list[SourceInstance]] = {}
    for instance in sources.instances:
        if instance.is_image:
            series.setdefault(instance.series_uid, []).append(instance)
    if not series:
        return None
    library = Dataset()
    library.RelationshipType, library.ValueType, library.ContinuityOfContent = "CONTAINS", "CONTAINER", "SEPARATE"
    put_raw(library, 0x0040A043, "SQ", items([_coded(IMAGE_LIBRARY)]))
    shared = _shared_by(sources)
    groups = [
        _container(IMAGE_LIBRARY_GROUP, [*_descriptors(images[0], shared), *map(_image, images)])
        for images in series.values()
    ]
    put_raw(library, _CONTENT_SEQUENCE, "SQ", items(groups))
    keep_raw(library)
    return library


def _shared_by(sources: Sources) -> Dataset | None:
    """The header that speaks for all images: there is one where they are slices of one series."""
    if len({instance.series_uid for instance in sources.instances}) == 1 and len(sources.frames) > 1:
        return sources.header
    return None


def _descriptors(first: SourceInstance, shared: Dataset | None) -> Iterator[bytes]:
    """Image Library Entry Descriptors (TID 1602, 1604) that hold for the whole group.

    A source that could not be assessed may lack any of them, and still gets its report: those are left out.
    """
    yield _item("CODE", MODALITY, sequence(0x0040A168, _coded(modality(first.modality))))
    if shared is None:
        return
    if (frame := frame_of_reference(shared)) is not None:
        yield _item("UIDREF", FRAME_OF_REFERENCE, text(0x0040A124, "UI", frame))
    between_rows, between_columns = pixel_spacing(shared) or (None, None)
    orientation = numbers(shared, "ImageOrientationPatient", len(IMAGE_ORIENTATION)) or ()
    told = (
        (PIXEL_ROWS, size(shared, "Rows"), PIXELS),
        (PIXEL_COLUMNS, size(shared, "Columns"), PIXELS),
        (HORIZONTAL_SPACING, between_columns, MILLIMETER),
        (VERTICAL_SPACING, between_rows, MILLIMETER),
        (SLICE_THICKNESS, slice_thickness(shared), MILLIMETER),
        *((concept, cosine, COSINE) for concept, cosine in zip(IMAGE_ORIENTATION, orientation, strict=False)),
    )
    for concept, value, unit in told:
        if value is not None:
            yield _number(concept, value, unit)


def _image(instance: SourceInstance) -> bytes:
    """The entry of one image (TID 1601, which gives it no name)."""
    reference = sop_reference(instance.sop_class_uid, instance.sop_instance_uid)
    return sequence(0x00081199, reference) + text(0x0040A010, "CS", "CONTAINS") + text(0x0040A040, "CS", "IMAGE")


def _item(value_type: str, name: Concept, value: bytes) -> bytes:
    """One content item of acquisition context; `value` is what the value type asks for."""
    return (
        text(0x0040A010, "CS", _HAS_CONTEXT)
        + text(0x0040A040, "CS", value_type)
        + sequence(0x0040A043, _coded(name))
        + value
    )


def _number(name: Concept, value: float, unit: Concept) -> bytes:
    written = str(value) if isinstance(value, int) else format_number_as_ds(value)
    measured = sequence(0x004008EA, _coded(unit)) + text(0x0040A30A, "DS", written)
    return _item("NUM", name, sequence(0x0040A300, measured))


def _container(name: Concept, contents: list[bytes]) -> bytes:
    return (
        text(0x0040A010, "CS", "CONTAINS")
        + text(0x0040A040, "CS", "CONTAINER")
        + sequence(0x0040A043, _coded(name))
        + text(0x0040A050, "CS", "SEPARATE")
        + element(_CONTENT_SEQUENCE, "SQ", items(contents))
    )


def _coded(concept: Concept) -> bytes:
    """The item of a code sequence."""
    value, scheme, meaning, _ = concept.code
    return code(value, scheme, meaning)
