"""The networks that a site has chosen, or those that come with the project."""

from __future__ import annotations

from pathlib import Path

import torch

from models.backends.own import OwnNetwork
from models.backends.port import TissueBackend
from models.bundle import BODY_CT, SPINE_CT, load_bundle
from models.spine import SpineModel
from models.tissues import BodyClass, Tissue
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
    body = load_bundle(body_bundle or BODY_CT, device)
    if body.card.architecture.outputs is not BodyClass:
        raise ConfigurationError(f"workers.body_bundle must see single bodies, {body.card.name!r} sees tissues")
    return SpineModel(tissue=_tissue(device, backend, bundle), body=body)


def _tissue(device: torch.device, backend: BackendName, bundle: Path | None) -> TissueBackend:
    match backend:
        case BackendName.OSTEONODE:
            own = load_bundle(bundle or SPINE_CT, device)
            if own.card.architecture.outputs is not Tissue:
                raise ConfigurationError(
                    f"workers.bundle must see the whole scan, {own.card.name!r} sees single bodies"
                )
            return OwnNetwork(own)
        case BackendName.MONAI:
            if bundle is None:
                raise ConfigurationError("the back end monai needs the folder of its bundle in workers.bundle")
            # Loaded only where it is wanted: it takes half a second of every worker's start.
            from models.backends.monai_bundle import MonaiBundleBackend

            return MonaiBundleBackend(bundle, device)
        case BackendName.TOTALSEGMENTATOR:
            if bundle is not None:
                raise ConfigurationError(
                    "the back end totalsegmentator has its own weights; workers.bundle must be empty"
                )
            from models.backends.totalsegmentator import TotalSegmentatorBackend

            return TotalSegmentatorBackend(device)
