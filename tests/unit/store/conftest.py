"""An index in a file, and a clock that stands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from node.store.engine import open_engine
from node.store.upgrade import upgrade
from tests.builders.index import FakeClock, FakeQueue
from tests.builders.index_node import IndexNode


@pytest.fixture(scope="session")
def empty_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty index of the newest schema, to copy: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("index") / "empty.sqlite"
    engine = open_engine(f"sqlite:///{file}")
    upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture
def engine(empty_index: Path, tmp_path: Path) -> Iterator[Engine]:
    """An empty index."""
    file = tmp_path / "index.sqlite"
    shutil.copyfile(empty_index, file)
    engine = open_engine(f"sqlite:///{file}")
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


@pytest.fixture
def node(engine: Engine, clock: FakeClock, queue: FakeQueue) -> IndexNode:
    """The index with all its adapters."""
    return IndexNode(engine=engine, clock=clock, queue=queue)
