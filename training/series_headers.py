"""A series in a folder as the node knows it once it was received."""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from pathlib import Path

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info

from node.domain.errors import InputRejected
from node.domain.identifiers import Uid
from node.domain.study import Instance, Series
from node.store.headers import read_header
from training.images import series_files

# When a file arrived says nothing here.
_ARRIVED = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def read_series(folder: Path) -> Series:
    """The instances of a series with the facts that the node reads from their headers.

    Raises
    ------
    InputRejected
        Where a file is none that the node could receive, or there is no series, or more than one.
    """
    instances = tuple(_instance(path) for path in series_files(folder))
    found = {instance.series_uid for instance in instances}
    if len(found) != 1:
        raise InputRejected(f"{folder.name} must hold one series, got {len(found)}: give each a folder of its own")
    return Series(series_uid=found.pop(), instances=instances)


def _instance(path: Path) -> Instance:
    try:
        syntax = Uid(read_file_meta_info(path).TransferSyntaxUID)
        with path.open("rb") as file:
            header = read_header(file.fileno(), syntax, scratch=Path(tempfile.gettempdir()))
    except (InvalidDicomError, AttributeError, InputRejected) as error:
        raise InputRejected(f"{path.name} of {path.parent.name} cannot be read as DICOM: {error}") from error
    return Instance(
        sop_instance_uid=header.sop_instance_uid,
        sop_class_uid=header.sop_class_uid,
        series_uid=header.series_uid,
        study_uid=header.study_uid,
        transfer_syntax=syntax,
        file=path.name,
        size=path.stat().st_size,
        digest=_digest(header.sop_instance_uid),
        patient=_digest(header.identity),
        received_at=_ARRIVED,
        facts=header.facts,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
