"""DICOM objects that the node made and sends away."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from node.domain.identifiers import Uid
from node.domain.provenance import IntendedUse


class ObjectKind(StrEnum):
    """What a result object is."""

    SEG = "SEG"
    SR = "SR"
    KOS = "KOS"
    SC = "SC"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingObject:
    """One DICOM object that the node made: what it is, where its file lies in the store, and its BLAKE3 digest.

    `not_evaluable` marks a report that says only that nothing could be assessed. `urgent` marks an object that exists
    to raise the study in a reading list.
    """

    kind: ObjectKind
    sop_class_uid: Uid
    sop_instance_uid: Uid
    series_uid: Uid
    file: str
    digest: str
    intended_use: IntendedUse
    not_evaluable: bool = False
    urgent: bool = False
