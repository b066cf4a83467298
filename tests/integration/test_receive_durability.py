"""Success means durable: what is synced, in which order, and what is answered where it cannot be."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from node.domain.ports import Recorded
from node.domain.study import Instance
from tests.builders.ct import CtSpec, ct_series
from tests.builders.memory_index import MemoryIndex
from tests.integration.listening import listening
from tests.integration.senders import encoded, send

SLICES = ct_series(CtSpec(slices=2))


@dataclass
class Watch:
    """What was made durable, in order: names of files and folders relative to the store, and `index`."""

    store: Path
    seen: list[str] = field(default_factory=list)

    def note(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        self.seen.append(str(path.relative_to(self.store)) if path.is_relative_to(self.store) else str(path))


@dataclass
class WatchedIndex(MemoryIndex):
    """An index that notes when it was told."""

    watch: Watch | None = None

    def record(self, batch: Sequence[Instance]) -> tuple[Recorded, ...]:
        if self.watch is not None:
            self.watch.seen.append("index")
        return super().record(batch)


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Watches every sync of a file or folder of this process."""
    watching = Watch(store=tmp_path / "store")
    for name in ("fsync", "fdatasync"):
        sync = getattr(os, name)

        def noting(handle: int, sync: object = sync) -> None:
            watching.note(handle)
            sync(handle)  # type: ignore[operator]

        monkeypatch.setattr(os, name, noting)
    return watching


def test_the_file_and_all_folders_above_it_are_durable_before_the_index_is_told(watch: Watch) -> None:
    with listening(watch.store, index=WatchedIndex(watch=watch)) as listener:
        watch.seen.clear()
        assert send(listener.port, encoded(SLICES[0])) == [0x0000]
        (file,) = (path.relative_to(watch.store) for path in listener.stored_files())

    told = watch.seen.index("index")
    (data,) = (at for at, name in enumerate(watch.seen) if name.endswith(".part"))
    assert data < told
    *above, series, _ = (str(parent) for parent in reversed((file, *file.parents)))
    assert watch.seen[data:told].count(series) == 1
    for folder in above:
        assert folder in watch.seen[:told]


def test_a_further_image_of_a_series_syncs_its_file_and_its_folder(watch: Watch) -> None:
    with listening(watch.store, index=WatchedIndex(watch=watch)) as listener:
        assert send(listener.port, encoded(SLICES[0])) == [0x0000]
        watch.seen.clear()
        assert send(listener.port, encoded(SLICES[1])) == [0x0000]
        (folder,) = {str(path.parent.relative_to(watch.store)) for path in listener.stored_files()}

    assert [name if name in (folder, "index") else Path(name).suffix for name in watch.seen] == [
        ".part",
        folder,
        "index",
    ]


@pytest.mark.parametrize("failing", ["fdatasync", "fsync"])
def test_what_the_disk_cannot_keep_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def broken(handle: int) -> None:
        raise OSError(errno.EIO, "the disk failed")

    with listening(tmp_path / "store") as listener:
        with monkeypatch.context() as patched:
            patched.setattr(os, failing, broken)
            refused = send(listener.port, encoded(SLICES[0]))
        known = dict(listener.index.instances)
        accepted = send(listener.port, encoded(SLICES[0]))

    assert refused == [0xA700]
    assert known == {}
    assert accepted == [0x0000]
