"""`result.json` as types: what stands in it, and nothing else (schema 1)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand
from node.domain.bone_screening import CategoryMethod
from node.domain.calibration import CalibrationMethod
from node.domain.classifier import ClassifierMethod
from node.domain.contrast import ContrastPhase
from node.domain.finding import Status
from node.domain.height_loss import Deformity
from node.domain.levels import VertebralLevel
from node.domain.provenance import IntendedUse
from node.domain.reasons import ReasonCode
from node.domain.study import Priority

SCHEMA_VERSION: Literal["1"] = "1"
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]
FractureClass = Literal["compression", "burst", "acute", "chronic", "pathological"]


class _Part(BaseModel):
    """A part of the document: unknown keys are errors, and nothing changes once it is built."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class ReasonPart(_Part):
    """Why something was not evaluated: a code, and a sentence with the facts of the case."""

    code: ReasonCode
    text: str


class Bmd(_Part):
    """A calibrated bone mineral density in mg/cm3, with its 95 % interval; `calibration_name` is the site's own."""

    value_mg_cm3: float
    interval_95: tuple[float, float]
    calibration: CalibrationMethod
    calibration_name: str | None = None


class Heights(_Part):
    """Heights of a vertebral body, mm; `standard_uncertainty` of the three in their order."""

    anterior: float
    middle: float
    posterior: float
    standard_uncertainty: tuple[float, float, float] | None = None


class HeightLossPart(_Part):
    """Loss of the height that neighbours and shape let expect, percent; `genant_also` are other grades as possible."""

    percent: float
    standard_uncertainty: Annotated[float, Field(gt=0.0)]
    deformity: Deformity
    genant_also: tuple[Annotated[int, Field(ge=0, le=3)], ...] = ()


class VertebraPart(_Part):
    """One vertebra. `level` is null where it is uncertain; CT numbers are in HU, `centroid_lps_mm` is the body's."""

    level: VertebralLevel | None
    status: Status
    reasons: tuple[ReasonPart, ...]
    level_confidence: Probability | None = None
    level_confidence_kind: Literal["probability", "score"] | None = None
    centroid_lps_mm: tuple[float, float, float] | None = None
    mean_hu: float | None = None
    mean_hu_standard_uncertainty: Annotated[float, Field(ge=0.0)] | None = None
    roi: Literal["trabecular-core"] | None = None
    body_mean_hu: float | None = None
    volume_mm3: Annotated[float, Field(gt=0.0)] | None = None
    bmd: Bmd | None = None
    heights_mm: Heights | None = None
    genant: Annotated[int, Field(ge=0, le=3)] | None = None
    height_loss: HeightLossPart | None = None


class TissuePart(_Part):
    """CT numbers of one tissue near the spine, or the reason why there are none."""

    mean_hu: float | None = None
    sd_hu: Annotated[float, Field(ge=0.0)] | None = None
    volume_mm3: Annotated[float, Field(gt=0.0)] | None = None
    reason: ReasonPart | None = None


class NoisePart(_Part):
    """Noise of the slices, and the mean spatial frequency of its power, or the reason why it was not measured."""

    sd_hu: Annotated[float, Field(ge=0.0)] | None = None
    frequency_per_mm: Annotated[float, Field(gt=0.0)] | None = None
    reason: ReasonPart | None = None


class ReferencesPart(_Part):
    """What tissues around the spine read: of the scanner and of contrast agent, not of bone."""

    air: TissuePart
    fat: TissuePart
    muscle: TissuePart
    blood: TissuePart
    noise: NoisePart


class ClassifierPart(_Part):
    """What the classifier says; `kind` is what its numbers are called: they are scores unless they were calibrated.

    `category` is indeterminate where none has half of the probability.
    """

    category: BoneCategory | Literal["indeterminate"]
    method: ClassifierMethod
    levels: tuple[VertebralLevel, ...]
    kind: Literal["probability", "score"]
    probabilities: dict[BoneCategory, Probability]
    model: str


class ScreeningPart(_Part):
    """What the levels say together: `hu_band` uncalibrated, `category` from a calibration or a classifier only.

    `bmd` is the mean of `levels`, and `category_also` are other categories that its interval reaches. `category` is
    indeterminate where measurement and classifier contradict each other, where two vertebrae do, where the density
    alone leaves every category open, and where the classifier that is left is undecided; the reasons of the pipeline
    say which.
    """

    hu_band: HuBand | None = None
    category: BoneCategory | Literal["indeterminate"] | None = None
    category_also: tuple[BoneCategory, ...] = ()
    calibration: CalibrationMethod | Literal["uncalibrated"] | None = None
    method: CategoryMethod | None = None
    bmd: Bmd | None = None
    classifier: ClassifierPart | None = None
    levels: tuple[VertebralLevel, ...]


class Effect(_Part):
    """How much one feature moved a verdict."""

    feature: str
    effect: float


class FracturePart(_Part):
    """One fractured vertebra."""

    level: VertebralLevel
    class_: Annotated[FractureClass, Field(alias="class")]
    probabilities: dict[FractureClass, Probability] | None = None
    genant: Annotated[int, Field(ge=0, le=3)] | None = None
    model: str | None = None
    explanation: tuple[Effect, ...] | None = None


class TriagePart(_Part):
    """How soon the study should be read, and why."""

    priority: Literal[Priority.URGENT, Priority.ROUTINE]
    because: tuple[str, ...]


class PipelinePart(_Part):
    """What one pipeline found; `series_uid` is null where no series suited it."""

    name: Literal["ct-bone", "xr-fracture"]
    series_uid: str | None
    status: Status
    reasons: tuple[ReasonPart, ...]
    vertebrae: tuple[VertebraPart, ...]
    screening: ScreeningPart | None = None
    contrast: ContrastPhase | None = None
    references: ReferencesPart | None = None
    offered_level: VertebralLevel | None = None
    limitations: tuple[str, ...] = ()
    fractures: tuple[FracturePart, ...] | None = None
    triage: TriagePart


class ObjectPart(_Part):
    """One DICOM object; `file` is its name in the folder of this document."""

    kind: Literal["SEG", "SR", "KOS", "PR", "PDF", "SC"]
    sop_instance_uid: str
    file: str


class Timing(_Part):
    """Seconds by phase."""

    receive: Seconds | None = None
    wait: Seconds | None = None
    load: Seconds | None = None
    segment: Seconds | None = None
    measure: Seconds | None = None
    classify: Seconds | None = None
    encode: Seconds | None = None
    deliver: Seconds | None = None


class ResultDocument(_Part):
    """The result of a study. A key that has nothing to say is absent or null, never 0."""

    schema_: Annotated[Literal["1"], Field(alias="schema")]
    study_uid: str
    revision: Annotated[int, Field(ge=1)]
    status: Status
    reasons: tuple[ReasonPart, ...]
    intended_use: IntendedUse
    pipelines: tuple[PipelinePart, ...]
    objects: tuple[ObjectPart, ...]
    timing_s: Timing
