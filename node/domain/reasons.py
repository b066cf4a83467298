"""Why something was not measured, not analysed or not chosen: a closed vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    """A coded reason. Its sentence, for people, is in `SENTENCES`."""

    # of a series that was not chosen
    MODALITY = "modality-not-suitable"
    BODY_PART = "body-part-not-suitable"
    DESCRIPTION = "description-excluded"
    LOCALIZER = "localizer"
    DERIVED = "derived-image"
    NOT_AXIAL = "not-axial"
    TOO_FEW_SLICES = "too-few-slices"
    TOO_MANY_SLICES = "too-many-slices"
    SLICES_TOO_THICK = "slices-too-thick"
    COVERAGE_TOO_SHORT = "coverage-too-short"
    UNKNOWN_FACT = "unknown-fact"
    OUTRANKED = "outranked"
    OWN_OBJECT = "own-object"
    NO_SERIES = "no-suitable-series"
    # of a study
    MIXED_PATIENTS = "mixed-patients"
    # of geometry and pixels
    GANTRY_TILT = "gantry-tilt"
    MISSING_SLICES = "missing-slices"
    DUPLICATE_SLICES = "duplicate-slices"
    MIXED_ORIENTATIONS = "mixed-orientations"
    MIXED_GRIDS = "mixed-grids"
    MIXED_FRAMES_OF_REFERENCE = "mixed-frames-of-reference"
    MISSING_GEOMETRY = "missing-geometry"
    NO_PIXEL_DATA = "no-pixel-data"
    UNREADABLE = "unreadable-image"
    NOT_HU = "values-not-in-hu"
    MIRRORED = "mirrored-image"
    VOLUME_TOO_LARGE = "volume-too-large"
    IMPLAUSIBLE_GEOMETRY = "implausible-geometry"
    # of a vertebra
    NO_SPINE = "no-spine-found"
    LEVEL_UNCERTAIN = "level-uncertain"
    LEVEL_NOT_COVERED = "level-not-covered"
    LEVEL_TRUNCATED = "level-not-completely-covered"
    ROI_TOO_SMALL = "region-too-small"
    IMPLAUSIBLE_ANATOMY = "implausible-anatomy"
    FRACTURED = "fractured-vertebra"
    METAL = "metal"
    DENSE_MATERIAL = "cement-or-dense-material"
    FOCAL_LESION = "focal-lesion"
    MASK_IN_PIECES = "outline-in-pieces"
    TEXTURE_UNDEFINED = "texture-undefined"
    # of bone density
    TUBE_VOLTAGE = "tube-voltage-out-of-range"
    CONTRAST_AGENT = "contrast-agent"
    NOT_CALIBRATED = "not-calibrated"
    SPECTRAL = "computed-from-several-energies"
    IMPLAUSIBLE_DENSITY = "implausible-density"
    LEVELS_DISAGREE = "levels-disagree"
    ANSWERS_DISAGREE = "answers-disagree"
    INTERVAL_TOO_WIDE = "interval-too-wide"
    CLASSIFIER_UNDECIDED = "classifier-undecided"
    CLASSIFIER_FAILED = "classifier-without-numbers"
    ARTERIAL_PHASE = "arterial-phase"
    KERNEL_TOO_SHARP = "kernel-too-sharp"
    # of the tissues around the spine
    TISSUE_NOT_FOUND = "reference-tissue-not-found"


#: What each code says to a person.
SENTENCES: dict[ReasonCode, str] = {
    ReasonCode.MODALITY: "The modality is none that this pipeline reads.",
    ReasonCode.BODY_PART: "The body part is none that shows the spine levels this pipeline measures.",
    ReasonCode.DESCRIPTION: "The series description is excluded by the configuration.",
    ReasonCode.LOCALIZER: "The series is a localizer.",
    ReasonCode.DERIVED: "The images are projections, renderings or captures of others.",
    ReasonCode.NOT_AXIAL: "The slices are not axial.",
    ReasonCode.TOO_FEW_SLICES: "The series has too few slices.",
    ReasonCode.TOO_MANY_SLICES: "The series has more slices than the node accepts.",
    ReasonCode.SLICES_TOO_THICK: "The slices are thicker than the limit.",
    ReasonCode.COVERAGE_TOO_SHORT: "The series covers too short a part of the body.",
    ReasonCode.UNKNOWN_FACT: "A fact that the configuration asks for is missing.",
    ReasonCode.OUTRANKED: "Another series of the study suits better.",
    ReasonCode.OWN_OBJECT: "The object was made by this node.",
    ReasonCode.NO_SERIES: "No series of the study suits this pipeline.",
    ReasonCode.MIXED_PATIENTS: "Images of more than one patient arrived under one Study Instance UID.",
    ReasonCode.GANTRY_TILT: "The gantry was tilted, so the slices do not form a right-angled grid.",
    ReasonCode.MISSING_SLICES: "Slices are missing or unevenly spaced.",
    ReasonCode.DUPLICATE_SLICES: "Several different slices lie at the same position.",
    ReasonCode.MIXED_ORIENTATIONS: "The slices do not share one orientation.",
    ReasonCode.MIXED_GRIDS: "The slices do not share one size and pixel spacing.",
    ReasonCode.MIXED_FRAMES_OF_REFERENCE: "The slices do not share one frame of reference.",
    ReasonCode.MISSING_GEOMETRY: "Position, orientation or pixel spacing is missing or unreadable.",
    ReasonCode.NO_PIXEL_DATA: "The images have no pixel data.",
    ReasonCode.UNREADABLE: "The pixel data cannot be read.",
    ReasonCode.NOT_HU: "The values cannot be read as Hounsfield units.",
    ReasonCode.MIRRORED: "The image lies mirrored in its own coordinates.",
    ReasonCode.VOLUME_TOO_LARGE: "The series is larger than the node accepts.",
    ReasonCode.IMPLAUSIBLE_GEOMETRY: "Spacing, position or extent is none that a CT scanner makes.",
    ReasonCode.NO_SPINE: "No spine was found in the images.",
    ReasonCode.LEVEL_UNCERTAIN: "The level of the vertebra is uncertain.",
    ReasonCode.LEVEL_NOT_COVERED: "The vertebra is not in the scan.",
    ReasonCode.LEVEL_TRUNCATED: "The vertebra is not completely covered by the scan.",
    ReasonCode.ROI_TOO_SMALL: "What would be measured is too small.",
    ReasonCode.IMPLAUSIBLE_ANATOMY: "What was found does not look like a spine.",
    ReasonCode.FRACTURED: "The vertebral body has lost height as by a fracture, and reads too dense.",
    ReasonCode.METAL: "Metal lies in the vertebra or beside it.",
    ReasonCode.DENSE_MATERIAL: "Cement, or something as dense, lies in the vertebral body.",
    ReasonCode.FOCAL_LESION: "Part of the trabecular core is unlike the rest, as by a focal lesion.",
    ReasonCode.MASK_IN_PIECES: "The outline of the vertebral body falls into pieces.",
    ReasonCode.TEXTURE_UNDEFINED: "CT numbers of the vertebral body are such that its texture is not defined.",
    ReasonCode.TUBE_VOLTAGE: "CT numbers of bone are assessed at tube voltages of 100 to 140 kV alone.",
    ReasonCode.CONTRAST_AGENT: "Contrast agent raises the CT number of bone.",
    ReasonCode.NOT_CALIBRATED: "No calibration to bone mineral density holds for these images.",
    ReasonCode.SPECTRAL: "The images are computed from several energies, so no tube voltage is theirs.",
    ReasonCode.IMPLAUSIBLE_DENSITY: "The density is none that trabecular bone has.",
    ReasonCode.LEVELS_DISAGREE: "Neighbouring vertebrae differ more than in one person.",
    ReasonCode.ANSWERS_DISAGREE: "The measurement and the classifier contradict each other.",
    ReasonCode.INTERVAL_TOO_WIDE: "The interval of the density reaches every category.",
    ReasonCode.CLASSIFIER_UNDECIDED: "The classifier holds no category as probable as the others together.",
    ReasonCode.CLASSIFIER_FAILED: "The classifier gave no numbers that could be read as probabilities.",
    ReasonCode.ARTERIAL_PHASE: "In the arterial phase contrast agent changes bone by an unknown amount.",
    ReasonCode.KERNEL_TOO_SHARP: "The reconstruction kernel is too sharp for CT numbers of trabecular bone.",
    ReasonCode.TISSUE_NOT_FOUND: "A tissue that tells of the scan was not found.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A coded reason with the facts of the case: what was expected and what came. `detail` carries no identity."""

    code: ReasonCode
    detail: str = ""

    @property
    def text(self) -> str:
        """The sentence of the code, then the facts of the case."""
        return f"{SENTENCES[self.code]} {self.detail}".rstrip()
