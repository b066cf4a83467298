"""The findings as a Comprehensive 3D SR after TID 1500."""

from __future__ import annotations

from highdicom import sr
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage

from node.domain.mark import MANUFACTURER
from node.domain.measurement import Quantity
from node.domain.outgoing import ObjectKind
from node.domain.result import Result
from node.encode.algorithm import notices
from node.encode.concepts import IMAGING_MEASUREMENTS, QUALITATIVE_EVALUATIONS, procedure_reported
from node.encode.context import EncodingContext, Names
from node.encode.explicit import items, put_raw, sequence, sop_reference, text
from node.encode.identity import source_skeleton
from node.encode.image_library import image_library
from node.encode.measurement_groups import comment, vertebra_groups
from node.encode.observer import device_observer
from node.encode.referenced_segments import ReferencedSegments
from node.encode.screening_group import screening_group
from node.encode.segmentation import EncodedSegmentation
from node.encode.sources import Sources

CORES_NOT_DRAWN = "The trabecular cores are measured, but not drawn: an older version of the program measured them."


def encode_report(
    result: Result, segmentation: EncodedSegmentation | None, sources: Sources, *, context: EncodingContext
) -> Dataset:
    """The report of a result, assessed or not.

    It stays preliminary and unverified: nobody has read it. It names the report that it supersedes.
    """
    names = Names.of(result, sources.header, context)
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=device_observer(context.station)),
        procedure_reported=procedure_reported(str(sources.header.get("BodyPartExamined") or "")).code,
        imaging_measurements=[screening_group(result, names)],
    )
    content[0].ContentSequence.extend(_statements(result))
    report: Dataset = sr.Comprehensive3DSR(
        evidence=[_one_source(sources)],
        content=content[0],
        series_instance_uid=names.series_uid(ObjectKind.SR),
        series_number=names.series_number(ObjectKind.SR),
        sop_instance_uid=names.instance_uid(ObjectKind.SR),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        previous_versions=_predecessors(result, context, names),
    )
    _append_vertebrae(report, result, _segments(segmentation, sources), names)
    _insert_image_library(report, sources)
    _write_evidence(report, result.study_uid, segmentation, sources)
    return report


def _append_vertebrae(report: Dataset, result: Result, segments: ReferencedSegments | None, names: Names) -> None:
    """Add the groups of the vertebrae behind the group that speaks of the study.

    highdicom copies and parses all content that it is given; with a dozen vertebrae that takes most of a second.
    """
    measurements = next(item for item in report.ContentSequence if _name(item) == IMAGING_MEASUREMENTS.code)
    for finding in result.findings.vertebrae:
        for group in vertebra_groups(finding, segments, result.provenance, names=names):
            measurements.ContentSequence.append(group[0])


def _name(item: Dataset) -> Code:
    concept = item.ConceptNameCodeSequence[0]
    return Code(concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning)


def _statements(result: Result) -> list[sr.ContainerContentItem]:
    """What holds for the whole report: intended use and limitations (TID 1500, Qualitative Evaluations)."""
    limitations = [*result.findings.limitations, *([CORES_NOT_DRAWN] if _lacks_cores(result) else [])]
    sentences = [*notices(result.provenance), *(f"Limitation: {text}" for text in limitations)]
    if not sentences:
        return []
    container = sr.ContainerContentItem(name=QUALITATIVE_EVALUATIONS.code, relationship_type="CONTAINS")
    container.ContentSequence = sr.ContentSequence([comment(sentence) for sentence in sentences])
    return [container]


def _lacks_cores(result: Result) -> bool:
    """Whether cores were measured, and nobody left where they lie: the worker was older than this encoder."""
    measured = any(each.value(Quantity.CORE_MEAN_HU) is not None for each in result.findings.vertebrae)
    return measured and result.label_map is not None and result.cores is None


def _segments(segmentation: EncodedSegmentation | None, sources: Sources) -> ReferencedSegments | None:
    if segmentation is None:
        return None
    return ReferencedSegments(
        sop_class_uid=segmentation.dataset.SOPClassUID,
        sop_instance_uid=segmentation.dataset.SOPInstanceUID,
        source_series_uid=sources.instances[0].series_uid,
        segment_numbers=segmentation.segment_numbers,
    )


def _one_source(sources: Sources) -> Dataset:
    """The evidence that highdicom needs to make a document; the whole of it is written afterwards."""
    first = sources.instances[0]
    shown = source_skeleton(sources.header)
    shown.SOPClassUID, shown.SOPInstanceUID = CTImageStorage, first.sop_instance_uid
    shown.SeriesInstanceUID = first.series_uid
    return shown


def _predecessors(result: Result, context: EncodingContext, names: Names) -> list[Dataset] | None:
    previous = context.previous_report
    if previous is None or previous.sop_instance_uid == names.instance_uid(ObjectKind.SR):
        return None
    report = Dataset()
    report.StudyInstanceUID, report.SeriesInstanceUID = result.study_uid, previous.series_uid
    report.SOPClassUID, report.SOPInstanceUID = previous.sop_class_uid, previous.sop_instance_uid
    return [report]


def _insert_image_library(report: Dataset, sources: Sources) -> None:
    library = image_library(sources)
    if library is None:
        return
    # TID 1500 puts it before the measurements
    places = [place for place, item in enumerate(report.ContentSequence) if item.RelationshipType == "CONTAINS"]
    contents = list(report.ContentSequence)
    contents.insert(places[0], library)
    report.ContentSequence = contents


def _write_evidence(
    report: Dataset, study_uid: str, segmentation: EncodedSegmentation | None, sources: Sources
) -> None:
    """Name every source and the segmentation (Current Requested Procedure Evidence Sequence)."""
    series: dict[str, list[bytes]] = {}
    for instance in sources.instances:
        references = series.setdefault(instance.series_uid, [])
        references.append(sop_reference(instance.sop_class_uid, instance.sop_instance_uid))
    if segmentation is not None:
        made = segmentation.dataset
        series[made.SeriesInstanceUID] = [sop_reference(made.SOPClassUID, made.SOPInstanceUID)]
    each = (
        sequence(0x00081199, *references) + text(0x0020000E, "UI", series_uid)
        for series_uid, references in series.items()
    )
    study = sequence(0x00081115, *each) + text(0x0020000D, "UI", study_uid)
    put_raw(report, 0x0040A375, "SQ", items([study]))
