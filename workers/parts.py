"""What the GPU tasks work with, built once in every worker process."""

from __future__ import annotations

from dataclasses import dataclass, field

from node.domain.calibration import CalibratedScanner
from node.domain.networks import ClassifierChoice, SpineChoice
from node.domain.ports import ArtefactStore, Clock, LeasedRunner, StudyReader, SystemClock, WorkLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerParts:
    """The adapters and values that wiring chooses for a GPU worker.

    Parameters
    ----------
    runner
        The door of every task.
    device
        `cpu`, `cuda` or `cuda:N`; never another than this.
    threads
        CPU threads for reading files and for the network; 0 takes as many as the process may use cores.
    networks
        Which find vertebrae.
    classifier
        Which gives a second answer; `None` for none.
    calibrations
        What the site has measured on its scanners.
    internal_calibration
        Whether the patient's own tissues may calibrate a scan for which none of these holds.
    code_version, configuration_sha256
        Provenance of what the worker finds.
    """

    runner: LeasedRunner
    reader: StudyReader
    artefacts: ArtefactStore
    ledger: WorkLedger
    device: str
    threads: int
    networks: SpineChoice
    classifier: ClassifierChoice | None
    calibrations: tuple[CalibratedScanner, ...]
    internal_calibration: bool
    code_version: str
    configuration_sha256: str
    clock: Clock = field(default_factory=SystemClock)
