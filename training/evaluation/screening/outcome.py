"""What came out for one scan of the screening set, beside what is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer

from node.domain.bone_category import BoneCategory
from node.domain.calibration import CalibrationMethod
from node.domain.finding import CtBoneFindings, VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.reasons import ReasonCode
from training.evaluation.screening.segmented import SegmentedScan
from training.heldout.screening.scan import MEASURED
from training.heldout.screening.spec import ScreeningSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreOutcome:
    """The core of one vertebra: CT number as measured and as true, HU."""

    level: VertebralLevel
    hu: float
    true_hu: float

    @property
    def error_hu(self) -> float:
        """Measured less true."""
        return self.hu - self.true_hu


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityOutcome:
    """The mean density of L1 and L2 as measured, mg/cm3.

    Parameters
    ----------
    interval_95
        As the report states it.
    """

    mg_cm3: float
    interval_95: tuple[float, float]
    method: CalibrationMethod

    def covers(self, true_mg_cm3: float) -> bool:
        """Whether the stated interval holds the truth."""
        low, high = self.interval_95
        return low <= true_mg_cm3 <= high


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutcome:
    """One scan.

    Parameters
    ----------
    cores
        Of L1 and L2, as far as they were measured.
    true_mg_cm3
        Mean density of L1 and L2; `None` where one of them is not in view.
    density
        `None` where the report has none of L1 and L2.
    is_shown
        Whether a classifier may see its L1.
    refusals
        Codes of all reasons in the report: of the scan, and of L1 and L2.
    category
        As the report states it; `None` where there is none.
    indeterminate
        Why there is none although something was measured or answered; `None` where nothing was, or there is one.
    by_density
        The category that the density alone would have given; `None` where there is none, or its interval is too wide.
    """

    spec: ScreeningSpec
    true_mg_cm3: float | None
    cores: tuple[CoreOutcome, ...]
    density: DensityOutcome | None
    refusals: Annotated[frozenset[ReasonCode], PlainSerializer(sorted)]  # the same outcomes are the same file
    is_shown: bool = False
    category: BoneCategory | None = None
    indeterminate: ReasonCode | None = None
    by_density: BoneCategory | None = None

    @property
    def true_category(self) -> BoneCategory | None:
        """By the true mean density."""
        return None if self.true_mg_cm3 is None else BoneCategory.of(self.true_mg_cm3)


def refused(scan: SegmentedScan, *codes: ReasonCode) -> ScanOutcome:
    """The outcome of a scan that was refused before anything was measured."""
    spec = scan.setting.spec
    return ScanOutcome(spec=spec, true_mg_cm3=_truth(scan), cores=(), density=None, refusals=frozenset(codes))


def outcome_of(scan: SegmentedScan, findings: CtBoneFindings) -> ScanOutcome:
    """What findings say of a scan."""
    asked = [vertebra for vertebra in findings.vertebrae if vertebra.level in MEASURED]
    screening = findings.screening
    indeterminate = None if screening is None else screening.indeterminate
    density = None if screening is None else screening.density
    return ScanOutcome(
        spec=scan.setting.spec,
        true_mg_cm3=_truth(scan),
        cores=tuple(_cores(scan, asked)),
        density=_density(findings),
        refusals=frozenset(
            reason.code
            for reasons in (findings.reasons, *(vertebra.reasons for vertebra in asked))
            for reason in reasons
        ),
        category=None if screening is None else screening.category,
        indeterminate=None if indeterminate is None else indeterminate.code,
        by_density=density.category if density is not None and density.is_decisive else None,
    )


def _truth(scan: SegmentedScan) -> float | None:
    if set(scan.core_hu) != set(MEASURED):
        return None
    return sum(scan.setting.density(hu) for hu in scan.core_hu.values()) / len(MEASURED)


def _cores(scan: SegmentedScan, vertebrae: list[VertebraFinding]) -> Iterator[CoreOutcome]:
    for vertebra in vertebrae:
        hu = vertebra.value(Quantity.CORE_MEAN_HU)
        if hu is not None and vertebra.level is not None and vertebra.level in scan.core_hu:
            yield CoreOutcome(level=vertebra.level, hu=hu, true_hu=scan.core_hu[vertebra.level])


def _density(findings: CtBoneFindings) -> DensityOutcome | None:
    screening = findings.screening
    if screening is None or screening.density is None or screening.levels != MEASURED:
        return None
    density = screening.density
    return DensityOutcome(mg_cm3=density.value, interval_95=density.interval_95, method=density.calibration)
