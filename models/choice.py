"""The networks that a site has chosen, or those that come with the project."""

from __future__ import annotations

from pathlib import Path

import torch

from models.backends.monai_bundle import MonaiBundleBackend
from models.backends.own import OwnNetwork
from models.backends.port import TissueBackend
from models.backends.totalsegmentator import TotalSegmentatorBackend
from models.bundle import BODY_CT, SPINE_CT, load_bundle
from models.spine import SpineModel
from node.domain.backends import BackendName
from node.domain.errors import ConfigurationError


def load_spine_model(
    device: torch.device,
    *,
    backend: BackendName = BackendName.OSTEONODE,
    bundle: Path | None = None,
    body_bundle: Path | None = None,
) -> SpineModel:
    """The networks, ready on a device.

    Parameters
    ----------
    backend
        What sees the whole scan.
    bundle, body_bundle
        Folders of what sees the whole scan, and of what sees one body; `None` for those that come with the project.

    Raises
    ------
    ConfigurationError
        Where something is not installed, cannot be read, or does not go together.
    """
    return SpineModel(tissue=_tissue(device, backend, bundle), body=load_bundle(body_bundle or BODY_CT, device))


def _tissue(device: torch.device, backend: BackendName, bundle: Path | None) -> TissueBackend:
    match backend:
        case BackendName.OSTEONODE:
            return OwnNetwork(load_bundle(bundle or SPINE_CT, device))
        case BackendName.MONAI:
            if bundle is None:
                raise ConfigurationError("the back end monai needs the folder of its bundle in workers.bundle")
            return MonaiBundleBackend(bundle, device)
        case BackendName.TOTALSEGMENTATOR:
            return TotalSegmentatorBackend(device)
