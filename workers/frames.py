"""Where the frames of an image lie and what their values mean: classic images and enhanced multi-frame ones.

References
----------
[1] DICOM PS3.3, C.7.6.2 Image Plane, C.11.1 Modality LUT, C.7.6.16 Multi-frame Functional Groups, C.8.15.3.10 CT Pixel
    Value Transformation.
"""

from __future__ import annotations

import math
import operator

from node.domain.reasons import ReasonCode
from node.domain.stack import COSINE_TOLERANCE
from node.domain.study import Vector3, Vector6
from workers.elements import Elements
from workers.extent import check_pixel_spacing, check_position
from workers.image_file import Frame
from workers.refusal import ImageRefused

#: Rescale Types that stand for Hounsfield units. US (unspecified) is what many scanners write beside HU values.
_HU_TYPES = frozenset({"", "HU", "US"})
#: Beyond this a slope or intercept is no scanner's, and could make values infinite.
_LARGEST_RESCALE = 1e5


def read_frames(header: Elements) -> tuple[Frame, ...]:
    """The frames of an image in the order of its pixel data.

    Raises
    ------
    ImageRefused
        Where geometry is missing or malformed, or the values are no HU.
    """
    per_frame = header.items("PerFrameFunctionalGroupsSequence")
    count = _number_of_frames(header)
    if not per_frame:
        if count != 1:
            raise ImageRefused(ReasonCode.MISSING_GEOMETRY, f"{count} frames have one position between them.")
        return (_frame(0, plane=header, orientation=header, measures=header, values=header),)
    if len(per_frame) != count:
        raise ImageRefused(
            ReasonCode.UNREADABLE, f"{count} frames must have as many functional groups, got {len(per_frame)}."
        )
    shared = header.items("SharedFunctionalGroupsSequence")[:1]
    return tuple(_enhanced(index, own, shared) for index, own in enumerate(per_frame))


def _enhanced(index: int, own: Elements, shared: tuple[Elements, ...]) -> Frame:
    """A frame whose facts stand in its own functional groups, else in the shared ones."""

    def group(keyword: str, missing: ReasonCode) -> Elements:
        for groups in (own, *shared):
            items = groups.items(keyword)
            if items:
                return items[0]
        raise ImageRefused(missing, f"A frame has no {keyword}.")

    return _frame(
        index,
        plane=group("PlanePositionSequence", ReasonCode.MISSING_GEOMETRY),
        orientation=group("PlaneOrientationSequence", ReasonCode.MISSING_GEOMETRY),
        measures=group("PixelMeasuresSequence", ReasonCode.MISSING_GEOMETRY),
        values=group("PixelValueTransformationSequence", ReasonCode.NOT_HU),
    )


def _frame(index: int, *, plane: Elements, orientation: Elements, measures: Elements, values: Elements) -> Frame:
    slope, intercept = _rescale(values)
    return Frame(
        index=index,
        position=_position(plane),
        orientation=_orientation(orientation),
        spacing_mm=_spacing(measures),
        slope=slope,
        intercept=intercept,
    )


def _number_of_frames(header: Elements) -> int:
    text = header.text("NumberOfFrames")
    if text is None:
        return 1
    if not text.isdecimal() or int(text) < 1:
        raise ImageRefused(ReasonCode.UNREADABLE, "The number of frames must be a number from 1.")
    return int(text)


def _position(plane: Elements) -> Vector3:
    values = plane.numbers("ImagePositionPatient", 3)
    if values is None:
        raise ImageRefused(ReasonCode.MISSING_GEOMETRY, "A slice has no readable Image Position (Patient).")
    x, y, z = values
    check_position((x, y, z))
    return x, y, z


def _orientation(plane: Elements) -> Vector6:
    values = plane.numbers("ImageOrientationPatient", 6)
    if values is None:
        raise ImageRefused(ReasonCode.MISSING_GEOMETRY, "A slice has no readable Image Orientation (Patient).")
    a, b, c, d, e, f = values
    if not _are_direction_cosines((a, b, c), (d, e, f)):
        raise ImageRefused(
            ReasonCode.MISSING_GEOMETRY, "The direction cosines of a slice are not two unit vectors at right angles."
        )
    return a, b, c, d, e, f


def _are_direction_cosines(row: Vector3, column: Vector3) -> bool:
    wrong = (math.hypot(*row) - 1, math.hypot(*column) - 1, sum(map(operator.mul, row, column)))
    return all(abs(each) <= COSINE_TOLERANCE for each in wrong)  # so put, it refuses what overflowed to NaN, too


def _spacing(measures: Elements) -> tuple[float, float]:
    values = measures.numbers("PixelSpacing", 2)
    if values is None or min(values) <= 0:
        raise ImageRefused(ReasonCode.MISSING_GEOMETRY, "A slice has no readable, positive Pixel Spacing.")
    check_pixel_spacing((values[0], values[1]))
    return values[0], values[1]


def _rescale(values: Elements) -> tuple[float, float]:
    if values.items("ModalityLUTSequence"):
        raise ImageRefused(ReasonCode.NOT_HU, "The values go through a Modality LUT, which CT images do not have.")
    slope, intercept = values.number("RescaleSlope"), values.number("RescaleIntercept")
    if slope is None or intercept is None or slope == 0:
        raise ImageRefused(ReasonCode.NOT_HU, "Rescale Slope and Rescale Intercept are missing or unreadable.")
    if max(abs(slope), abs(intercept)) > _LARGEST_RESCALE:
        raise ImageRefused(ReasonCode.NOT_HU, f"No CT is rescaled by {slope:g} and {intercept:g}.")
    kind = values.text("RescaleType") or ""
    if kind.upper() not in _HU_TYPES:
        raise ImageRefused(ReasonCode.NOT_HU, "The Rescale Type is another than HU.")
    return slope, intercept
