"""TotalSegmentator's vertebrae, ribs and pelvis, with the weights that the site has installed.

The extra `osteonode[totalsegmentator]`. Nothing is downloaded and nothing is sent: weights that are missing are an
error, and its usage statistics are switched off.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.backends.structures import FROM_LPS, StructureBackend, wanted
from node.domain.errors import ConfigurationError
from node.domain.geometry import Affine
from node.domain.provenance import IntendedUse, ModelIdentity
from node.domain.volume import Float32

#: Folders of weights that the task `total` loads when it is asked for some structures.
WEIGHTS = (
    "Dataset291_TotalSegmentator_part1_organs_1559subj",
    "Dataset292_TotalSegmentator_part2_vertebrae_1532subj",
    "Dataset293_TotalSegmentator_part3_cardiac_1559subj",
    "Dataset294_TotalSegmentator_part4_muscles_1559subj",
    "Dataset295_TotalSegmentator_part5_ribs_1559subj",
    "Dataset298_TotalSegmentator_total_6mm_1559subj",
)


class _Nifti(Protocol):
    """What nibabel's images have in common."""

    affine: NDArray[np.float64]
    dataobj: object


class TotalSegmentatorBackend(StructureBackend):
    """A back end that asks TotalSegmentator's task `total`.

    Raises
    ------
    ConfigurationError
        Where the package or its weights are not installed.
    """

    def __init__(self, device: torch.device) -> None:
        try:
            maps = importlib.import_module("totalsegmentator.map_to_binary")
            self._config = importlib.import_module("totalsegmentator.config")
            self._nibabel = importlib.import_module("nibabel")
        except ImportError as error:
            raise ConfigurationError(
                f"the back end totalsegmentator needs its package ({error}): pip install '.[totalsegmentator]' in "
                "the project's folder"
            ) from error
        super().__init__(maps.class_map["total"], device)
        self._folders = self._installed()

    @cached_property
    def identity(self) -> ModelIdentity:
        """Which model it is: the package's version and one hash over all files of weights."""
        digest = hashlib.sha256()
        for folder in self._folders:
            for path in sorted(folder.rglob("*.pth")):
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        return ModelIdentity(
            name="TotalSegmentator",
            version=importlib.metadata.version("TotalSegmentator"),
            weights_sha256=digest.hexdigest(),
            intended_use=IntendedUse.RESEARCH,
        )

    @property
    def training_data(self) -> str:
        """What its authors say."""
        return "CT of patients (TotalSegmentator data set)."

    def segment(self, hu: Float32, grid: Affine) -> tuple[NDArray[np.int32], Affine]:
        """Values of structures, shape (k, j, i), on the grid that it is given."""
        affine = FROM_LPS @ grid.matrix[:, [2, 1, 0, 3]]
        index = "" if self._device.index is None else f":{self._device.index}"
        device = f"gpu{index}" if self._device.type == "cuda" else "cpu"
        with tempfile.TemporaryDirectory(prefix="osteonode-") as folder:
            image, found = Path(folder) / "image.nii.gz", Path(folder) / "labels.nii.gz"
            self._nibabel.save(self._nibabel.Nifti1Image(hu.transpose(2, 1, 0), affine), image)
            _run((str(image), str(found), device, *sorted(wanted(self._names).values())), temporary=folder)
            answer: _Nifti = self._nibabel.load(found)
            labels = np.asarray(answer.dataobj).astype(np.int32)
        shape = hu.shape[::-1]
        if labels.shape != shape or not np.allclose(answer.affine, affine, atol=1e-3):
            raise ConfigurationError(
                f"TotalSegmentator must answer on the grid that it was given, {shape}; got {labels.shape}"
            )
        return np.ascontiguousarray(labels.transpose(2, 1, 0)), grid

    def _installed(self) -> tuple[Path, ...]:
        root = Path(self._config.get_weights_dir())
        folders = [root / name for name in WEIGHTS]
        missing = [folder.name for folder in folders if next(folder.rglob("*.pth"), None) is None]
        if missing:
            where = "TOTALSEG_WEIGHTS_PATH" if "TOTALSEG_WEIGHTS_PATH" in os.environ else "its home folder"
            raise ConfigurationError(
                f"TotalSegmentator's weights must be installed in {root} ({where}); {', '.join(missing)} are missing: "
                "run totalseg_download_weights -t total, on a machine that may reach the internet"
            )
        return tuple(folders)


def _run(arguments: tuple[str, ...], *, temporary: str) -> None:
    command = [sys.executable, "-m", "models.backends.totalsegmentator_run", *arguments]
    done = subprocess.run(command, env=os.environ | {"TMPDIR": temporary}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ConfigurationError(f"TotalSegmentator ended with status {done.returncode}: {last}")
