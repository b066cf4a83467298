"""How the screening classifier is trained."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models.screening.case import FORM, case_to_bytes
from models.screening.network import ARCHITECTURE
from node.domain.bone_category import BoneCategory
from node.domain.errors import InputRejected
from training.cohort.manifest import Cohort, Scan
from training.screening_fit.casebook import KnownCase

#: Rises whenever the same plan would end otherwise: a training by older code is not resumed.
_FORM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """How long, how fast and on what.

    Parameters
    ----------
    work
        Folder for checkpoint and TensorBoard logs; resumed from.
    seed
        Everything random follows from it.
    epochs
        Most passes over the training cohort.
    batch
        Cases a step.
    patience
        Ends after so many epochs in which the validation loss was no better.
    learning_rate
        The largest one.
    """

    work: Path
    seed: int
    epochs: int
    device: torch.device
    batch: int = 16
    patience: int = 15
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch, self.patience) < 1:
            raise InputRejected(
                f"epochs, batch and patience must be at least 1, got {self.epochs}, {self.batch} and {self.patience}"
            )

    @property
    def checkpoint(self) -> Path:
        """File that training resumes from."""
        return self.work / "checkpoint.pt"

    @property
    def logs(self) -> Path:
        """Folder for TensorBoard."""
        return self.work / "tensorboard"

    def identity(self, lessons: Lessons) -> str:
        """What must be the same for a training to go on: the plan, and every case with its truth."""
        digest = hashlib.sha256()
        for known in (*lessons.training, *lessons.validation):
            told = (known.scan.patient, known.scan.category, known.scan.qct_mg_cm3, known.scan.cohort)
            digest.update(repr(told).encode() + case_to_bytes(known.case))
        content = {
            "form": (_FORM, FORM, ARCHITECTURE),
            "seed": self.seed,
            "epochs": self.epochs,
            "batch": self.batch,
            "patience": self.patience,
            "learning_rate": self.learning_rate,
            "cases": digest.hexdigest(),
        }
        return json.dumps(content)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lessons:
    """What is learned from, and what says when to stop.

    Raises
    ------
    InputRejected
        Where one of them is empty, or the training cohort lacks a category.
    """

    training: tuple[KnownCase, ...]
    validation: tuple[KnownCase, ...]

    def __post_init__(self) -> None:
        check_cohorts([known.scan for known in (*self.training, *self.validation)])

    @classmethod
    def of(cls, cases: Sequence[KnownCase]) -> Lessons:
        """The cases of the two cohorts; of others, nothing is looked at."""
        training, validation = (
            tuple(known for known in cases if known.scan.cohort is cohort)
            for cohort in (Cohort.TRAINING, Cohort.VALIDATION)
        )
        return cls(training=training, validation=validation)


def check_cohorts(scans: Sequence[Scan]) -> None:
    """Make sure that there is something to learn from and to stop by; told before scans are read, and of usable ones.

    Raises
    ------
    InputRejected
        Where training or validation is empty, or the training cohort lacks a category.
    """
    counts = Counter(scan.cohort for scan in scans)
    for needed in (Cohort.TRAINING, Cohort.VALIDATION):
        if not counts[needed]:
            told = ", ".join(f"{counts[cohort]} {cohort}" for cohort in Cohort)
            raise InputRejected(
                f"no usable scan is in the cohort {needed}, of {len(scans)}: {told}; give more scans, another share or "
                "seed, or the cohorts in the manifest"
            )
    missing = set(BoneCategory) - {scan.category for scan in scans if scan.cohort is Cohort.TRAINING}
    if missing:
        raise InputRejected(
            f"the training cohort has no usable scan with {', '.join(sorted(missing))}; give more scans, or another "
            "seed"
        )
