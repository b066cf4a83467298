"""What is done to every object before it leaves: the node's mark, identity, times, coding schemes, bytes."""

from __future__ import annotations

import io

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom import Dataset
from pydicom.uid import UID

from node.domain.mark import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    MANUFACTURER,
    MODEL_NAME,
)
from node.domain.outgoing import ObjectKind
from node.domain.result import Result
from node.encode.algorithm import LONG_STRING
from node.encode.concepts import (
    PRIVATE_SCHEME,
    PRIVATE_SCHEME_NAME,
    PRIVATE_SCHEME_ORGANIZATION,
    PRIVATE_SCHEME_VERSION,
)
from node.encode.context import EncodingContext, Names
from node.encode.explicit import keep_raw, settle
from node.encode.identity import copy_identity, site_time


def finish(dataset: Dataset, kind: ObjectKind, header: Dataset, *, result: Result, context: EncodingContext) -> bytes:
    """The finished object as a DICOM file in Explicit VR Little Endian.

    Parameters
    ----------
    header
        A source header, from which patient and study are copied.
    """
    names = Names.of(result, header, context)
    dataset.Manufacturer, dataset.ManufacturerModelName = MANUFACTURER, MODEL_NAME
    dataset.SoftwareVersions = [result.provenance.code_version[:LONG_STRING]]
    dataset.DeviceSerialNumber = context.station
    dataset.SeriesDescription = names.description(kind)
    dataset.CodingSchemeIdentificationSequence = [
        CodingSchemeIdentificationItem(
            PRIVATE_SCHEME,
            name=PRIVATE_SCHEME_NAME,
            version=PRIVATE_SCHEME_VERSION,
            responsible_organization=PRIVATE_SCHEME_ORGANIZATION,
        )
    ]
    _set_times(dataset, header, context)
    copy_identity(header, dataset)
    keep_raw(dataset)
    settle(dataset)
    return _to_bytes(dataset)


def _set_times(dataset: Dataset, header: Dataset, context: EncodingContext) -> None:
    now = site_time(header, context.now)
    for keyword in ("InstanceCreation", "Content", "Series"):
        setattr(dataset, f"{keyword}Date", now.strftime("%Y%m%d"))
        setattr(dataset, f"{keyword}Time", now.strftime("%H%M%S"))
    # highdicom names itself as contributing equipment, by its own clock
    for equipment in dataset.get("ContributingEquipmentSequence") or []:
        equipment.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")


def _to_bytes(dataset: Dataset) -> bytes:
    meta = dataset.file_meta
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
