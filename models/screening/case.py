"""What the classifier sees of a scan, and the file that carries it: no image of the patient beyond two bodies.

Where a manifest names such a file (`NAME.npz`) as the image of a scan, training and evaluation take it as it is.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from node.domain.errors import InputRejected

Int16 = NDArray[np.int16]
Bool = NDArray[np.bool_]

#: Pixels a side of every plane, and the distance between their centres, mm.
SIDE = 64
PIXEL_MM = 1.0

#: What the planes are, in order: axial (rows to the back, columns to the patient's left), coronal (rows to the foot,
#: columns to the left), sagittal (rows to the foot, columns to the back).
PLANES = ("axial", "coronal", "sagittal")

#: Raised whenever the images of the same crop come out otherwise: a case of another form is refused.
FORM = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyImage:
    """The middle planes of one vertebral body along its own axes, see `models.screening.image`.

    Parameters
    ----------
    hu
        CT numbers, int16, shape (plane, row, column), HU; not masked.
    body
        Same shape; true inside the body.

    Raises
    ------
    ValueError
        Where types or shapes are others, or a plane shows nothing of the body.
    """

    hu: Int16
    body: Bool

    def __post_init__(self) -> None:
        shape = (len(PLANES), SIDE, SIDE)
        if self.hu.dtype != np.int16 or self.body.dtype != np.bool_:
            raise ValueError(f"an image must be int16 with a mask, got {self.hu.dtype} and {self.body.dtype}")
        if self.hu.shape != shape or self.body.shape != shape:
            raise ValueError(f"image and mask must have shape {shape}, got {self.hu.shape} and {self.body.shape}")
        if not self.body.any((1, 2)).all():
            raise ValueError("every plane must show a part of the body")


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """How a scan was made, and what known tissues read in it; `None` where it is not known.

    The classifier has learned to do without any of them.

    Parameters
    ----------
    kvp
        Tube voltage, kV.
    slice_mm
        Distance between slices, mm.
    noise_hu
        Standard deviation within an even tissue, HU.
    blood_hu, muscle_hu, fat_hu
        Mean CT numbers of aortic blood, skeletal muscle and subcutaneous fat, HU.

    Raises
    ------
    ValueError
        Where a value is not finite, or kvp, slice_mm or noise_hu is negative.
    """

    kvp: float | None = None
    slice_mm: float | None = None
    noise_hu: float | None = None
    blood_hu: float | None = None
    muscle_hu: float | None = None
    fat_hu: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{field.name} must be finite or unknown, got {value}")
        for name in ("kvp", "slice_mm", "noise_hu"):
            value = getattr(self, name)
            if value is not None and value < 0.0:
                raise ValueError(f"{name} must not be negative, got {value}")

    @property
    def values(self) -> tuple[float | None, ...]:
        """In the order of the fields, which is that of the network's inputs."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreeningCase:
    """What the classifier sees of one scan; `l2` is `None` where the scan ends above it, or it is not sound."""

    l1: BodyImage
    l2: BodyImage | None = None
    references: References = References()


def case_to_bytes(case: ScreeningCase) -> bytes:
    """The case as one file, some 40 kB: an NPZ without pickled objects; the same case gives the same bytes."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, image in (("l1", case.l1), ("l2", case.l2)):
        if image is not None:
            arrays[f"{name}_hu"], arrays[f"{name}_body"] = image.hu, image.body
    names = [field.name for field in fields(References)]
    record = {"form": FORM, "references": dict(zip(names, case.references.values, strict=True))}
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)
    np.savez_compressed(buffer, allow_pickle=False, record=text, **arrays)
    return buffer.getvalue()


def case_from_bytes(content: bytes) -> ScreeningCase:
    """The case that `case_to_bytes` wrote.

    Raises
    ------
    InputRejected
        Where the content is none that it writes, or is of another form.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise InputRejected(
            "this is no case of the screening classifier: an NPZ file was expected; copy or make it anew"
        )
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            record = json.loads(arrays["record"].tobytes().decode())
            if record["form"] != FORM:
                raise InputRejected(f"the case has form {record['form']}, this version reads {FORM}; make it anew")
            images = {
                name: BodyImage(hu=arrays[f"{name}_hu"], body=arrays[f"{name}_body"])
                for name in ("l1", "l2")
                if f"{name}_hu" in arrays
            }
            known = {name: None if value is None else float(value) for name, value in record["references"].items()}
            return ScreeningCase(l1=images["l1"], l2=images.get("l2"), references=References(**known))
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputRejected(f"this is no case of the screening classifier: {error}") from error
