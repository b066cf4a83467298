"""Scans of a manifest, and small files for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK

from models.screening.case import case_to_bytes
from node.domain.bone_category import BoneCategory
from node.domain.levels import VertebralLevel
from tests.builders.screening import case_of
from training.cohort.manifest import Cohort, Scan
from training.screening_fit.casebook import KnownCase

#: CT number of a density in these cases.
HU_PER_MG_CM3 = 1.25


def scan_of(
    density: float = 150.0,
    *,
    patient: str = "p1",
    cohort: Cohort | None = Cohort.TRAINING,
    image: Path = Path("ct.nii"),
    mask: Path | None = None,
) -> Scan:
    """A row of a manifest."""
    return Scan(
        row=2,
        image=image,
        mask=mask,
        patient=patient,
        site="north",
        category=BoneCategory.of(density),
        qct_mg_cm3=density,
        cohort=cohort,
    )


def known_case(density: float, cohort: Cohort, patient: str) -> KnownCase:
    """A case that looks as dense as it is."""
    return KnownCase(
        scan=scan_of(density, patient=patient, cohort=cohort), case=case_of(round(HU_PER_MG_CM3 * density, 1))
    )


def write_case(path: Path, density: float) -> Path:
    """A case file."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(case_to_bytes(case_of(round(HU_PER_MG_CM3 * density, 1))))
    return path


def write_spine(
    folder: Path, *, levels: tuple[VertebralLevel, ...] = (VertebralLevel.L1, VertebralLevel.L2), first_mm: float = 14.0
) -> tuple[Path, Path]:
    """Image and mask of blocks of bone, 30 mm apart from foot to head, in voxels of 2 mm; their paths.

    Parameters
    ----------
    levels
        From head to foot.
    first_mm
        Where the lowest one begins above the lower end of the image.
    """
    hu = np.full((60, 50, 50), 40, dtype=np.int16)
    hu[:, :4] = -1000
    labels = np.zeros(hu.shape, dtype=np.uint8)
    for place, level in enumerate(reversed(levels)):
        start = round((first_mm + 30.0 * place) / 2.0)
        box = (slice(start, start + 12), slice(20, 36), slice(16, 36))
        hu[box], labels[box] = 150, level.number
    paths = folder / "ct.nii.gz", folder / "mask.nii.gz"
    for path, values in zip(paths, (hu, labels), strict=True):
        write_nifti(path, values)
    return paths


def write_nifti(path: Path, values: np.ndarray, origin: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Path:
    """Voxels of 2 mm on the axes of the patient."""
    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing((2.0, 2.0, 2.0))
    image.SetOrigin(origin)
    SimpleITK.WriteImage(image, str(path))
    return path
