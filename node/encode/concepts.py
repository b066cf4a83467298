"""Every coded concept that the node writes, each with where its code comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from highdicom.sr import CodedConcept
from pydicom.sr.coding import Code

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand
from node.domain.calibration import CalibrationMethod
from node.domain.classifier import ClassifierMethod
from node.domain.contrast import ContrastPhase
from node.domain.finding import Status
from node.domain.height_loss import Deformity, GenantGrade
from node.domain.levels import VertebralLevel
from node.domain.provenance import IntendedUse

PRIVATE_SCHEME = "99OSTEONODE"
PRIVATE_SCHEME_NAME = "OsteoNode private codes"
PRIVATE_SCHEME_VERSION = "1"
PRIVATE_SCHEME_ORGANIZATION = "OsteoNode"


class Origin(StrEnum):
    """Where a code was verified."""

    DICOM = "the dictionaries of PS3.16, as in pydicom 3.0.2"
    DICOM_TEMPLATE = "PS3.16, in a template's own table: pydicom 3.0.2's dictionary does not have it"
    PUBLIC = "public nomenclature files that agree; not in PS3.16's dictionary"
    PRIVATE = "this project; no standard code was found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A code and where it comes from."""

    code: Code
    origin: Origin

    @property
    def coded(self) -> CodedConcept:
        """The concept as an item of a data set. One for all that name it, so it must not be changed."""
        return _coded(*self.code[:3])


class _Coded(CodedConcept):
    """highdicom sorts all content by its concepts, and reads a concept's attributes anew each time."""

    def __init__(self, value: str, scheme: str, meaning: str) -> None:
        super().__init__(value, scheme, meaning)
        self._hash = hash(scheme + value)

    def __hash__(self) -> int:
        return self._hash


@cache
def _coded(value: str, scheme: str, meaning: str) -> CodedConcept:
    return _Coded(value, scheme, meaning)


def dicom(scheme: str, value: str, meaning: str) -> Concept:
    """A concept that PS3.16 has."""
    return Concept(code=Code(value, scheme, meaning), origin=Origin.DICOM)


def private(value: str, meaning: str) -> Concept:
    """A concept of the project's own scheme."""
    return Concept(code=Code(value, PRIVATE_SCHEME, meaning), origin=Origin.PRIVATE)


# Anatomy
ANATOMICAL_STRUCTURE = dicom("SCT", "91723000", "Anatomical Structure")
VERTEBRA = dicom("SCT", "51282000", "Vertebra")
SPINE = dicom("SCT", "421060004", "Spine")
THORACIC_SPINE = dicom("SCT", "122495006", "Thoracic spine")
LUMBAR_SPINE = dicom("SCT", "122496007", "Lumbar spine")
#: Three radiotherapy nomenclature files (TG-263 mappings) agree on it.
VERTEBRAL_BODY = Concept(code=Code("3572006", "SCT", "Structure of body of vertebra"), origin=Origin.PUBLIC)
TRABECULAR_CORE = private("SEG001", "Trabecular bone region of vertebral body")

VERTEBRA_OF: dict[VertebralLevel, Concept] = {
    **{
        VertebralLevel(level): dicom("SCT", value, f"{level} vertebra")
        for level, value in {
            "T1": "64864005",
            "T2": "53733008",
            "T3": "1626008",
            "T4": "73071006",
            "T5": "56401006",
            "T6": "45296009",
            "T7": "62487009",
            "T8": "11068009",
            "T9": "82687006",
            "T10": "7610001",
            "T11": "12989004",
            "T12": "23215003",
            "L1": "66794005",
            "L2": "14293000",
            "L3": "36470004",
            "L4": "11994002",
            "L5": "49668003",
        }.items()
    },
    # transitional vertebrae have no code in PS3.16
    VertebralLevel.L6: private("SEG002", "L6 vertebra"),
    VertebralLevel.T13: private("SEG003", "T13 vertebra"),
}


def vertebra(level: VertebralLevel | None) -> Concept:
    """The vertebra of a level, or any vertebra where the level is uncertain."""
    return VERTEBRA if level is None else VERTEBRA_OF[level]


def spine_region(level: VertebralLevel | None) -> Concept:
    """The part of the spine that a level belongs to."""
    if level is None:
        return SPINE
    return THORACIC_SPINE if level.is_thoracic else LUMBAR_SPINE


# Measurements
ATTENUATION = dicom("DCM", "112031", "Attenuation Coefficient")
VOLUME = dicom("SCT", "118565006", "Volume")
HEIGHT = dicom("DCM", "121207", "Height")
ANTERIOR = dicom("SCT", "255549009", "Anterior")
MIDDLE = dicom("NCIt", "C25569", "Middle")
POSTERIOR = dicom("SCT", "255551008", "Posterior")
MEAN = dicom("SCT", "373098007", "Mean")
STANDARD_DEVIATION = dicom("SCT", "386136009", "Standard Deviation")
HOUNSFIELD_UNIT = dicom("UCUM", "[hnsf'U]", "Hounsfield unit")
CUBIC_MILLIMETER = dicom("UCUM", "mm3", "cubic millimeter")
MILLIMETER = dicom("UCUM", "mm", "mm")
MILLIGRAM_PER_CUBIC_CENTIMETER = dicom("UCUM", "mg/cm3", "mg/cm^3")
NO_UNITS = dicom("UCUM", "1", "no units")
PERCENT = dicom("UCUM", "%", "Percent")
BONE_MINERAL_DENSITY = private("BMD001", "Volumetric trabecular bone mineral density (CT, estimated)")
STANDARD_UNCERTAINTY = private("MEA001", "Standard uncertainty of the measurement")
LEVEL_SCORE = private("MEA002", "Level score, 0 to 1, not a calibrated probability")
LEVEL_PROBABILITY = private("MEA003", "Level probability, 0 to 1, calibrated on synthetic scans")

# Structure of the documents
ARTIFICIAL_INTELLIGENCE = dicom("DCM", "123110", "Artificial Intelligence")
SOURCE_IMAGE = dicom("DCM", "121322", "Source image for image processing operation")
SEGMENTATION = dicom("DCM", "113076", "Segmentation")
FINDING = dicom("SCT", "404684003", "Finding")
COMMENT = dicom("DCM", "121106", "Comment")
DEVICE = dicom("DCM", "121007", "Device")
OF_INTEREST = dicom("DCM", "113000", "Of Interest")
IMAGING_MEASUREMENTS = dicom("DCM", "126010", "Imaging Measurements")
IMAGE_LIBRARY = dicom("DCM", "111028", "Image Library")
IMAGE_LIBRARY_GROUP = dicom("DCM", "126200", "Image Library Group")
QUALITATIVE_EVALUATIONS = Concept(
    code=Code("C0034375", "UMLS", "Qualitative Evaluations"), origin=Origin.DICOM_TEMPLATE
)
ACTIONABLE_FINDING_3 = dicom("RADLEX", "RID49482", "ACR Category 3 Actionable Finding")

# Image library (TID 1602 and 1604)
MODALITY = dicom("DCM", "121139", "Modality")
FRAME_OF_REFERENCE = dicom("DCM", "112227", "Frame of Reference UID")
PIXEL_ROWS = dicom("DCM", "110910", "Pixel Data Rows")
PIXEL_COLUMNS = dicom("DCM", "110911", "Pixel Data Columns")
HORIZONTAL_SPACING = dicom("DCM", "111026", "Horizontal Pixel Spacing")
VERTICAL_SPACING = dicom("DCM", "111066", "Vertical Pixel Spacing")
SLICE_THICKNESS = dicom("DCM", "112225", "Slice Thickness")
IMAGE_ORIENTATION = (
    dicom("DCM", "110904", "Image Orientation (Patient) Row X"),
    dicom("DCM", "110905", "Image Orientation (Patient) Row Y"),
    dicom("DCM", "110906", "Image Orientation (Patient) Row Z"),
    dicom("DCM", "110907", "Image Orientation (Patient) Column X"),
    dicom("DCM", "110908", "Image Orientation (Patient) Column Y"),
    dicom("DCM", "110909", "Image Orientation (Patient) Column Z"),
)
PIXELS = Concept(code=Code("{pixels}", "UCUM", "Pixels"), origin=Origin.DICOM_TEMPLATE)
COSINE = Concept(code=Code("{-1:1}", "UCUM", "{-1:1}"), origin=Origin.DICOM_TEMPLATE)

_MODALITIES = {
    "CT": dicom("DCM", "CT", "Computed Tomography"),
    "MR": dicom("DCM", "MR", "Magnetic Resonance"),
    "PT": dicom("DCM", "PT", "Positron emission tomography"),
    "CR": dicom("DCM", "CR", "Computed Radiography"),
    "DX": dicom("DCM", "DX", "Digital Radiography"),
    "US": dicom("DCM", "US", "Ultrasound"),
    "NM": dicom("DCM", "NM", "Nuclear Medicine"),
    "XA": dicom("DCM", "XA", "X-Ray Angiography"),
    "MG": dicom("DCM", "MG", "Mammography"),
}
_OTHER_MODALITY = dicom("DCM", "OT", "Other Modality")


def modality(value: str) -> Concept:
    """The coded modality of Modality (0008,0060)."""
    return _MODALITIES.get(value, _OTHER_MODALITY)


# Procedure reported (CID 7000), by Body Part Examined (0018,0015)
_CT_REPORT = dicom("LN", "25045-6", "CT Report")
_CT_CHEST_REPORT = dicom("LN", "24627-2", "CT Chest Report")
_CT_ABDOMEN_REPORT = dicom("LN", "41806-1", "CT Abdomen Report")
_REPORTS = {"CHEST": _CT_CHEST_REPORT, "THORAX": _CT_CHEST_REPORT, "ABDOMEN": _CT_ABDOMEN_REPORT}


def procedure_reported(body_part: str) -> Concept:
    """The kind of report that a scan of a body part gives."""
    return _REPORTS.get(body_part.strip().upper(), _CT_REPORT)


# Bone density
BMD_CATEGORY = private("BMD002", "Opportunistic BMD category")
BMD_CATEGORY_OF: dict[BoneCategory, Concept] = {
    BoneCategory.NORMAL: private("BMD010", "Normal: above 120 mg/cm3"),
    BoneCategory.OSTEOPENIA: private("BMD011", "Low bone mass (osteopenia range): 80 to 120 mg/cm3"),
    BoneCategory.OSTEOPOROSIS: private("BMD012", "Osteoporosis range: below 80 mg/cm3"),
}
BMD_INDETERMINATE = private("BMD013", "Indeterminate: no category can be told")
BMD_CATEGORY_ALSO_POSSIBLE = private("BMD014", "Other BMD category that the 95 % interval reaches")
CLASSIFIER_CATEGORY = private("BMD030", "Bone density category by classifier")
CLASSIFIER_METHOD = private("BMD031", "Vertebrae that the classifier saw")
CLASSIFIER_METHOD_OF: dict[ClassifierMethod, Concept] = {
    ClassifierMethod.L1_L2: private("BMD032", "L1 and L2, features fused"),
    ClassifierMethod.L1: private("BMD033", "L1 alone"),
}
CLASS_PROBABILITY_OF: dict[BoneCategory, Concept] = {
    BoneCategory.NORMAL: private("BMD040", "Probability of normal bone density, 0 to 1, calibrated"),
    BoneCategory.OSTEOPENIA: private("BMD041", "Probability of osteopenia, 0 to 1, calibrated"),
    BoneCategory.OSTEOPOROSIS: private("BMD042", "Probability of osteoporosis, 0 to 1, calibrated"),
}
CLASS_SCORE_OF: dict[BoneCategory, Concept] = {
    BoneCategory.NORMAL: private("BMD050", "Score of normal bone density, 0 to 1, not a probability"),
    BoneCategory.OSTEOPENIA: private("BMD051", "Score of osteopenia, 0 to 1, not a probability"),
    BoneCategory.OSTEOPOROSIS: private("BMD052", "Score of osteoporosis, 0 to 1, not a probability"),
}
CALIBRATION_METHOD = private("BMD020", "Calibration method")
CALIBRATION_METHOD_OF: dict[CalibrationMethod, Concept] = {
    CalibrationMethod.PHANTOM: private("BMD021", "Phantom in the same scan"),
    CalibrationMethod.ASYNCHRONOUS: private("BMD022", "Asynchronous, specific to the scanner"),
    CalibrationMethod.INTERNAL: private("BMD023", "Internal, by the patient's tissues"),
}
UNCALIBRATED_NUMBERS = private("BMD024", "None: CT numbers as they are, uncalibrated")

# Contrast agent: PS3.16 has the name of the question, and for an answer no code that its dictionary holds
CONTRAST_PHASE = dicom("DCM", "109058", "Contrast Phase")
CONTRAST_PHASE_OF: dict[ContrastPhase, Concept] = {
    ContrastPhase.NATIVE: private("CON010", "Native: no contrast agent in the aorta"),
    ContrastPhase.VENOUS: private("CON011", "Venous: aorta as bright as in the portal venous phase or later"),
    ContrastPhase.ARTERIAL: private("CON012", "Arterial: aorta brighter than in the portal venous phase"),
    ContrastPhase.UNKNOWN: private("CON013", "Unknown: not told by headers and aorta"),
}

# Height loss
HEIGHT_LOSS = private("HTL001", "Height loss of the vertebral body, share of the expected height")
DEFORMITY = private("HTL010", "Where most height is lost")
DEFORMITY_OF: dict[Deformity, Concept] = {
    Deformity.WEDGE: private("HTL011", "In front (wedge)"),
    Deformity.BICONCAVE: private("HTL012", "In the middle (biconcave)"),
    Deformity.CRUSH: private("HTL013", "Everywhere (crush)"),
}
GENANT_GRADE = private("HTL020", "Genant grade, measured")
GENANT_GRADE_ALSO_POSSIBLE = private("HTL021", "Other Genant grade within one standard uncertainty")
GENANT_GRADE_OF: dict[GenantGrade, Concept] = {
    GenantGrade.NORMAL: private("HTL030", "Grade 0, normal: below 20 %"),
    GenantGrade.MILD: private("HTL031", "Grade 1, mild: 20 to 25 %"),
    GenantGrade.MODERATE: private("HTL032", "Grade 2, moderate: 25 to 40 %"),
    GenantGrade.SEVERE: private("HTL033", "Grade 3, severe: 40 % and more"),
}

# Statements without a standard code
SCREENING = private("SCR001", "Opportunistic bone screening")
OFFERED_INSTEAD = private("SCR002", "Nearest measured vertebra where L1 is not measured")
STATUS = private("STA001", "Assessment status")
STATUS_OF: dict[Status, Concept] = {
    Status.ASSESSED: private("STA010", "Assessed"),
    Status.NOT_EVALUABLE: private("STA011", "Not evaluable"),
    Status.FAILED: private("STA012", "Analysis failed"),
}
INTENDED_USE = private("USE001", "Intended use")
INTENDED_USE_OF: dict[IntendedUse, Concept] = {
    IntendedUse.RESEARCH: private("USE010", "Research, not for diagnosis"),
    IntendedUse.CLINICAL: private("USE011", "Clinical"),
}
HU_BAND = private("HUB001", "CT number band of L1 trabecular bone, uncalibrated")
HU_BAND_OF: dict[HuBand, Concept] = {
    HuBand.LOW: private("HUB010", "Low: below 110 HU, uncalibrated"),
    HuBand.INDETERMINATE: private("HUB011", "Indeterminate: 110 to 160 HU, uncalibrated"),
    HuBand.HIGH: private("HUB012", "High: above 160 HU, uncalibrated"),
}
