"""What a de-identified CT image may hold; whatever no list here names is left out.

The lists are shorter than the profile allows: that names what must go, and all else may stay, also what nobody thought
of. Tests hold them against every attribute that the profile names.

References
----------
[1] DICOM PS3.15 2026c, table E.1-1, Basic Application Level Confidentiality Profile and its options.
[2] DICOM PS3.3 2026c, A.3, CT Image IOD.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

#: The standard's edition whose profile the lists were held against.
EDITION = "2026c"

#: Copied as they are: how the image was made and where it lies. No attribute of the profile is among them.
KEPT = (
    # General Series, General Equipment, Patient Study
    *("Modality", "SeriesNumber", "BodyPartExamined", "PatientPosition"),
    *("Manufacturer", "ManufacturerModelName", "SoftwareVersions"),
    # General Image, Image Plane
    *("ImageType", "InstanceNumber", "AcquisitionNumber", "ImagesInAcquisition", "QualityControlImage"),
    *("BurnedInAnnotation", "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
    *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
    *("SliceThickness", "SpacingBetweenSlices", "SliceLocation"),
    # Image Pixel; the pixels themselves are written anew
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored"),
    *("PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    # CT Image
    *("RescaleIntercept", "RescaleSlope", "RescaleType", "KVP", "ScanOptions", "DataCollectionDiameter"),
    *("ReconstructionDiameter", "DistanceSourceToDetector", "DistanceSourceToPatient", "GantryDetectorTilt"),
    *("TableHeight", "RotationDirection", "ExposureTime", "XRayTubeCurrent", "Exposure", "ExposureInuAs"),
    *("FilterType", "FilterMaterial", "GeneratorPower", "FocalSpots", "ConvolutionKernel", "RevolutionTime"),
    *("SingleCollimationWidth", "TotalCollimationWidth", "TableSpeed", "TableFeedPerRotation", "SpiralPitchFactor"),
    *("DataCollectionCenterPatient", "ReconstructionTargetCenterPatient", "ExposureModulationType"),
    *("EstimatedDoseSaving", "CTDIvol"),
    # Contrast/Bolus; the agent is written anew
    *("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastFlowRate", "ContrastFlowDuration"),
    "ContrastBolusIngredientConcentration",
    # VOI LUT
    *("WindowCenter", "WindowWidth", "VOILUTFunction"),
)

#: What attributes may say that have a list of terms: a name in capitals looks like a code.
TERMS = {
    # PS3.3 C.7.3.1.1.2
    "PatientPosition": frozenset(
        (
            *("HFP", "HFS", "HFDR", "HFDL", "FFP", "FFS", "FFDR", "FFDL"),
            *("LFP", "LFS", "RFP", "RFS", "AFDR", "AFDL", "PFDR", "PFDL"),
        )
    ),
    # those of PS3.16 table L-1 that a CT with a part of the trunk may show, and THORAX, which many scanners write
    "BodyPartExamined": frozenset(
        (
            *("ABDOMEN", "ABDOMENPELVIS", "AORTA", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS", "COLON"),
            *("CORONARYARTERY", "CSPINE", "CTSPINE", "EXTREMITY", "HEAD", "HEADNECK", "HEART", "HIP"),
            *("KIDNEY", "LIVER", "LSPINE", "LSSPINE", "LUNG", "MEDIASTINUM", "NECK", "NECKCHEST"),
            *("NECKCHESTABDOMEN", "NECKCHESTABDPELV", "PANCREAS", "PELVIS", "RIB", "SHOULDER"),
            *("SPINE", "SPLEEN", "SSPINE", "STERNUM", "THORAX", "TLSPINE", "TRUNK", "TSPINE"),
            "WHOLEBODY",
        )
    ),
}

#: Of type 2, so that they must be there, and identity or text that may hold some: empty.
EMPTIED = (
    *("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
    *("ReferringPhysicianName", "PositionReferenceIndicator"),
)

#: Replaced by others that are the same in the whole export.
REPLACED_UIDS = (
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID", "IrradiationEventUID"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOption:
    """An option of the profile: its code of context group 7050, and what of a CT image it retains."""

    code: Code
    keywords: tuple[str, ...]


_METHODS = codes.cid7050

BASIC_PROFILE: Code = _METHODS.BasicApplicationConfidentialityProfile

PATIENT_CHARACTERISTICS = ProfileOption(
    code=_METHODS.RetainPatientCharacteristicsOption,
    keywords=("PatientSex", "PatientAge", "PatientSize", "PatientWeight"),
)
DEVICE_IDENTITY = ProfileOption(
    code=_METHODS.RetainDeviceIdentityOption,
    keywords=(
        *("DeviceSerialNumber", "DeviceUID", "StationName", "GantryID", "GeneratorID"),
        *("DateOfLastCalibration", "TimeOfLastCalibration"),
    ),
)
