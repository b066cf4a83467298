"""Sends all DICOM files of a folder to a destination by C-STORE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.dispatch.association import ScuSettings, StoreAssociation
from node.dispatch.contexts import Offer, grouped
from node.dispatch.dicom_file import MEDIA_STORAGE_DIRECTORY, DicomFile, read_dicom_file
from node.dispatch.failures import DestinationRefuses, DestinationUnavailable
from node.dispatch.statuses import StatusMeaning, Verdict, store_status
from node.domain.destination import Destination
from node.domain.errors import InputRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file that the destination stored; `warning` says what it doubted or changed, if anything."""

    file: Path
    status: int
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """A file that the destination did not store, and why; `status` is `None` where none came."""

    file: Path
    status: int | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderContent:
    """The DICOM files of a folder in the order of their paths, and the other files with what is wrong with them."""

    files: tuple[DicomFile, ...]
    others: tuple[NotSent, ...]


def find_dicom_files(folder: Path) -> FolderContent:
    """All DICOM files in a folder and the folders below; a DICOMDIR is passed over.

    Raises
    ------
    InputRejected
        Where the folder does not exist or holds no DICOM file.
    """
    if not folder.is_dir():
        raise InputRejected(f"a folder of DICOM files is needed, and {folder} is none")
    files: list[DicomFile] = []
    others: list[NotSent] = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        try:
            found = read_dicom_file(path)
        except (InputRejected, OSError) as error:
            others.append(NotSent(file=path, status=None, because=str(error)))
            continue
        if found.sop_class_uid != MEDIA_STORAGE_DIRECTORY:
            files.append(found)
    if not files:
        raise InputRejected(f"{folder} holds no DICOM file; {len(others)} other files are there")
    return FolderContent(files=tuple(files), others=tuple(others))


def send_files(
    files: Sequence[DicomFile], destination: Destination, *, settings: ScuSettings
) -> Iterator[Sent | NotSent]:
    """Send files and tell of each one when its answer is there; the first error of the network ends the rest.

    Files go in their order on one association, or on several where more presentation contexts are needed than one can
    hold. Exactly one entry comes for every file.
    """
    for offers, group in grouped(files):
        yield from _send_group(group, offers, destination, settings)


def _send_group(
    group: Sequence[DicomFile], offers: frozenset[Offer], destination: Destination, settings: ScuSettings
) -> Iterator[Sent | NotSent]:
    try:
        association = StoreAssociation.open(destination, offers, settings=settings)
    except (DestinationUnavailable, DestinationRefuses) as error:
        yield from (NotSent(file=each.path, status=None, because=str(error)) for each in group)
        return
    try:
        for file in group:
            yield _send_one(association, file)
    finally:
        association.close()


def _send_one(association: StoreAssociation, file: DicomFile) -> Sent | NotSent:
    try:
        code = association.send(file)
    except (DestinationUnavailable, DestinationRefuses) as error:
        return NotSent(file=file.path, status=None, because=str(error))
    return _told(file.path, code, store_status(code))


def _told(path: Path, code: int, row: StatusMeaning) -> Sent | NotSent:
    if row.verdict is Verdict.DELIVERED:
        return Sent(file=path, status=code)
    if row.verdict is Verdict.WARNING:
        return Sent(file=path, status=code, warning=row.meaning)
    return NotSent(file=path, status=code, because=row.meaning)
