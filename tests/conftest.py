"""Fixtures that every test may use: the real peers. The images that tests need come from builders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import peers


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared real images."""
    return peers.require_shared_data()


@pytest.fixture(scope="session")
def orthanc_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Orthanc]:
    """One Orthanc for the whole run; tests take `orthanc`, which is this one, emptied."""
    with peers.orthanc_server(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture
def orthanc(orthanc_process: peers.Orthanc) -> peers.Orthanc:
    """A real Orthanc that holds nothing yet."""
    orthanc_process.empty()
    return orthanc_process


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[peers.StoreScp]:
    """A real DCMTK storescp."""
    with peers.storescp_server(tmp_path / "storescp") as server:
        yield server


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[peers.RedisServer]:
    """A real Redis that holds nothing yet."""
    with peers.redis_server(tmp_path / "redis") as server:
        yield server
