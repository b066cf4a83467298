"""An index in a file, and a clock that stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from node.store.engine import open_engine
from node.store.upgrade import upgrade
from tests.builders.index import FakeClock, FakeQueue


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty index of the newest schema."""
    engine = open_engine(f"sqlite:///{tmp_path / 'index.sqlite'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> FakeClock:
    """It is noon until a test lets time pass."""
    return FakeClock()


@pytest.fixture
def queue() -> FakeQueue:
    """An empty broker."""
    return FakeQueue()
