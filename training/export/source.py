"""Reads a file that somebody wants to export, or says why it is left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.filereader import read_file_meta_info
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, CTImageStorage

from node.domain.errors import InputRejected, TransientFailure
from node.domain.identifiers import Uid
from node.domain.study import ImageFacts
from node.store.headers import DEFLATED, read_header
from workers.header import read_image_file
from workers.refusal import ImageRefused, refusing

Stored = NDArray[np.integer]


class Refusal(StrEnum):
    """Why a file is left out; each goes on where "It" begins."""

    UNREADABLE = "is no DICOM image, or cannot be read as one"
    NOT_CT = "is no CT image"
    LOCALIZER = "is a localizer, no slice"
    SCREEN = "is a picture of a screen"
    BURNED_IN = "says that text is burned into its pixels"
    NO_PATIENT = "does not say whose it is: its Patient ID is empty"
    WRONG_VALUE = "has a value that its attribute cannot have"
    TWICE = "has the SOP Instance UID of a file that was exported"


class FileRefused(InputRejected):
    """A file is left out of an export."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        self.refusal, self.detail = refusal, detail
        super().__init__(f"{refusal}: {detail}" if detail else str(refusal))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A CT image that may be exported.

    Parameters
    ----------
    dataset
        Its header, identity and all.
    facts
        What the node reads from such a header.
    stored
        Its pixels, shape (rows, columns), as they are stored; bits that no value occupies are 0, or follow the sign.
    """

    dataset: pydicom.Dataset
    facts: ImageFacts
    stored: Stored


def read_source(path: Path) -> Source:
    """The CT image of a file.

    Raises
    ------
    FileRefused
        Where the file cannot be read, is anything but a CT image, or shows or lacks what an export cannot do with.
    """
    with readable():
        facts = _facts(path)
        read_image_file(path)  # what the node's own reader refuses is of no use for training
        dataset = pydicom.dcmread(path)
        _check_picture(dataset)
        return Source(dataset=dataset, facts=facts, stored=_significant(dataset, _all_bits(dataset)))


@contextmanager
def readable() -> Iterator[None]:
    """Refuse the file where anything in it cannot be read, whoever finds out.

    Raises
    ------
    FileRefused
        Where that is so.
    """
    try:
        with refusing("the file"):
            yield
    except FileRefused:
        raise
    except (InputRejected, ImageRefused, TransientFailure) as error:
        raise FileRefused(Refusal.UNREADABLE) from error


def _facts(path: Path) -> ImageFacts:
    """What the header says, found with the care that unknown senders need; other objects are refused unread."""
    meta = read_file_meta_info(path)
    syntax = Uid(meta.TransferSyntaxUID)
    if syntax in DEFLATED:
        raise FileRefused(Refusal.UNREADABLE, "deflated files are not exported")
    with path.open("rb") as file:
        header = read_header(file.fileno(), syntax, scratch=path.parent)
    kind = UID(header.sop_class_uid)
    if kind != CTImageStorage:
        raise FileRefused(Refusal.NOT_CT, "of an unknown class" if kind.name == kind else kind.name)
    return header.facts


def _check_picture(dataset: pydicom.Dataset) -> None:
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        raise FileRefused(Refusal.BURNED_IN)
    image_type = {str(value).upper() for value in dataset.get("ImageType") or ()}
    if "LOCALIZER" in image_type:
        raise FileRefused(Refusal.LOCALIZER)
    if "SCREEN SAVE" in image_type or "ConversionType" in dataset:
        raise FileRefused(Refusal.SCREEN)
    if not str(dataset.get("PatientID") or "").strip():
        raise FileRefused(Refusal.NO_PATIENT)


def _all_bits(dataset: pydicom.Dataset) -> Stored:
    """Pixels with all that their bits hold, shape (rows, columns); pydicom takes some away from uncompressed ones."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        return pixel_array(dataset, raw=True)
    order, sign = "<" if syntax.is_little_endian else ">", "i" if dataset.PixelRepresentation else "u"
    kind = np.dtype(f"{order}{sign}{int(dataset.BitsAllocated) // 8}")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    values: Stored = np.frombuffer(dataset.PixelData, kind, count=rows * columns)
    return values.reshape(rows, columns)


def _significant(dataset: pydicom.Dataset, stored: Stored) -> Stored:
    """Values without what other bits hold: old scanners drew overlays with names into those (PS3.5 section 8.1.1)."""
    allocated, used, high = (int(dataset[name].value) for name in ("BitsAllocated", "BitsStored", "HighBit"))
    if stored.ndim != 2:
        raise FileRefused(Refusal.NOT_CT, "it has several frames")
    values: Stored = np.right_shift(np.left_shift(stored, allocated - 1 - high), allocated - used)
    return values
