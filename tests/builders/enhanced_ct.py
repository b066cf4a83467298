"""The enhanced multi-frame form of a built CT series: one object, one frame a slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage

from tests.builders.ct import (
    RESCALE_INTERCEPT,
    CtSpec,
    common_header,
    decimal,
    made_up_uid,
    pixel_description,
    stored,
    water_block,
    with_file_meta,
)

_FRAME_TYPE = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]


def enhanced_ct(spec: CtSpec | None = None, hu: NDArray[np.float32] | None = None) -> Dataset:
    """The slices of `spec` as frames of one Enhanced CT image; `missing`, `duplicated` and `backwards` hold as well.

    Parameters
    ----------
    hu
        CT numbers, shape (slices, rows, columns), HU; without it a block of water in air.
    """
    spec = spec or CtSpec()
    values = water_block(spec) if hu is None else hu
    planes = [k for k in range(spec.slices) for _ in range(2 if k in spec.duplicated else 1) if k not in spec.missing]
    if spec.backwards:
        planes.reverse()
    dataset = common_header(spec)
    dataset.SOPClassUID, dataset.SOPInstanceUID = EnhancedCTImageStorage, spec.uid("enhanced")
    del dataset.AcquisitionDate, dataset.AcquisitionTime  # one attribute, Acquisition DateTime, in this object
    _describe_image(dataset, spec, frames=len(planes))
    dataset.SharedFunctionalGroupsSequence = [_shared(spec)]
    dataset.PerFrameFunctionalGroupsSequence = [_frame(spec, k, number) for number, k in enumerate(planes, 1)]
    dataset.PixelData = b"".join(stored(values[k]) for k in planes)
    return with_file_meta(dataset)


def _describe_image(dataset: Dataset, spec: CtSpec, *, frames: int) -> None:
    dataset.ImageType, dataset.InstanceNumber = _FRAME_TYPE, 1
    dataset.AcquisitionNumber, dataset.AcquisitionDateTime = 1, "20260501082000"
    dataset.AcquisitionDuration = 5.0
    dataset.PixelPresentation, dataset.VolumetricProperties = "MONOCHROME", "VOLUME"
    dataset.VolumeBasedCalculationTechnique, dataset.ContentQualification = "NONE", "RESEARCH"
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.PresentationLUTShape, dataset.AcquisitionContextSequence = "IDENTITY", []
    dataset.MultienergyCTAcquisition = "NO"
    pixel_description(dataset, spec)
    dataset.NumberOfFrames = frames
    organisation = Dataset()
    organisation.DimensionOrganizationUID = made_up_uid(spec.study, spec.name, "dimensions")
    dataset.DimensionOrganizationSequence = [organisation]
    index = Dataset()
    index.DimensionOrganizationUID = organisation.DimensionOrganizationUID
    index.DimensionIndexPointer, index.FunctionalGroupPointer = 0x00209057, 0x00209111  # In-Stack Position Number
    index.DimensionDescriptionLabel = "In-Stack Position Number"
    dataset.DimensionIndexSequence = [index]


def _item(**values: object) -> list[Dataset]:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return [item]


def _shared(spec: CtSpec) -> Dataset:
    groups = Dataset()
    groups.PixelMeasuresSequence = _item(
        PixelSpacing=decimal(*spec.spacing_mm[1:]), SliceThickness=decimal(spec.spacing_mm[0])[0]
    )
    groups.PlaneOrientationSequence = _item(ImageOrientationPatient=decimal(*spec.orientation))
    groups.CTImageFrameTypeSequence = _item(
        FrameType=_FRAME_TYPE,
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
    )
    groups.PixelValueTransformationSequence = _item(
        RescaleIntercept=decimal(RESCALE_INTERCEPT)[0], RescaleSlope="1", RescaleType="HU"
    )
    chest = _item(CodeValue="51185008", CodingSchemeDesignator="SCT", CodeMeaning="Chest")
    groups.FrameAnatomySequence = _item(FrameLaterality="U", AnatomicRegionSequence=chest)
    groups.FrameVOILUTSequence = _item(WindowCenter="40", WindowWidth="400")
    groups.CTXRayDetailsSequence = _item(
        KVP=decimal(spec.kvp)[0], FilterType="NONE", FocalSpots=[1.0], FilterMaterial="ALUMINUM"
    )
    groups.CTReconstructionSequence = _item(
        ReconstructionAlgorithm="FILTER_BACK_PROJ",
        ConvolutionKernel="B30f",
        ConvolutionKernelGroup="SOFT_TISSUE",
        ReconstructionDiameter="400",
        ReconstructionAngle=360.0,
        ReconstructionPixelSpacing=list(spec.spacing_mm[1:]),
        ImageFilter="NONE",
    )
    _describe_acquisition(groups, spec)
    return groups


def _describe_acquisition(groups: Dataset, spec: CtSpec) -> None:
    """What an original CT frame must say about the scanner's movement and dose (PS3.3 C.8.15.3)."""
    groups.IrradiationEventIdentificationSequence = _item(IrradiationEventUID=spec.uid("irradiation"))
    groups.CTAcquisitionTypeSequence = _item(AcquisitionType="SPIRAL", ConstantVolumeFlag="NO", FluoroscopyFlag="NO")
    groups.CTAcquisitionDetailsSequence = _item(
        RotationDirection="CW",
        RevolutionTime=0.5,
        SingleCollimationWidth=0.6,
        TotalCollimationWidth=38.4,
        TableHeight="0",
        GantryDetectorTilt=decimal(spec.tilt_deg)[0],
        DataCollectionDiameter="500",
    )
    groups.CTTableDynamicsSequence = _item(TableSpeed=40.0, TableFeedPerRotation=20.0, SpiralPitchFactor=1.0)
    center = [0.0, 0.0, 0.0]
    groups.CTPositionSequence = _item(
        TablePosition=0.0, DataCollectionCenterPatient=center, ReconstructionTargetCenterPatient=center
    )
    groups.CTGeometrySequence = _item(DistanceSourceToDetector=1000.0, DistanceSourceToDataCollectionCenter=570.0)
    groups.CTExposureSequence = _item(
        ExposureTimeInms=500.0,
        XRayTubeCurrentInmA=200.0,
        ExposureInmAs=100.0,
        ExposureModulationType="NONE",
        CTDIvol=5.0,
        CTDIPhantomTypeCodeSequence=_item(
            CodeValue="113691", CodingSchemeDesignator="DCM", CodeMeaning="IEC Body Dosimetry Phantom"
        ),
    )


def _frame(spec: CtSpec, k: int, number: int) -> Dataset:
    groups = Dataset()
    groups.FrameContentSequence = _item(
        StackID="1",
        InStackPositionNumber=k + 1,
        DimensionIndexValues=[k + 1],
        FrameAcquisitionNumber=number,
        FrameReferenceDateTime="20260501082000",
        FrameAcquisitionDateTime="20260501082000",
        FrameAcquisitionDuration=5.0,
    )
    groups.PlanePositionSequence = _item(ImagePositionPatient=decimal(*spec.position(k)))
    return groups
