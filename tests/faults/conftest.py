"""A whole node for each fault test, with a network that nobody trained: it finds no spine, and does that quickly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from models.bundle import save_bundle
from models.network import build_network
from models.tissues import Tissue
from tests import peers
from tests.builders.spine_network import network_card
from tests.node_process import NodeProcess, node_running

#: Every fault test has so long, s: its own waits end before, on a slow machine under load too.
LIMIT_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the fault tests more time than others: a test waits for time-outs, restarts and leases."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(LIMIT_S))


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
    card = network_card("untrained", "find nothing")
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
        chosen = {**quick_worker(untrained_network), **(settings or {})}
        return node_running(tmp_path, destinations=destinations, settings=chosen)

    return start


def quick_worker(network: Path) -> dict[str, str]:
    """Settings of a node whose worker has this network and leaves the machine to others."""
    return {"OSTEONODE_WORKERS__BUNDLE": str(network), "OSTEONODE_WORKERS__THREADS": "1"}
