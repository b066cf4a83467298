"""One scan of the screening set through everything that the node does with a scan after it was received."""

from __future__ import annotations

from dataclasses import replace

from models.bone import measure_bone
from models.crops import crop_bodies
from models.density import DensityRule
from models.references import read_references
from models.resample import to_network_grid
from node.domain.acquisition import Acquisition
from node.domain.reasons import Reason
from node.domain.selection import NoSuitableSeries, choose_series
from node.settings import SelectionSettings
from training.evaluation.screening.headers import study_of
from training.evaluation.screening.outcome import ScanOutcome, outcome_of, refused
from training.evaluation.screening.segmented import SegmentedScan

#: Grid on which tissues around the spine are looked for, mm: that of the network that sees the whole scan.
_GRID_MM = (2.5, 2.5, 2.5)


def judge_scan(scan: SegmentedScan) -> ScanOutcome:
    """Selection by the headers, then what the networks found, then tissues and densities; with internal calibration."""
    study = study_of(scan)
    choice = choose_series(study, SelectionSettings().rule())
    if isinstance(choice, NoSuitableSeries):
        return refused(scan, *(reason.code for reason in choice.reasons))
    if isinstance(scan.spine, Reason):
        return refused(scan, scan.spine.code)
    references = read_references(scan.volume, to_network_grid(scan.volume, _GRID_MM), scan.spine.vertebrae)
    crops = replace(crop_bodies(scan.volume, scan.spine), references=references)
    rule = DensityRule(
        acquisition=Acquisition.of(study.series[0]),
        scanners=scan.setting.scanners,
        references=references,
        internal_calibration=True,
    )
    return outcome_of(scan, measure_bone(crops, rule))
