"""One scan of the screening set through everything that the node does with a scan after it was received."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from models.bone import measure_bone
from models.crops import crop_bodies
from models.density import DensityRule
from models.references import read_references
from models.resample import to_network_grid
from models.screening.answer import classify, screening_case
from models.screening.bundle import ScreeningBundle
from models.screening.case import ScreeningCase
from models.withheld import withheld_from_classifier
from node.domain.acquisition import Acquisition
from node.domain.reasons import Reason
from node.domain.selection import NoSuitableSeries, choose_series
from node.sections.arriving import SelectionSettings
from training.evaluation.screening.headers import study_of
from training.evaluation.screening.outcome import ScanOutcome, outcome_of, refused
from training.evaluation.screening.segmented import SegmentedScan

#: Grid on which tissues around the spine are looked for, mm: that of the network that sees the whole scan.
_GRID_MM = (2.5, 2.5, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedScan:
    """What came out, and what a classifier would be shown; `case` is `None` where it would not be asked."""

    outcome: ScanOutcome
    case: ScreeningCase | None


def judge_scan(scan: SegmentedScan, classifier: ScreeningBundle) -> JudgedScan:
    """Selection by the headers, what the networks found, tissues and both answers; with internal calibration."""
    study = study_of(scan)
    choice = choose_series(study, SelectionSettings().rule())
    if isinstance(choice, NoSuitableSeries):
        return JudgedScan(outcome=refused(scan, *(reason.code for reason in choice.reasons)), case=None)
    if isinstance(scan.spine, Reason):
        return JudgedScan(outcome=refused(scan, scan.spine.code), case=None)
    references = read_references(scan.volume, to_network_grid(scan.volume, _GRID_MM), scan.spine.vertebrae)
    crops = replace(crop_bodies(scan.volume, scan.spine), references=references)
    rule = DensityRule(
        acquisition=Acquisition.of(study.series[0]),
        scanners=scan.setting.scanners,
        references=references,
        internal_calibration=True,
    )
    findings = measure_bone(crops, rule, partial(classify, classifier, crops, kvp=rule.acquisition.kvp))
    withheld = withheld_from_classifier(rule, findings.vertebrae)
    if isinstance(withheld, Reason):
        return JudgedScan(outcome=outcome_of(scan, findings), case=None)
    case = screening_case(crops, kvp=rule.acquisition.kvp, unsound=withheld)
    if isinstance(case, Reason):
        return JudgedScan(outcome=outcome_of(scan, findings), case=None)
    return JudgedScan(outcome=replace(outcome_of(scan, findings), is_shown=True), case=case)
