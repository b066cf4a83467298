"""Presentation contexts to propose: explicit lists, never more than an association can hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import (
    Comprehensive3DSRStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from node.dispatch.dicom_file import DicomFile
from node.domain.identifiers import Uid

#: PS3.8 section 9.3.2.2: context identifiers are the odd numbers from 1 to 255.
MAX_CONTEXTS = 128

#: Every receiver must take this one (PS3.5 section 10.1); what is not accepted as stored is sent so.
DEFAULT_SYNTAX = Uid(ImplicitVRLittleEndian)
EXPLICIT_SYNTAX = Uid(ExplicitVRLittleEndian)
#: Between these a data set can be re-encoded without touching its pixels.
UNCOMPRESSED: tuple[Uid, ...] = (EXPLICIT_SYNTAX, DEFAULT_SYNTAX)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Offer:
    """One presentation context to propose: a SOP class in one transfer syntax.

    One syntax a context, so that the answer tells which syntaxes of a class are accepted and not only the favourite.
    """

    sop_class_uid: Uid
    transfer_syntax: Uid


#: What a delivery always proposes, so that one association serves all objects of the node.
RESULT_OFFERS: frozenset[Offer] = frozenset(
    Offer(sop_class_uid=Uid(sop_class), transfer_syntax=syntax)
    for sop_class in (
        SegmentationStorage,
        Comprehensive3DSRStorage,
        KeyObjectSelectionDocumentStorage,
        SecondaryCaptureImageStorage,
    )
    for syntax in UNCOMPRESSED
)


def offers_for(file: DicomFile) -> frozenset[Offer]:
    """The contexts with which a file can be sent: as stored, and where it is not compressed, re-encoded."""
    syntaxes = {file.transfer_syntax}
    if file.transfer_syntax in UNCOMPRESSED:
        syntaxes |= set(UNCOMPRESSED)
    return frozenset(Offer(sop_class_uid=file.sop_class_uid, transfer_syntax=syntax) for syntax in syntaxes)


def presentation_contexts(offers: Iterable[Offer]) -> list[PresentationContext]:
    """pynetdicom's contexts of the offers, in a fixed order."""
    return [build_context(offer.sop_class_uid, offer.transfer_syntax) for offer in sorted(offers)]


def grouped(files: Iterable[DicomFile]) -> Iterator[tuple[frozenset[Offer], tuple[DicomFile, ...]]]:
    """Files in groups that each fit into one association, in their order, with the contexts of each group."""
    offers: frozenset[Offer] = frozenset()
    group: list[DicomFile] = []
    for file in files:
        wider = offers | offers_for(file)
        if len(wider) > MAX_CONTEXTS:
            yield offers, tuple(group)
            wider, group = offers_for(file), []
        offers = wider
        group.append(file)
    if group:
        yield offers, tuple(group)
