"""A whole node for each fault test, with a network that nobody trained: it finds no spine, and does that quickly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from models.bundle import save_bundle
from models.card import IntendedUse, ModelCard, Training
from models.network import Architecture, build_network
from models.tissues import Tissue
from tests import peers
from tests.node_process import NodeProcess, node_running


class StartNode(Protocol):
    """Starts a node whose home lies in the test's folder."""

    def __call__(
        self, *, destinations: Sequence[Mapping[str, object]] = (), settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[NodeProcess]:
        """The node, until the context ends."""
        ...


@pytest.fixture(scope="session")
def untrained_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network as it is before its first step of training."""
    import torch

    folder = tmp_path_factory.mktemp("untrained")
    card = ModelCard(
        name="untrained",
        version="0",
        task="find nothing",
        architecture=Architecture.UNET_32_160,
        spacing_mm=(3.0, 3.0, 3.0),
        classes=tuple(Tissue),
        thresholds=(),
        training=Training(data="none", command="none", steps=0),
        metrics=(),
        licence="the project's",
        intended_use=IntendedUse.RESEARCH,
        weights_sha256="0" * 64,
    )
    torch.manual_seed(1)
    save_bundle(folder, card, build_network(card.architecture, len(Tissue)))
    return folder


@pytest.fixture
def start_node(tmp_path: Path, untrained_network: Path) -> StartNode:
    """Starts a node; a test that needs one needs real peers, too."""
    peers.require_redis()
    peers.require_dcmtk()

    def start(
        *, destinations: Sequence[Mapping[str, object]] = (), settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[NodeProcess]:
        chosen = {"OSTEONODE_WORKERS__BUNDLE": str(untrained_network), "OSTEONODE_WORKERS__THREADS": "1"}
        return node_running(tmp_path, destinations=destinations, settings={**chosen, **(settings or {})})

    return start
