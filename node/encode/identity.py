"""Patient and study as they stand in the source: copied byte for byte, so that the archive files them together."""

from __future__ import annotations

import datetime
from typing import cast

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

#: Attributes of the patient, study and patient study modules that are copied where the source has them (PS3.3 C.7.1.1,
#: C.7.2.1, C.7.2.2).
COPIED = (
    "SpecificCharacterSet",
    "TimezoneOffsetFromUTC",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
)
#: Type 2: there in every object, empty where the source has none.
ALWAYS_THERE = frozenset(
    {
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
    }
)


def copy_identity(header: Dataset, target: Dataset) -> None:
    """Put patient and study of the source into an object, bytes and character set unchanged.

    Values are not decoded: what the source wrote wrongly is still what the archive knows the patient by.
    """
    for keyword in COPIED:
        tag = Tag(tag_for_keyword(keyword) or 0)
        if tag in target:
            del target[tag]
        if tag not in header:
            if keyword in ALWAYS_THERE:
                setattr(target, keyword, None)
            continue
        if keyword == "SpecificCharacterSet" and not header.get(keyword):
            continue  # type 1C: an empty one says no more than none, and is an error in the copy
        # the items of a sequence are encoded as the source is, so a sequence is parsed and written anew
        target[tag] = header[tag] if dictionary_VR(tag) == "SQ" else _as_it_stands(header.get_item(tag))
    _say_how_identity_was_removed(target)


def _say_how_identity_was_removed(target: Dataset) -> None:
    """PS3.3 C.7.1.1 asks for a method wherever identity was removed, and not every source tells it."""
    if target.get("PatientIdentityRemoved") == "YES" and not (
        target.get("DeidentificationMethod") or target.get("DeidentificationMethodCodeSequence")
    ):
        target.DeidentificationMethod = "not stated in the source images"


def _as_it_stands(element: DataElement | RawDataElement | None) -> DataElement | RawDataElement:
    """The element with its bytes, the VR that a source in Implicit VR does not say, and even length."""
    if isinstance(element, RawDataElement):
        vr, value = dictionary_VR(element.tag), element.value or b""
        if len(value) % 2:
            value += b"\x00" if vr == "UI" else b" "
        return RawDataElement(element.tag, vr, len(value), value, 0, False, True)
    return cast("DataElement", element)


def site_time(header: Dataset, now: datetime.datetime) -> datetime.datetime:
    """The time in the zone that the source names, else in the zone that `now` has."""
    offset = str(header.get("TimezoneOffsetFromUTC") or "").strip()
    try:
        return now.astimezone(datetime.datetime.strptime(offset, "%z").tzinfo) if offset else now
    except ValueError:
        return now


def source_skeleton(header: Dataset) -> Dataset:
    """What highdicom asks of a source, without identity: that is copied afterwards, and may break highdicom's rules."""
    skeleton = Dataset()
    skeleton.StudyInstanceUID = header.StudyInstanceUID
    for keyword in ALWAYS_THERE:
        setattr(skeleton, keyword, "")
    return skeleton
