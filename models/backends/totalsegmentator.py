"""TotalSegmentator's vertebrae, ribs and pelvis, with the weights that the site has installed.

`pip install osteonode[totalsegmentator]`. Nothing is downloaded and nothing is sent: weights that are missing are an
error, and its usage statistics are switched off.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.backends.structures import shares_on, tissues_of, wanted
from models.resample import to_network_grid
from models.scan import PreparedScan
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse, ModelIdentity
from node.domain.volume import Float32, Volume

#: Grid that it is given, mm: its own, so that it resamples nothing.
_OWN_MM = (1.5, 1.5, 1.5)

#: Grid that answers are given on, mm.
_GRID_MM = (3.0, 3.0, 3.0)

#: Folders of weights that the task `total` loads when it is asked for some structures, as version 2 names them.
_WEIGHTS = ("Dataset291", "Dataset292", "Dataset293", "Dataset294", "Dataset295", "Dataset298")

_FROM_LPS = np.diag((-1.0, -1.0, 1.0, 1.0))


class _Nifti(Protocol):
    """What nibabel's images have in common."""

    affine: NDArray[np.float64]
    dataobj: object


class TotalSegmentatorBackend:
    """A `TissueBackend` that asks TotalSegmentator's task `total`.

    Raises
    ------
    ConfigurationError
        Where the package or its weights are not installed.
    """

    def __init__(self, device: torch.device) -> None:
        try:
            self._api = importlib.import_module("totalsegmentator.python_api")
            maps = importlib.import_module("totalsegmentator.map_to_binary")
            self._config = importlib.import_module("totalsegmentator.config")
            self._nibabel = importlib.import_module("nibabel")
        except ImportError as error:
            raise ConfigurationError(
                f"the back end totalsegmentator needs its package ({error}); pip install osteonode[totalsegmentator]"
            ) from error
        self._names: Mapping[int, str] = maps.class_map["total"]
        self._device = device
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
    def device(self) -> torch.device:
        """What it runs on."""
        return self._device

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Of the grid that answers are given on."""
        return _GRID_MM

    def classify(self, scan: PreparedScan, *, flipped: tuple[int, ...] = ()) -> Float32:
        """Probability of every `Tissue`, shape (class, k, j, i): shares of volume, for it gives no probabilities."""
        own = to_network_grid(scan.volume, _OWN_MM)
        values = np.flip(own.hu, flipped) if flipped else own.hu
        turned = Volume(hu=np.ascontiguousarray(values), affine=own.affine, frame_of_reference=own.frame_of_reference)
        tissues = tissues_of(self._segmented(turned), self._names, _OWN_MM)
        # The turned image has the place of the one that it was made from: so has what was found in it.
        return shares_on(tissues, own.affine, grid=scan.grid.affine, shape=scan.grid.shape)

    def _segmented(self, volume: Volume) -> NDArray[np.int32]:
        """Values of structures, shape (k, j, i)."""
        # Every run of the package may write its settings anew.
        self._config.setup_totalseg()
        self._config.set_config_key("send_usage_stats", False)
        affine = _FROM_LPS @ volume.affine.matrix[:, [2, 1, 0, 3]]
        image = self._nibabel.Nifti1Image(volume.hu.transpose(2, 1, 0), affine)
        index = "" if self._device.index is None else f":{self._device.index}"
        found: _Nifti = self._api.totalsegmentator(
            image,
            None,
            ml=True,
            task="total",
            roi_subset=sorted(wanted(self._names).values()),
            device=f"gpu{index}" if self._device.type == "cuda" else "cpu",
            quiet=True,
        )
        labels = np.asarray(found.dataobj).astype(np.int32)
        if labels.shape != image.shape or not np.allclose(found.affine, affine, atol=1e-3):
            raise ConfigurationError(
                f"TotalSegmentator must answer on the grid that it was given, {image.shape}; got {labels.shape}"
            )
        return np.ascontiguousarray(labels.transpose(2, 1, 0))

    def _installed(self) -> tuple[Path, ...]:
        root = Path(self._config.get_weights_dir())
        folders = {name: sorted(root.glob(f"{name}*")) for name in _WEIGHTS}
        missing = [name for name, found in folders.items() if not found]
        if missing:
            where = "TOTALSEG_WEIGHTS_PATH" if "TOTALSEG_WEIGHTS_PATH" in os.environ else "its home folder"
            raise ConfigurationError(
                f"TotalSegmentator's weights must be installed in {root} ({where}); {', '.join(missing)} are missing: "
                "run totalseg_download_weights -t total, on a machine that may reach the internet"
            )
        return tuple(folder for found in folders.values() for folder in found)
