"""Small CT series that are valid DICOM: any geometry, duplicates, gaps, a tilted gantry."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from node.domain.geometry import Affine
from node.domain.study import Vector3, Vector6

AXIAL: Vector6 = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL: Vector6 = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL: Vector6 = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def rotated(orientation: Vector6, *, about_x_deg: float = 0.0, about_z_deg: float = 0.0) -> Vector6:
    """An oblique orientation: the given one turned about the patient's x and then z axis."""
    x, z = math.radians(about_x_deg), math.radians(about_z_deg)
    turn_x = np.array([[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]])
    turn_z = np.array([[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]])
    row, column = (turn_z @ turn_x @ np.array(part) for part in (orientation[:3], orientation[3:]))
    return (*map(float, row), *map(float, column))  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class CtSpec:
    """What a series is like.

    Parameters
    ----------
    name
        All UIDs of the series and its study derive from it and from `study`.
    spacing_mm
        Along k, j and i.
    orientation
        Row and column direction cosines; slices follow each other along row cross column.
    origin
        LPS of the first slice's first voxel, mm.
    missing
        Slices (k) that are left out.
    duplicated
        Slices (k) that are there twice, under two SOP Instance UIDs.
    tilt_deg
        Each slice is shifted along the columns so that the stack leans by this angle.
    backwards
        Instance numbers and the order of the data sets run against the direction of k.
    """

    name: str = "series"
    study: str = "study"
    slices: int = 8
    rows: int = 18
    columns: int = 20
    spacing_mm: tuple[float, float, float] = (2.5, 0.8, 0.7)
    orientation: Vector6 = AXIAL
    origin: Vector3 = (-10.0, -20.0, 100.0)
    missing: frozenset[int] = frozenset()
    duplicated: frozenset[int] = frozenset()
    tilt_deg: float = 0.0
    backwards: bool = False
    kvp: float = 120.0
    series_number: int = 2
    series_description: str = "Thorax 2.5 soft"
    patient_name: str = "Builder^Series"
    patient_id: str = "BUILDER-1"
    character_set: str = "ISO_IR 192"
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def normal(self) -> Vector3:
        """Unit normal of the slices, LPS."""
        x, y, z = np.cross(self.orientation[:3], self.orientation[3:])
        return float(x), float(y), float(z)

    def uid(self, what: str) -> str:
        """A UID that is always the same for the same series and `what`."""
        return made_up_uid(self.study, self.name, what)

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return made_up_uid(self.study)

    def position(self, k: int) -> Vector3:
        """LPS of slice k's first voxel, mm."""
        along = np.array(self.normal) * self.spacing_mm[0] * k
        lean = np.array(self.orientation[3:]) * math.tan(math.radians(self.tilt_deg)) * self.spacing_mm[0] * k
        x, y, z = np.array(self.origin) + along + lean
        return float(x), float(y), float(z)


def made_up_uid(*parts: str) -> str:
    """A UID below 2.25 that depends on the parts alone."""
    return f"2.25.{int.from_bytes(hashlib.sha256('/'.join(parts).encode()).digest()[:16], 'big')}"


def ct_affine(spec: CtSpec) -> Affine:
    """The grid (k, j, i) of the series without its duplicates, as it stands in the headers."""
    dk, dj, di = spec.spacing_mm
    return Affine.from_steps(
        k=np.array(spec.normal) * dk,
        j=np.array(spec.orientation[3:]) * dj,
        i=np.array(spec.orientation[:3]) * di,
        origin=np.array(spec.origin),
    )


def ct_series(spec: CtSpec | None = None, hu: NDArray[np.float32] | None = None) -> list[Dataset]:
    """The series' data sets, with pixels, in the order of their instance numbers.

    Parameters
    ----------
    hu
        CT numbers, shape (slices, rows, columns), HU; without it a block of water in air.
    """
    spec = spec or CtSpec()
    values = water_block(spec) if hu is None else hu
    planes = [(k, copy) for k in range(spec.slices) for copy in range(2 if k in spec.duplicated else 1)]
    planes = [(k, copy) for k, copy in planes if k not in spec.missing]
    if spec.backwards:
        planes.reverse()
    return [_slice(spec, values[k], k=k, copy=copy, number=number) for number, (k, copy) in enumerate(planes, 1)]


def write_series(datasets: Sequence[Dataset], folder: Path) -> tuple[Path, ...]:
    """Save the data sets under names that say nothing about their order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dataset in datasets:
        path = folder / f"{hashlib.sha256(dataset.SOPInstanceUID.encode()).hexdigest()[:16]}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return tuple(paths)


def water_block(spec: CtSpec) -> NDArray[np.float32]:
    """Air with a block of water in the middle, shape (slices, rows, columns), HU."""
    hu = np.full((spec.slices, spec.rows, spec.columns), -1000.0, dtype=np.float32)
    hu[:, spec.rows // 4 : -(spec.rows // 4), spec.columns // 4 : -(spec.columns // 4)] = 0.0
    return hu


def with_file_meta(dataset: Dataset) -> Dataset:
    """The data set with the file meta information of Explicit VR Little Endian."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.file_meta = meta
    return dataset


def common_header(spec: CtSpec) -> Dataset:
    """Patient, study, series, frame of reference and equipment."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = spec.character_set
    dataset.PatientName, dataset.PatientID = spec.patient_name, spec.patient_id
    dataset.PatientBirthDate, dataset.PatientSex = "19500102", "F"
    dataset.StudyInstanceUID, dataset.StudyID, dataset.AccessionNumber = spec.study_uid, "S1", "A-1"
    dataset.StudyDate, dataset.StudyTime = "20260501", "081500"
    dataset.ReferringPhysicianName = "Referrer^Ruth"
    dataset.StudyDescription = "CT chest"
    dataset.SeriesInstanceUID, dataset.SeriesNumber = spec.uid("series"), spec.series_number
    dataset.SeriesDescription, dataset.Modality, dataset.BodyPartExamined = spec.series_description, "CT", "CHEST"
    dataset.PatientPosition = "HFS"
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = spec.uid("frame of reference"), ""
    dataset.Manufacturer, dataset.ManufacturerModelName = "Builder Works", "Slices 64"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "1", "1.0"
    dataset.AcquisitionDate, dataset.AcquisitionTime = "20260501", "082000"
    dataset.ContentDate, dataset.ContentTime = "20260501", "082100"
    return dataset


def pixel_description(dataset: Dataset, spec: CtSpec) -> None:
    """Say how CT numbers are stored: signed 16 bit."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = spec.rows, spec.columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1


RESCALE_INTERCEPT = -1024.0


def stored(hu: NDArray[np.float32]) -> bytes:
    """Stored values of CT numbers, little endian."""
    return np.round(hu - RESCALE_INTERCEPT).astype("<i2").tobytes()


def decimal(*values: float) -> list[str]:
    """Decimal strings of at most 16 characters."""
    return [format_number_as_ds(float(value)) for value in values]


def _slice(spec: CtSpec, hu: NDArray[np.float32], *, k: int, copy: int, number: int) -> Dataset:
    dataset = common_header(spec)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, spec.uid(f"slice {k} copy {copy}")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber, dataset.AcquisitionNumber = number, 1
    dataset.KVP, dataset.ConvolutionKernel = decimal(spec.kvp)[0], "B30f"
    dataset.SliceThickness, dataset.GantryDetectorTilt = decimal(spec.spacing_mm[0], spec.tilt_deg)
    dataset.PixelSpacing = decimal(*spec.spacing_mm[1:])
    dataset.ImageOrientationPatient = decimal(*spec.orientation)
    dataset.ImagePositionPatient = decimal(*spec.position(k))
    pixel_description(dataset, spec)
    dataset.RescaleIntercept, dataset.RescaleSlope = decimal(RESCALE_INTERCEPT, 1.0)
    dataset.RescaleType = "HU"
    dataset.PixelData = stored(hu)
    for keyword, value in spec.extra.items():
        setattr(dataset, keyword, value)
    return with_file_meta(dataset)
