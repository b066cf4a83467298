"""A result as DICOM objects: the one way in to this package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from node.domain.finding import Status
from node.domain.identifiers import Uid
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.result import Result
from node.domain.study import Priority
from node.encode.context import EncodingContext, Names
from node.encode.finish import finish
from node.encode.key_object import encode_key_object
from node.encode.report import encode_report
from node.encode.secondary_capture import encode_secondary_capture
from node.encode.segmentation import EncodedSegmentation, encode_segmentation
from node.encode.sources import Sources, load_sources


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedObject:
    """A finished object: what an outgoing object says of itself, and the bytes of its DICOM file.

    `not_evaluable` marks objects of a study in which nothing could be assessed, `urgent` those that exist to raise it
    in a reading list.
    """

    kind: ObjectKind
    sop_class_uid: Uid
    sop_instance_uid: Uid
    series_uid: Uid
    intended_use: IntendedUse
    not_evaluable: bool
    urgent: bool
    content: bytes


def encode_result(result: Result, sources: Sequence[Path], context: EncodingContext) -> tuple[EncodedObject, ...]:
    """The objects of a result: a segmentation where something was segmented, always a report, and a key object
    selection where the triage is urgent.

    Parameters
    ----------
    sources
        Files of the analysed series; where none was analysed, of any series of the study. Patient and study are taken
        from them.

    Raises
    ------
    NotAnalysable
        Where no source has a readable header.
    Bug
        Where the label map does not lie on the grid of the sources.
    """
    loaded = load_sources(sources)
    segmentation = _segmentation(result, loaded, context)
    report = encode_report(result, segmentation, loaded, context=context)
    datasets = {ObjectKind.SR: report}
    if segmentation is not None:
        datasets[ObjectKind.SEG] = segmentation.dataset
    if context.triage.priority is Priority.URGENT:
        datasets[ObjectKind.KOS] = encode_key_object(result, tuple(datasets.values()), loaded, context=context)
    # a segmentation goes first: the report refers to it
    return tuple(
        _finished(datasets[kind], kind, loaded, result=result, context=context)
        for kind in (ObjectKind.SEG, ObjectKind.SR, ObjectKind.KOS)
        if kind in datasets
    )


def encode_picture(result: Result, picture: bytes, sources: Sequence[Path], context: EncodingContext) -> EncodedObject:
    """The picture of a result, as an object of the same study.

    Parameters
    ----------
    picture
        PNG in colours, without identity.
    sources
        As for `encode_result`.

    Raises
    ------
    NotAnalysable
        Where no source has a readable header.
    """
    loaded = load_sources(sources)
    dataset = encode_secondary_capture(result, picture, loaded, context=context)
    return _finished(dataset, ObjectKind.SC, loaded, result=result, context=context)


def _segmentation(result: Result, sources: Sources, context: EncodingContext) -> EncodedSegmentation | None:
    label_maps = [label_map for label_map in (result.label_map, result.cores) if label_map is not None]
    return encode_segmentation(result, label_maps, sources, Names.of(result, sources.header, context))


def _finished(
    dataset: Dataset, kind: ObjectKind, sources: Sources, *, result: Result, context: EncodingContext
) -> EncodedObject:
    content = finish(dataset, kind, sources.header, result=result, context=context)
    return EncodedObject(
        kind=kind,
        sop_class_uid=Uid(dataset.SOPClassUID),
        sop_instance_uid=Uid(dataset.SOPInstanceUID),
        series_uid=Uid(dataset.SeriesInstanceUID),
        intended_use=result.provenance.intended_use,
        not_evaluable=result.findings.status is not Status.ASSESSED,
        urgent=kind is ObjectKind.KOS,
        content=content,
    )
