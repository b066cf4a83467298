"""What the node knows about images from their headers: no pixels, no identity."""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from node.domain.identifiers import Uid

Vector3 = tuple[float, float, float]
Vector6 = tuple[float, float, float, float, float, float]


#: Facts of an image that are numbers or vectors of them.
_NUMBERS = ("position", "orientation", "pixel_spacing", "slice_thickness", "gantry_tilt", "kvp")


class Priority(StrEnum):
    """How soon a study is to be read; queues are served in strictly this order."""

    URGENT = "urgent"
    ROUTINE = "routine"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """Header facts of one instance. `None` means that the header does not tell, or tells something unreadable.

    Lengths are in mm, angles in degrees, tube voltage in kV; a number that is not finite becomes `None`.
    `series_description`, `body_part` and `device_serial` are free text: they stay in the index and never reach a log.
    """

    modality: str | None = None
    body_part: str | None = None
    series_description: str | None = None
    series_number: int | None = None
    instance_number: int | None = None
    image_type: tuple[str, ...] = ()
    rows: int | None = None
    columns: int | None = None
    number_of_frames: int | None = None
    position: Vector3 | None = None  # Image Position (Patient), centre of the first voxel, LPS
    orientation: Vector6 | None = None  # Image Orientation (Patient), row then column direction cosines
    pixel_spacing: tuple[float, float] | None = None  # distance between rows, then between columns
    slice_thickness: float | None = None
    gantry_tilt: float | None = None
    frame_of_reference: str | None = None
    kvp: float | None = None
    kernel: str | None = None
    contrast_agent: bool | None = None
    manufacturer: str | None = None
    model: str | None = None
    device_serial: str | None = None
    scanned_on: datetime.date | None = None  # Series Date, else Acquisition Date
    has_pixel_data: bool | None = None
    made_by_node: bool = False  # carries this node's mark: never analysed

    def __post_init__(self) -> None:
        # a header can say NaN or infinity; no rule can do anything with them, and no JSON can hold them
        for name in _NUMBERS:
            value = getattr(self, name)
            numbers = value if isinstance(value, tuple) else (value,)
            if value is not None and not all(math.isfinite(number) for number in numbers):
                object.__setattr__(self, name, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One stored DICOM object: header facts and a reference to its file.

    `digest` is the BLAKE3 of the data set's bytes as they were sent, file meta information left out. `patient` is a
    keyed digest of the patient's identity, good for telling two patients apart and nothing else. `file` is relative to
    the store.
    """

    sop_instance_uid: Uid
    sop_class_uid: Uid
    series_uid: Uid
    study_uid: Uid
    transfer_syntax: Uid
    file: str
    size: int
    digest: str
    patient: str
    received_at: datetime.datetime
    facts: ImageFacts

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError("received_at must carry a time zone")
        if len(self.digest) != 64:
            raise ValueError(f"a digest must be 64 hexadecimal digits, got {len(self.digest)}")


def input_digest(digests: Iterable[str]) -> str:
    """What names a set of instances in results: SHA-256, hexadecimal, over their sorted digests one after another."""
    return hashlib.sha256("".join(sorted(digests)).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The instances of one series, in no order that means anything."""

    series_uid: Uid
    instances: tuple[Instance, ...]

    def __post_init__(self) -> None:
        if not self.instances:
            raise ValueError("a series must have an instance")

    @property
    def facts(self) -> ImageFacts:
        """Header facts of the first instance by UID: what the instances of one series share."""
        return min(self.instances, key=lambda instance: instance.sop_instance_uid).facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All series that had arrived when a revision of the study was closed."""

    study_uid: Uid
    revision: int
    series: tuple[Series, ...]

    def __post_init__(self) -> None:
        if self.revision < 1:
            raise ValueError(f"revisions count from 1, got {self.revision}")

    @property
    def patients(self) -> frozenset[str]:
        """Keyed digests of all patients in the study; more than one is an error of the sender.

        The node's own results do not count: an archive may return them under an identity that it has corrected.
        """
        received = (instance for series in self.series for instance in series.instances)
        return frozenset(instance.patient for instance in received if not instance.facts.made_by_node)
