"""A synthetic volume as a series of CT images that any DICOM reader takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from node.domain.errors import ConfigurationError
from node.domain.identifiers import Uid
from node.domain.volume import Volume

#: Stored value 0 is this CT number, HU.
RESCALE_INTERCEPT = -1024

#: Not the name that the node signs its own objects with: what carries that one is never analysed.
MANUFACTURER = "Synthetic Phantom"

#: Lies beside a drawn scan and says what is true of it.
TRUTH_FILE = "truth.json"

# A date that nobody was scanned on: the same study is the same bytes on any day.
_DATE, _TIME = "20260101", "120000"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesHeader:
    """What the headers of a synthetic series say.

    Parameters
    ----------
    identity
        Whatever makes this series another than any other; all UIDs derive from it and from the pixels.
    patient_name, patient_id
        Of nobody: a name that cannot be taken for a person's.
    kvp
        Tube voltage, kV.
    """

    identity: str
    patient_name: str
    patient_id: str
    study_description: str
    series_description: str
    kvp: float
    body_part: str = "CHEST"
    kernel: str = "SOFT"


def derived_uid(*parts: str | bytes, what: str) -> Uid:
    """A UID below 2.25 that depends on the parts and on what it names, and on nothing else."""
    digest = hashlib.sha256(what.encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return Uid(f"2.25.{int.from_bytes(digest.digest()[:16], 'big')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesUids:
    """The identifiers of a synthetic series; `root` is what those of its slices derive from."""

    root: str
    study: Uid
    series: Uid


def series_uids(volume: Volume, header: SeriesHeader) -> SeriesUids:
    """The identifiers that the volume has under the header: other pixels or another identity give others."""
    root = hashlib.sha256(header.identity.encode() + _stored(volume).tobytes()).hexdigest()
    return SeriesUids(root=root, study=derived_uid(root, what="study"), series=derived_uid(root, what="series"))


def _stored(volume: Volume) -> NDArray[np.uint16]:
    stored = np.round(volume.hu - np.float32(RESCALE_INTERCEPT))
    return np.clip(stored, 0, np.iinfo(np.uint16).max).astype("<u2")


def save_ct_series(
    volume: Volume,
    header: SeriesHeader,
    folder: Path,
    *,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[Path, ...]:
    """Write one file a slice, the last slice along k first; the same volume and header give the same bytes.

    Raises
    ------
    ConfigurationError
        Where the folder has files already, which would become part of the study.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError(f"the folder for the series must be empty, and {folder} is not; choose another one")
    uids, stored = series_uids(volume, header), _stored(volume)
    common = _common(volume, header, uids)
    paths = []
    for number, k in enumerate(reversed(range(volume.shape[0])), start=1):
        dataset = _slice(common, volume, k=k, number=number, uid=derived_uid(uids.root, what=f"slice {k}"))
        dataset.PixelData = stored[k].tobytes()
        path = folder / f"CT{number:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
        progress(number / volume.shape[0])
    return tuple(paths)


def _common(volume: Volume, header: SeriesHeader, uids: SeriesUids) -> Dataset:
    """What all slices share."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = CTImageStorage
    for kind in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{kind}Date", _DATE)
        setattr(dataset, f"{kind}Time", _TIME)
    dataset.AccessionNumber = ""
    dataset.Modality = "CT"
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = "Parametric Trunk"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "0", "1"
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = header.study_description
    dataset.SeriesDescription = header.series_description
    dataset.PatientName, dataset.PatientID = header.patient_name, header.patient_id
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.BodyPartExamined = header.body_part
    dataset.ScanOptions = "HELICAL"
    dataset.KVP = format_number_as_ds(float(header.kvp))
    dataset.DataCollectionDiameter = dataset.ReconstructionDiameter = format_number_as_ds(
        float(volume.affine.spacing_mm[2] * volume.shape[2])
    )
    dataset.GantryDetectorTilt = "0"
    dataset.ConvolutionKernel = header.kernel
    dataset.PatientPosition = "HFS"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids.study, uids.series
    dataset.StudyID, dataset.SeriesNumber, dataset.AcquisitionNumber = "1", 2, 1
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = volume.frame_of_reference, ""
    _describe_pixels(dataset, volume)
    return dataset


def _describe_pixels(dataset: Dataset, volume: Volume) -> None:
    spacing = volume.affine.spacing_mm
    directions = volume.affine.directions
    dataset.SliceThickness = format_number_as_ds(spacing[0])
    dataset.SpacingBetweenSlices = format_number_as_ds(spacing[0])
    # Rows go along i, columns along j.
    cosines = (*directions[:, 2].tolist(), *directions[:, 1].tolist())
    dataset.ImageOrientationPatient = [format_number_as_ds(cosine) for cosine in cosines]
    dataset.PixelSpacing = [format_number_as_ds(step) for step in spacing[1:]]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = volume.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.QualityControlImage = "YES"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.WindowCenter, dataset.WindowWidth = ["40", "400"], ["400", "1800"]
    dataset.WindowCenterWidthExplanation = ["SOFT TISSUE", "BONE"]
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = str(RESCALE_INTERCEPT), "1", "HU"


def _slice(common: Dataset, volume: Volume, *, k: int, number: int, uid: Uid) -> Dataset:
    dataset = Dataset()
    dataset.update(common)
    dataset.SOPInstanceUID = uid
    dataset.InstanceNumber = number
    position = volume.affine.to_lps(np.array((k, 0.0, 0.0))).tolist()
    dataset.ImagePositionPatient = [format_number_as_ds(round(coordinate, 6)) for coordinate in position]
    dataset.SliceLocation = format_number_as_ds(round(position[2], 6))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, UID(uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset
