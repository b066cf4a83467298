"""What the listener's tests send: the bytes of files and of data sets."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian

from node.store.part10 import data_set_start
from tests.integration.raw_association import Encoded, RawAssociation


def from_file(path: Path) -> Encoded:
    """What a DICOM file holds, byte for byte."""
    meta = read_file_meta_info(path)
    with path.open("rb") as file:
        file.seek(data_set_start(file.fileno()))
        content = file.read()
    return Encoded(
        sop_class=meta.MediaStorageSOPClassUID,
        sop_instance=meta.MediaStorageSOPInstanceUID,
        transfer_syntax=meta.TransferSyntaxUID,
        content=content,
    )


def encoded(dataset: Dataset) -> Encoded:
    """A data set, explicit VR little endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return Encoded(
        sop_class=str(dataset.get("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2")),
        sop_instance=str(dataset.get("SOPInstanceUID", "1.2.3")),
        transfer_syntax=ExplicitVRLittleEndian,
        content=buffer.getvalue(),
    )


def send(port: int, *objects: Encoded, calling: str = "SENDER", called: str = "OSTEONODE") -> list[int]:
    """The statuses of the objects, sent in one association."""
    contexts = sorted({(each.sop_class, each.transfer_syntax) for each in objects})
    with RawAssociation(port, contexts, calling=calling, called=called) as association:
        return [association.store(each) for each in objects]
