"""A few synthetic scans with a manifest: data to try a training on, which nothing may be concluded from."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from node.domain.errors import ConfigurationError
from node.domain.levels import VertebralLevel
from training.cohort.manifest import Cohort, Sex
from training.phantom.chest import make_chest_ct
from training.phantom.spec import PhantomSpec
from training.phantom.study import write_image, write_labels

MANIFEST = "data.csv"

#: Every five scans have these cohorts: three to learn from.
_COHORTS = (Cohort.TRAINING, Cohort.VALIDATION, Cohort.TRAINING, Cohort.TEST, Cohort.TRAINING)

#: Densities run from osteoporosis to normal, mg/cm3, and the CT number of a density at 120 kV is so many HU for each
#: mg/cm3: within what is published (0.7 to 1.0 mg/cm3 a HU).
_LEAST_MG_CM3, _MOST_MG_CM3, _HU_PER_MG_CM3 = 20.0, 200.0, 1.25

_COLUMNS = (
    "image",
    "mask",
    "patient",
    "site",
    "qct_mg_cm3",
    "sex",
    "age",
    "scanner",
    "kvp",
    "contrast",
    "cohort",
    "synthetic",
)


def write_cohort(
    folder: Path, *, scans: int, seed: int, progress: Callable[[float], None] = lambda share: None
) -> Path:
    """Draw scans of T12 to L2 with their true masks as NIfTI, and write a manifest of them, which is returned.

    Raises
    ------
    ConfigurationError
        Where the folder has a manifest already.
    """
    manifest = folder / MANIFEST
    if manifest.exists():
        raise ConfigurationError(f"{manifest} is there already; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, density in enumerate(np.linspace(_LEAST_MG_CM3, _MOST_MG_CM3, scans).tolist()):
        rows.append(_write_scan(folder, number, density, seed + number))
        progress((number + 1) / scans)
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(rows)
    return manifest


def _write_scan(folder: Path, number: int, density: float, seed: int) -> tuple[str, ...]:
    """Write one scan; its row of the manifest."""
    spec = PhantomSpec(
        seed=seed,
        trabecular_hu=_HU_PER_MG_CM3 * density,
        slice_mm=3.0,
        size=160,
        first=VertebralLevel.T12,
        last=VertebralLevel.L2,
    )
    made = make_chest_ct(spec)
    name = f"scan-{number:03d}"
    write_image(made, folder / f"{name}.nii.gz")
    write_labels(made, folder / f"{name}-mask.nii.gz")
    sex, site = ((Sex.FEMALE, "north"), (Sex.MALE, "south"))[number % 2]
    cohort = _COHORTS[number % len(_COHORTS)]
    age = round(85.0 - 0.2 * density)
    return (
        *(f"{name}.nii.gz", f"{name}-mask.nii.gz", f"phantom-{number:03d}", site, f"{density:.1f}", sex),
        *(str(age), "Synthetic Phantom", f"{spec.kvp:g}", "no", cohort, "yes"),
    )
