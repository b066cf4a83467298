"""A CT with the true bodies of its vertebrae, from files that any program can write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom

from node.domain.errors import InputRejected
from node.domain.levels import VertebralLevel
from node.domain.volume import UInt8, Volume
from training.dicom_series import MANUFACTURER, TRUTH_FILE
from training.evaluation.seg_mask import read_segmentation
from training.images import grid_of, load_ct, read_image, series_files

#: What a case's mask may be called, and its CT: a file, or a folder of DICOM files. What `osteonode-train phantom`
#: leaves is a case.
MASKS = ("mask.nii.gz", "mask.nii", "labels.nii.gz", "labels.nii")
SEGMENTATIONS = ("mask.dcm", "seg.dcm")
IMAGES, SERIES = ("ct.nii.gz", "ct.nii"), ("ct", "study")

_ANY_CT = f"{', '.join(IMAGES)}, or DICOM files in a folder {' or '.join(SERIES)}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A scan and what is true of it.

    Parameters
    ----------
    name
        Of its folder.
    truth
        VerSe numbers of the levels inside their vertebral bodies, 0 elsewhere, on the grid of the volume; other numbers
        are taken for background.
    groups
        What it has in common with other cases, for figures of their own.
    is_synthetic
        Whether it was drawn and shows nobody.
    """

    name: str
    volume: Volume
    truth: UInt8
    is_synthetic: bool
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.truth.shape != self.volume.shape:
            raise ValueError(f"a mask must have the shape of its CT, {self.volume.shape}, got {self.truth.shape}")

    @property
    def levels(self) -> tuple[VertebralLevel, ...]:
        """The levels that have a body in the mask, from head to foot."""
        present = set(np.unique(self.truth).tolist())
        return tuple(level for level in VertebralLevel if level.number in present)


def find_cases(folder: Path) -> tuple[Path, ...]:
    """Folders below a folder that hold a case, by their names.

    Raises
    ------
    InputRejected
        Where there is none.
    """
    masks = [path for name in MASKS for path in folder.rglob(name)]
    # A file of that name among the slices of a CT is one of them.
    masks += [path for name in SEGMENTATIONS for path in folder.rglob(name) if path.parent.name not in SERIES]
    found = tuple(sorted({path.parent for path in masks}))
    if not found:
        raise InputRejected(
            f"{folder} holds no case: each is a folder with a CT ({_ANY_CT}) and the bodies of its vertebrae in VerSe "
            f"numbers ({', '.join(MASKS)}) or as a DICOM SEG ({', '.join(SEGMENTATIONS)})"
        )
    return found


def load_case(folder: Path) -> Case:
    """The case of a folder; see `find_cases`.

    Raises
    ------
    InputRejected
        Where files are missing, cannot be read, or do not lie on one grid.
    """
    masks = [path.name for path in _there(folder, (*MASKS, *SEGMENTATIONS))]
    if len(masks) > 1:
        raise InputRejected(f"{folder.name} has several masks ({', '.join(masks)}); leave the one that is true")
    volume = _load_volume(folder)
    is_synthetic = _is_synthetic(folder)
    segmentation = next(_there(folder, SEGMENTATIONS), None)
    if segmentation is not None:
        bodies = read_segmentation(segmentation, volume)
        return Case(name=folder.name, volume=volume, truth=bodies, is_synthetic=is_synthetic)
    mask, grid = read_image(next(_there(folder, MASKS), folder / MASKS[0]))
    if not grid_of(volume).is_that_of(grid):
        raise InputRejected(
            f"the mask of {folder.name} must lie on the grid of its CT, {volume.shape} voxels; got {mask.shape}, its "
            f"corners up to {grid_of(volume).apart_mm(grid):.2f} mm away; resample it by nearest neighbour"
        )
    known = np.isin(mask, [level.number for level in VertebralLevel])
    truth = np.where(known, mask, 0).astype(np.uint8)
    return Case(name=folder.name, volume=volume, truth=truth, is_synthetic=is_synthetic)


def _is_synthetic(folder: Path) -> bool:
    """Whether the project drew it: its truth lies beside it, or its headers name the scanner of what is drawn."""
    if (folder / TRUTH_FILE).exists():
        return True
    files = (file for name in SERIES if (folder / name).is_dir() for file in series_files(folder / name))
    first = next(files, None)
    if first is None:
        return False
    header = pydicom.dcmread(first, stop_before_pixels=True, specific_tags=["Manufacturer"])
    return str(header.get("Manufacturer", "")) == MANUFACTURER


def _load_volume(folder: Path) -> Volume:
    series = next((folder / name for name in SERIES if (folder / name).is_dir()), None)
    path = series or next(_there(folder, IMAGES), None)
    if path is None:
        raise InputRejected(f"{folder.name} has no CT: {_ANY_CT} was expected")
    return load_ct(path)


def _there(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    return (folder / name for name in names if (folder / name).is_file())
