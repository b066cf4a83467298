"""Private codes for the reasons why something was not measured. A number that was given once is never given again."""

from __future__ import annotations

from node.domain.measurement import Quantity
from node.domain.reasons import ReasonCode
from node.encode.concepts import Concept, private

REASON = private("EXC000", "Reason not evaluated")

_NUMBERS: dict[ReasonCode, tuple[int, str]] = {
    ReasonCode.MODALITY: (1, "Modality not suitable"),
    ReasonCode.BODY_PART: (2, "Body part not suitable"),
    ReasonCode.DESCRIPTION: (3, "Series description excluded"),
    ReasonCode.LOCALIZER: (4, "Localizer"),
    ReasonCode.DERIVED: (5, "Derived image"),
    ReasonCode.NOT_AXIAL: (6, "Slices not axial"),
    ReasonCode.TOO_FEW_SLICES: (7, "Too few slices"),
    ReasonCode.TOO_MANY_SLICES: (8, "Too many slices"),
    ReasonCode.SLICES_TOO_THICK: (9, "Slices too thick"),
    ReasonCode.COVERAGE_TOO_SHORT: (10, "Coverage too short"),
    ReasonCode.UNKNOWN_FACT: (11, "Required fact missing"),
    ReasonCode.OUTRANKED: (12, "Another series suits better"),
    ReasonCode.OWN_OBJECT: (13, "Object made by this node"),
    ReasonCode.NO_SERIES: (14, "No suitable series"),
    ReasonCode.MIXED_PATIENTS: (15, "More than one patient in the study"),
    ReasonCode.GANTRY_TILT: (16, "Gantry tilted"),
    ReasonCode.MISSING_SLICES: (17, "Slices missing or unevenly spaced"),
    ReasonCode.DUPLICATE_SLICES: (18, "Different slices at one position"),
    ReasonCode.MIXED_ORIENTATIONS: (19, "Mixed orientations"),
    ReasonCode.MIXED_GRIDS: (20, "Mixed image sizes or pixel spacings"),
    ReasonCode.MIXED_FRAMES_OF_REFERENCE: (21, "Mixed frames of reference"),
    ReasonCode.MISSING_GEOMETRY: (22, "Image geometry missing"),
    ReasonCode.NO_PIXEL_DATA: (23, "No pixel data"),
    ReasonCode.UNREADABLE: (24, "Pixel data unreadable"),
    ReasonCode.NOT_HU: (25, "Values are not Hounsfield units"),
    ReasonCode.MIRRORED: (26, "Image mirrored"),
    ReasonCode.VOLUME_TOO_LARGE: (27, "Series too large"),
    ReasonCode.NO_SPINE: (28, "No spine found"),
    ReasonCode.LEVEL_UNCERTAIN: (29, "Vertebral level uncertain"),
    ReasonCode.LEVEL_NOT_COVERED: (30, "Vertebra not in the scan"),
    ReasonCode.LEVEL_TRUNCATED: (31, "Vertebra not completely covered"),
    ReasonCode.ROI_TOO_SMALL: (32, "Measured region too small"),
    ReasonCode.IMPLAUSIBLE_ANATOMY: (33, "Implausible anatomy"),
    ReasonCode.IMPLAUSIBLE_GEOMETRY: (34, "Implausible image geometry"),
    ReasonCode.TUBE_VOLTAGE: (35, "Tube voltage out of range"),
    ReasonCode.CONTRAST_AGENT: (36, "Contrast agent"),
    ReasonCode.NOT_CALIBRATED: (37, "Not calibrated"),
    ReasonCode.SPECTRAL: (38, "Computed from several energies"),
    ReasonCode.IMPLAUSIBLE_DENSITY: (39, "Implausible density"),
    ReasonCode.LEVELS_DISAGREE: (40, "Neighbouring vertebrae disagree"),
    ReasonCode.INTERVAL_TOO_WIDE: (42, "Interval of the density reaches every category"),
    ReasonCode.ANSWERS_DISAGREE: (41, "Measurement and classifier contradict each other"),
    ReasonCode.CLASSIFIER_UNDECIDED: (43, "Classifier undecided: no category of half the probability"),
    ReasonCode.CLASSIFIER_FAILED: (44, "Classifier gave no numbers"),
    ReasonCode.TISSUE_NOT_FOUND: (60, "Reference tissue not found"),
    ReasonCode.ARTERIAL_PHASE: (61, "Arterial phase"),
    ReasonCode.KERNEL_TOO_SHARP: (62, "Kernel too sharp"),
    ReasonCode.FRACTURED: (50, "Vertebra fractured"),
    ReasonCode.METAL: (51, "Metal in or beside the vertebra"),
    ReasonCode.DENSE_MATERIAL: (52, "Cement or dense material in the vertebra"),
    ReasonCode.FOCAL_LESION: (53, "Focal lesion of the vertebra"),
    ReasonCode.MASK_IN_PIECES: (54, "Outline of the vertebra in pieces"),
    ReasonCode.TEXTURE_UNDEFINED: (55, "Texture of the vertebra not defined"),
}

REASON_OF: dict[ReasonCode, Concept] = {
    code: private(f"EXC{number:03d}", meaning) for code, (number, meaning) in _NUMBERS.items()
}

#: Why one quantity of a vertebra that was otherwise measured has no value. highdicom's reader needs a value in every
#: NUM item, so the quantity is left out and this says why, instead of a NUM with a Numeric Value Qualifier.
NOT_MEASURED: dict[Quantity, Concept] = {
    Quantity.CORE_MEAN_HU: private("EXC101", "Reason for no mean CT number of trabecular bone"),
    Quantity.CORE_SD_HU: private("EXC102", "Reason for no CT number deviation of trabecular bone"),
    Quantity.BODY_MEAN_HU: private("EXC103", "Reason for no mean CT number of vertebral body"),
    Quantity.BODY_VOLUME: private("EXC104", "Reason for no volume of vertebral body"),
    Quantity.CORE_VOLUME: private("EXC105", "Reason for no volume of trabecular bone"),
    Quantity.BMD: private("EXC106", "Reason for no bone mineral density of trabecular bone"),
    Quantity.ANTERIOR_HEIGHT: private("EXC107", "Reason for no anterior height of vertebral body"),
    Quantity.MIDDLE_HEIGHT: private("EXC108", "Reason for no middle height of vertebral body"),
    Quantity.POSTERIOR_HEIGHT: private("EXC109", "Reason for no posterior height of vertebral body"),
}
