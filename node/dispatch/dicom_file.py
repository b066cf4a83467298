"""A DICOM file on disk, as far as sending it needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info

from node.domain.errors import InputRejected
from node.domain.identifiers import Uid

#: Media Storage Directory (PS3.4 annex I): a DICOMDIR is an index of a medium, not an object to send.
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomFile:
    """A file with file meta information: what it holds and in which transfer syntax."""

    path: Path
    sop_class_uid: Uid
    sop_instance_uid: Uid
    transfer_syntax: Uid


def read_dicom_file(path: Path) -> DicomFile:
    """What the file meta information of a file says; nothing behind it is read.

    Raises
    ------
    InputRejected
        Where the file is no DICOM file (PS3.10 section 7.1), or its meta information lacks what C-STORE needs.
    """
    try:
        meta = read_file_meta_info(path)
    except (InvalidDicomError, EOFError, ValueError, NotImplementedError) as error:
        raise InputRejected("no DICOM file: the file meta information is missing or broken") from error
    needed = ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID")
    values = [str(meta.get(keyword, "")) for keyword in needed]
    if not all(values):
        missing = ", ".join(keyword for keyword, value in zip(needed, values, strict=True) if not value)
        raise InputRejected(f"the file meta information has no {missing}")
    sop_class, sop_instance, transfer_syntax = (Uid.from_dicom(value) for value in values)
    return DicomFile(path=path, sop_class_uid=sop_class, sop_instance_uid=sop_instance, transfer_syntax=transfer_syntax)
