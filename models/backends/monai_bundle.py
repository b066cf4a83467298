"""A whole-body network in the MONAI bundle layout, as the model zoo's `wholeBody_ct_segmentation` is.

A bundle is a program: its configuration may hold expressions, which are evaluated. Only bundles that the site trusts
belong into its folder.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose
from monai.utils.enums import MetaKeys
from numpy.typing import NDArray
from torch import nn

from models.backends.structures import FROM_LPS, StructureBackend, wanted
from node.domain.errors import ConfigurationError
from node.domain.geometry import Affine
from node.domain.provenance import IntendedUse, ModelIdentity
from node.domain.volume import Float32

#: Axes that leave those of the patient by less than this are along them.
_ALIGNED_TOLERANCE = 1e-3


class MonaiBundleBackend(StructureBackend):
    """A back end that runs preprocessing, network and inferer of a bundle's `configs/inference.json`.

    What its channels mean is taken from `channel_def` in `configs/metadata.json`, whose names must be those of
    TotalSegmentator (`vertebrae_L1`, `rib_left_12`, `sacrum`).

    Raises
    ------
    ConfigurationError
        Where a file is missing or cannot be read, or no channel is a vertebra.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        try:
            parser = ConfigParser()
            parser.read_config(folder / "configs" / "inference.json")
            parser.read_meta(folder / "configs" / "metadata.json")
            parser["bundle_root"] = str(folder)
            for place in ("device", *_devices(parser.get())):
                parser[place] = f"$torch.device('{device}')"
            name = parser.get_parsed_content("modelname") if "modelname" in parser else "model.pt"
            weights = folder / "models" / str(name)
            self._network: nn.Module = parser.get_parsed_content("network_def")
            self._network.load_state_dict(torch.load(weights, map_location=device, weights_only=True))
            self._inferer = parser.get_parsed_content("inferer")
            # The image is in memory: what reads it from a file has nothing to do.
            transforms = [each for each in parser["preprocessing#transforms"] if each["_target_"] != "LoadImaged"]
            parser["preprocessing#transforms"] = transforms
            with warnings.catch_warnings():
                # What MONAI will change is for those who wrote the bundle to follow.
                warnings.simplefilter("ignore", FutureWarning)
                self._transforms: Compose = parser.get_parsed_content("preprocessing")
            names = _channels(parser["_meta_"])
            digest = _digest((*sorted((folder / "configs").rglob("*")), weights))
        except Exception as error:  # whatever an expression of the bundle raises
            raise ConfigurationError(f"the MONAI bundle {folder.name} cannot be used: {error}") from error
        if not any(name.startswith("vertebrae_") for name in names.values()):
            raise ConfigurationError(
                f"the MONAI bundle {folder.name} must have channels such as vertebrae_L1, got {sorted(names.values())}"
            )
        super().__init__(names, device)
        self._network.to(device).eval()
        self._training_data = str(parser["_meta_"].get("data_source", "what its bundle does not say"))
        self._identity = ModelIdentity(
            name=str(parser["_meta_"].get("name", folder.name)),
            version=str(parser["_meta_"].get("version", "unknown")),
            weights_sha256=digest,
            intended_use=IntendedUse.RESEARCH,
        )

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""
        return self._identity

    @property
    def training_data(self) -> str:
        """What its bundle says that it was trained on."""
        return self._training_data

    def segment(self, hu: Float32, affine: Affine) -> tuple[NDArray[np.int32], Affine]:
        """Values of channels, shape (k, j, i) with k towards the head, on the grid that the bundle brought it to."""
        ras = FROM_LPS @ affine.matrix[:, [2, 1, 0, 3]]
        image = MetaTensor(
            torch.from_numpy(hu.transpose(2, 1, 0).copy()),
            affine=torch.from_numpy(ras),
            meta={MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan")},
        )
        prepared = self._transforms({"image": image})["image"]
        with torch.inference_mode():
            logits = self._inferer(inputs=prepared[None].to(self._device), network=self._network)
        labels = logits[0].argmax(0).cpu().numpy().astype(np.int32).transpose(2, 1, 0)
        matrix = (FROM_LPS @ np.asarray(prepared.affine, dtype=np.float64))[:, [2, 1, 0, 3]]
        return _towards_head_back_left(labels, Affine(matrix))


def _devices(config: object, place: str = "") -> Iterator[str]:
    """Where parts of a configuration name a device of their own, as the model zoo's inferers do."""
    parts = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, part in parts:
        at = f"{place}#{key}" if place else str(key)
        if key == "device":
            yield at
        else:
            yield from _devices(part, at)


def _digest(paths: Iterable[Path]) -> str:
    """One hash over files: the configuration of a bundle shapes its answers as its weights do."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _channels(metadata: dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]) -> dict[int, str]:
    channels = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    return wanted({int(channel): name for channel, name in channels.items()})


def _towards_head_back_left(labels: NDArray[np.int32], affine: Affine) -> tuple[NDArray[np.int32], Affine]:
    """The same voxels with k to the head, j to the back and i to the patient's left."""
    along = affine.directions[::-1]
    if not np.allclose(np.abs(along), np.eye(3), atol=_ALIGNED_TOLERANCE):
        raise ConfigurationError("a MONAI bundle must leave its image along the patient's axes")
    matrix = affine.matrix.copy()
    backwards = [axis for axis in range(3) if along[axis, axis] < 0.0]
    first = np.array([labels.shape[axis] - 1 if axis in backwards else 0 for axis in range(3)], dtype=np.float64)
    matrix[:3, 3] = affine.to_lps(first)
    matrix[:3, backwards] *= -1.0
    return np.ascontiguousarray(np.flip(labels, tuple(backwards))), Affine(matrix)
