"""The picture of a measurement as a Secondary Capture image: every viewer shows it."""

from __future__ import annotations

import io

import numpy as np
from highdicom.sc import SCImage
from PIL import Image
from pydicom import Dataset

from node.domain.mark import MANUFACTURER
from node.domain.outgoing import ObjectKind
from node.domain.result import Result
from node.encode.algorithm import notices
from node.encode.context import EncodingContext, Names
from node.encode.identity import site_time
from node.encode.sources import Sources

_DERIVATION = "Outlines of vertebral bodies and trabecular cores, and what was measured in them, drawn into the scan."


def encode_secondary_capture(result: Result, picture: bytes, sources: Sources, *, context: EncodingContext) -> Dataset:
    """The image of a picture.

    Nothing in its pixels says who the patient is, and no panel shows a face; what was measured stands in them.

    Parameters
    ----------
    picture
        PNG in colours.
    """
    names = Names.of(result, sources.header, context)
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    image: Dataset = SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        study_instance_uid=result.study_uid,
        series_instance_uid=names.series_uid(ObjectKind.SC),
        series_number=names.series_number(ObjectKind.SC),
        sop_instance_uid=names.instance_uid(ObjectKind.SC),
        instance_number=1,
        manufacturer=MANUFACTURER,
    )
    image["PixelData"].VR = "OB"  # eight bits a sample (PS3.5 A.2); highdicom leaves it to the writer
    image.BodyPartExamined = "SPINE"
    image.PatientOrientation = None  # its panels look from different sides
    image.ConversionType = "WSD"  # PS3.3 C.8.6.1: highdicom says that a digital interface was used
    image.BurnedInAnnotation = "NO"
    image.RecognizableVisualFeatures = "NO"
    image.DerivationDescription = " ".join((_DERIVATION, *notices(result.provenance)))
    now = site_time(sources.header, context.now)
    image.DateOfSecondaryCapture, image.TimeOfSecondaryCapture = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    return image
