"""Label maps as a DICOM Segmentation: BINARY, one segment a structure, empty frames left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from pydicom import Dataset
from pydicom.uid import CTImageStorage
from pydicom.valuerep import format_number_as_ds

from node.domain.errors import Bug
from node.domain.mark import MANUFACTURER, MODEL_NAME
from node.domain.outgoing import ObjectKind
from node.domain.result import Result
from node.domain.volume import LabelMap, Segment, Structure, UInt8
from node.encode.algorithm import LONG_STRING, algorithm_name
from node.encode.concepts import (
    ANATOMICAL_STRUCTURE,
    ARTIFICIAL_INTELLIGENCE,
    TRABECULAR_CORE,
    VERTEBRAL_BODY,
    spine_region,
    vertebra,
)
from node.encode.context import Names
from node.encode.header_values import slice_thickness
from node.encode.identity import source_skeleton
from node.encode.segmentation_frames import FrameList, write_frames
from node.encode.source_grid import SourceGrid, on_source_grid, source_grid
from node.encode.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedSegmentation:
    """A segmentation, and the number of the segment that each structure of a vertebra became, by its value."""

    dataset: Dataset
    segment_numbers: dict[tuple[Structure, int], int]


def encode_segmentation(
    result: Result, label_maps: Sequence[LabelMap], sources: Sources, names: Names
) -> EncodedSegmentation | None:
    """The segmentation of all label maps, or `None` where they mark nothing.

    Segments are numbered from 1, those of one label map after those of another, in the order of their values; those
    without a voxel are left out.

    Raises
    ------
    Bug
        Where a label map does not lie on the grid of the sources.
    """
    if not label_maps:
        return None
    if any(each.frame_of_reference != sources.header.get("FrameOfReferenceUID") for each in label_maps):
        raise Bug("a label map and its source images must share their frame of reference")
    grid = source_grid(sources)
    frames = FrameList.of([on_source_grid(each, grid) for each in label_maps], grid)
    placed = {
        (layer, segment.value): segment
        for layer, label_map in enumerate(label_maps)
        for segment in label_map.segments
        if (layer, segment.value) in frames.values
    }
    if not placed:
        return None
    numbers = {place: number for number, place in enumerate(placed, 1)}
    segments = list(placed.values())
    shell = _shell(result, segments, sources, grid=grid, names=names)
    write_frames(shell, frames, grid, numbers=numbers)
    by_structure = {(segment.structure, segment.value): number for number, segment in enumerate(segments, 1)}
    return EncodedSegmentation(dataset=shell, segment_numbers=by_structure)


def _shell(result: Result, segments: list[Segment], sources: Sources, *, grid: SourceGrid, names: Names) -> Dataset:
    """A segmentation with all modules and one frame; the frames are written over it.

    highdicom takes more than a second to build the frames of a chest one by one.
    """
    algorithm = _algorithm(result)
    one_frame: UInt8 = np.ones((1, *grid.shape[1:]), dtype=np.uint8)
    source = _one_source(sources, grid)
    shell: Dataset = Segmentation(
        source_images=[source],
        pixel_array=one_frame,
        segmentation_type="BINARY",
        segment_descriptions=[
            _description(segment, number, algorithm, names) for number, segment in enumerate(segments, 1)
        ],
        series_instance_uid=names.series_uid(ObjectKind.SEG),
        series_number=names.series_number(ObjectKind.SEG),
        sop_instance_uid=names.instance_uid(ObjectKind.SEG),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL_NAME,
        software_versions=result.provenance.code_version[:LONG_STRING],
        device_serial_number="0",
        content_label="RESEARCH" if names.is_research else "VERTEBRAE",
        content_description=_content_description(names),
    )
    # highdicom looks for overlap in the one frame that it was shown; a core lies in its body (PS3.3 C.8.20.2)
    has_cores = any(segment.structure is not Structure.BODY for segment in segments)
    shell.SegmentsOverlap = "YES" if has_cores else "NO"
    _name_dimensions(shell, names)
    return shell


def _one_source(sources: Sources, grid: SourceGrid) -> Dataset:
    """The first slice as a single-frame image, whatever the source is: only its geometry is used."""
    frame = grid.frames[0]
    source = source_skeleton(sources.header)
    source.SOPClassUID, source.SOPInstanceUID = CTImageStorage, frame.instance.sop_instance_uid
    source.SeriesInstanceUID, source.Modality = frame.instance.series_uid, "CT"
    source.FrameOfReferenceUID = sources.header.FrameOfReferenceUID
    source.PositionReferenceIndicator = sources.header.get("PositionReferenceIndicator") or ""
    source.Rows, source.Columns = grid.shape[1:]
    source.PixelSpacing = _decimals(*grid.pixel_spacing_mm)
    # spacing is said, because frames left out must not change what a reader makes of it
    between_slices = grid.affine.spacing_mm[0]
    source.SliceThickness, source.SpacingBetweenSlices = _decimals(
        slice_thickness(sources.header) or between_slices, between_slices
    )
    source.ImageOrientationPatient = _decimals(*frame.orientation)
    source.ImagePositionPatient = _decimals(*frame.position)
    return source


def _decimals(*values: float) -> list[str]:
    return [format_number_as_ds(value) for value in values]


def _content_description(names: Names) -> str:
    text = "Vertebral bodies found by a network"
    return f"{text}, RESEARCH, not for diagnosis" if names.is_research else text


def _algorithm(result: Result) -> hd.AlgorithmIdentificationSequence:
    name, version = algorithm_name(result.provenance)
    return hd.AlgorithmIdentificationSequence(
        name=name,
        family=ARTIFICIAL_INTELLIGENCE.code,
        version=version,
        source=MANUFACTURER,
        parameters={f"weights of {model.name}": f"sha256:{model.weights_sha256}" for model in result.provenance.models},
    )


def _description(
    segment: Segment, number: int, algorithm: hd.AlgorithmIdentificationSequence, names: Names
) -> SegmentDescription:
    is_body = segment.structure is Structure.BODY
    of_segment = vertebra(segment.level)
    description: SegmentDescription = SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=ANATOMICAL_STRUCTURE.code,
        segmented_property_type=(of_segment if is_body else TRABECULAR_CORE).code,
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=names.tracking_uid(segment.level, segment.ordinal, segment.structure),
        tracking_id=segment.label,
        anatomic_regions=[(spine_region(segment.level) if is_body else of_segment).code],
    )
    if is_body:
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            hd.sr.CodedConcept.from_code(VERTEBRAL_BODY.code)
        ]
    return description


def _name_dimensions(shell: Dataset, names: Names) -> None:
    """Replace highdicom's random Dimension Organization UID, so that the same work gives the same object."""
    uid = names.dimensions_uid()
    shell.DimensionOrganizationSequence[0].DimensionOrganizationUID = uid
    for index in shell.DimensionIndexSequence:
        index.DimensionOrganizationUID = uid
    # for a single segment highdicom says its number once for all frames; here every frame says it
    shell.SharedFunctionalGroupsSequence[0].pop("SegmentIdentificationSequence", None)
    shell.pop("DimensionOrganizationType", None)
