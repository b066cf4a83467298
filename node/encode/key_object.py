"""The Key Object Selection that raises an urgent finding in the reading list (TID 2010)."""

from __future__ import annotations

import numpy as np
from highdicom import ko
from pydicom import Dataset
from pydicom.uid import SegmentationStorage

from node.domain.levels import VertebralLevel
from node.domain.mark import MANUFACTURER
from node.domain.outgoing import ObjectKind
from node.domain.result import Result
from node.domain.stack import slice_normal
from node.encode.algorithm import notices, plain
from node.encode.concepts import ACTIONABLE_FINDING_3, OF_INTEREST
from node.encode.context import EncodingContext, Names
from node.encode.identity import source_skeleton
from node.encode.observer import device_observer
from node.encode.sources import Sources


def encode_key_object(
    result: Result, made: tuple[Dataset, ...], sources: Sources, *, context: EncodingContext
) -> Dataset:
    """The document that points to the slice through L1 and to the objects that were made.

    No standard title means urgent, and TID 2010 takes no further codes: the actionable category stands in the text.

    Parameters
    ----------
    made
        Report and segmentation.
    """
    names = Names.of(result, sources.header, context)
    objects = [*_key_image(result, sources), *(_made_object(each, sources) for each in made)]
    document: Dataset = ko.KeyObjectSelectionDocument(
        evidence=objects,
        content=ko.KeyObjectSelection(
            document_title=OF_INTEREST.code,
            referenced_objects=objects,
            observer_device_context=device_observer(context.station),
            description=_description(result, context),
        ),
        series_instance_uid=names.series_uid(ObjectKind.KOS),
        series_number=names.series_number(ObjectKind.KOS),
        sop_instance_uid=names.instance_uid(ObjectKind.KOS),
        instance_number=1,
        manufacturer=MANUFACTURER,
    )
    return document


def _description(result: Result, context: EncodingContext) -> str:
    category = ACTIONABLE_FINDING_3.code
    because = "; ".join(context.triage.because)
    sentences = (f"{because}.", f"{category.meaning} ({category.scheme_designator} {category.value}).")
    return plain(" ".join((*sentences, *notices(result.provenance))))


def _key_image(result: Result, sources: Sources) -> list[Dataset]:
    """The slice through the middle of L1, where its place is known."""
    centroids = [
        finding.centroid_lps_mm
        for finding in result.findings.vertebrae
        if finding.level is VertebralLevel.L1 and finding.centroid_lps_mm is not None
    ]
    if not centroids or not sources.frames:
        return []
    normal = slice_normal(sources.frames[0].orientation)
    nearest = min(
        sources.frames, key=lambda frame: abs(float((np.array(centroids[0]) - np.array(frame.position)) @ normal))
    )
    source = nearest.instance
    return [_referenced(sources, source.series_uid, source.sop_class_uid, source.sop_instance_uid, is_image=True)]


def _made_object(made: Dataset, sources: Sources) -> Dataset:
    is_image = made.SOPClassUID == SegmentationStorage
    return _referenced(sources, made.SeriesInstanceUID, made.SOPClassUID, made.SOPInstanceUID, is_image=is_image)


def _referenced(
    sources: Sources, series_uid: str, sop_class_uid: str, sop_instance_uid: str, *, is_image: bool
) -> Dataset:
    """An object of the study as highdicom wants to be shown it; what has rows is referred to as an image."""
    shown = source_skeleton(sources.header)
    shown.SeriesInstanceUID, shown.SOPClassUID, shown.SOPInstanceUID = series_uid, sop_class_uid, sop_instance_uid
    if is_image:
        shown.Rows = shown.Columns = 1
    return shown
