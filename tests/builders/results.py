"""Results of `ct-bone` on built series, with label maps that one can check by hand."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from node.domain.bone_density import HuBand, MeanDensity
from node.domain.bone_screening import BoneScreening
from node.domain.calibration import CalibrationMethod
from node.domain.confidence import LevelConfidence
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.provenance import IntendedUse, ModelIdentity, Provenance
from node.domain.reasons import Reason, ReasonCode
from node.domain.result import Result
from node.domain.volume import LabelMap, Segment, Structure, UInt8
from tests.builders.ct import CtSpec, ct_affine

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
METHOD = "mean of eroded core 1.0"


def provenance(intended_use: IntendedUse = IntendedUse.RESEARCH, *, code_version: str = "0.1.0") -> Provenance:
    """Where a built result comes from."""
    model = ModelIdentity(name="spine-ct", version="0.1.0", weights_sha256="ab" * 32, intended_use=intended_use)
    return Provenance(
        models=(model,),
        code_version=code_version,
        configuration_sha256="cd" * 32,
        device="cpu",
        started_at=NOON,
        ended_at=NOON + datetime.timedelta(seconds=9),
    )


def boxes(spec: CtSpec, levels: Mapping[VertebralLevel, int]) -> UInt8:
    """Labels with one box a level, each two slices high, from the first slice on.

    Every box has a notch in one corner, so that a mirrored or exchanged axis cannot go unseen.
    """
    labels = np.zeros((spec.slices, spec.rows, spec.columns), dtype=np.uint8)
    for place, value in enumerate(levels.values()):
        k = (2 * place) % (spec.slices - 1)
        labels[k : k + 2, 3 : spec.rows - 5, 2 : spec.columns - 7] = value
        labels[k, 3:5, 2:6] = 0
    return labels


def label_map(spec: CtSpec, levels: Mapping[VertebralLevel, int] | None = None) -> LabelMap:
    """A label map on the grid of the series; by default L1 is 20 and L2 is 21."""
    levels = levels or {VertebralLevel.L1: 20, VertebralLevel.L2: 21}
    return LabelMap(
        labels=boxes(spec, levels),
        affine=ct_affine(spec),
        frame_of_reference=Uid(spec.uid("frame of reference")),
        segments=tuple(
            Segment(value=value, level=level) for level, value in sorted(levels.items(), key=lambda pair: pair[1])
        ),
    )


def core_map(bodies: LabelMap, *, levels: frozenset[VertebralLevel] = frozenset({VertebralLevel.L1})) -> LabelMap:
    """The cores of some bodies, each with its body's value: the body without its outermost column on each side."""
    chosen = tuple(segment for segment in bodies.segments if segment.level in levels)
    inside = np.isin(bodies.labels, [segment.value for segment in chosen])
    inside[..., 1:-1] &= (bodies.labels[..., :-2] > 0) & (bodies.labels[..., 2:] > 0)
    return replace(
        bodies,
        labels=np.where(inside, bodies.labels, 0).astype(np.uint8),
        segments=tuple(replace(segment, structure=Structure.TRABECULAR_CORE) for segment in chosen),
    )


def measured(level: VertebralLevel, *, hu: float, segment_value: int, ordinal: int = 1) -> VertebraFinding:
    """A vertebra with a mean HU, a volume, and a core volume that could not be measured."""
    return VertebraFinding(
        level=level,
        status=Status.ASSESSED,
        ordinal=ordinal,
        level_confidence=LevelConfidence(value=0.9, calibrated=False),
        centroid_lps_mm=(-4.0, -12.0, 102.0),
        segment_value=segment_value,
        measurements=(
            Measurement(
                quantity=Quantity.CORE_MEAN_HU,
                value=hu,
                unit=Unit.HOUNSFIELD,
                site=level,
                method=METHOD,
                standard_uncertainty=3.5,
            ),
            Measurement(
                quantity=Quantity.BODY_VOLUME, value=21000.0, unit=Unit.MM3, site=level, method="voxel count 1.0"
            ),
            NotMeasurable(quantity=Quantity.CORE_VOLUME, site=level, reason=Reason(code=ReasonCode.ROI_TOO_SMALL)),
        ),
    )


def with_density(finding: VertebraFinding, mg_cm3: float) -> VertebraFinding:
    """The same vertebra with a calibrated density whose standard uncertainty is 5 mg/cm3."""
    if finding.level is None:
        raise ValueError("only a vertebra with a level has a density")
    density = Measurement(
        quantity=Quantity.BMD,
        value=mg_cm3,
        unit=Unit.MG_CM3,
        site=finding.level,
        method=f"{METHOD}, calibration QRM spring",
        standard_uncertainty=5.0,
        calibration=CalibrationMethod.ASYNCHRONOUS,
        calibration_name="QRM spring",
    )
    return replace(finding, measurements=(*finding.measurements, density))


def calibrated_findings(l1: float = 70.0, l2: float = 76.0) -> CtBoneFindings:
    """L1 and L2 with densities, mg/cm3."""
    return CtBoneFindings(
        status=Status.ASSESSED,
        vertebrae=(
            with_heights(
                with_density(measured(VertebralLevel.L1, hu=98.0, segment_value=20, ordinal=1), l1), 24.0, 22.5, 26.25
            ),
            with_density(measured(VertebralLevel.L2, hu=101.0, segment_value=21, ordinal=2), l2),
        ),
        screening=BoneScreening(
            hu_band=HuBand.LOW,
            density=MeanDensity(
                value=(l1 + l2) / 2.0,
                standard_uncertainty=5.0,
                calibration=CalibrationMethod.ASYNCHRONOUS,
                calibration_name="QRM spring",
            ),
            levels=(VertebralLevel.L1, VertebralLevel.L2),
        ),
    )


def with_heights(finding: VertebraFinding, *heights_mm: float) -> VertebraFinding:
    """The same vertebra with its height in front, in the middle and behind."""
    if finding.level is None:
        raise ValueError("only a vertebra with a level has heights")
    quantities = (Quantity.ANTERIOR_HEIGHT, Quantity.MIDDLE_HEIGHT, Quantity.POSTERIOR_HEIGHT)
    heights = tuple(
        Measurement(quantity=quantity, value=value, unit=Unit.MM, site=finding.level, method="mid-sagittal 1.0")
        for quantity, value in zip(quantities, heights_mm, strict=True)
    )
    return replace(finding, measurements=(*finding.measurements, *heights))


def not_evaluable(level: VertebralLevel | None, code: ReasonCode, *, ordinal: int = 0) -> VertebraFinding:
    """A vertebra that could not be measured."""
    reason = Reason(code=code, detail="12 mm of it are missing.")
    return VertebraFinding(level=level, status=Status.NOT_EVALUABLE, reasons=(reason,), ordinal=ordinal)


def assessed_findings(hu: float = 98.0) -> CtBoneFindings:
    """L1 measured, L2 cut off, one vertebra of uncertain level."""
    return CtBoneFindings(
        status=Status.ASSESSED,
        vertebrae=(
            not_evaluable(None, ReasonCode.LEVEL_UNCERTAIN, ordinal=3),
            measured(VertebralLevel.L1, hu=hu, segment_value=20, ordinal=4),
            not_evaluable(VertebralLevel.L2, ReasonCode.LEVEL_TRUNCATED, ordinal=5),
        ),
        screening=BoneScreening(hu_band=HuBand.of(hu), levels=(VertebralLevel.L1,)),
        limitations=("Contrast agent raises CT numbers.",),
    )


def assessed_result(
    spec: CtSpec,
    *,
    intended_use: IntendedUse = IntendedUse.RESEARCH,
    labels: LabelMap | None = None,
    findings: CtBoneFindings | None = None,
) -> Result:
    """A result with findings, a label map, and the core of L1 where nobody asks for other labels."""
    return Result(
        study_uid=Uid(spec.study_uid),
        revision=1,
        pipeline="ct-bone",
        series_uid=Uid(spec.uid("series")),
        findings=findings or assessed_findings(),
        label_map=labels or label_map(spec),
        cores=core_map(label_map(spec)) if labels is None else None,
        provenance=provenance(intended_use),
        input_digest="12" * 32,
    )


def not_evaluable_result(spec: CtSpec, code: ReasonCode = ReasonCode.GANTRY_TILT) -> Result:
    """A result that says only why nothing was assessed."""
    return Result(
        study_uid=Uid(spec.study_uid),
        revision=1,
        pipeline="ct-bone",
        series_uid=Uid(spec.uid("series")),
        findings=CtBoneFindings(status=Status.NOT_EVALUABLE, reasons=(Reason(code=code, detail="Tilt 12.0 degrees."),)),
        label_map=None,
        provenance=provenance(),
        input_digest="12" * 32,
    )
