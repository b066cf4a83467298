"""A disk that is really full: a small filesystem of its own under the listener's store and index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.receive.statuses import StoreStatus
from tests.builders.ct import CtSpec, ct_series
from tests.integration.listening import data_set
from tests.integration.raw_association import Encoded
from tests.integration.senders import encoded, send
from tests.peers import missing, running, wait_until

SIZE_MB = 24
#: What lies on the disk beside the node's files until somebody makes room.
BALLAST_MB = 14
_QUERY = """
import json, sqlite3, sys
index = sqlite3.connect(sys.argv[1] + "/index.sqlite")
print(json.dumps(index.execute("SELECT sop_instance_uid, file FROM instance").fetchall()))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallDisk:
    """A listener service whose folder is a filesystem that only its processes see, and we through `/proc`."""

    mounted: Path
    process: subprocess.Popen[bytes]

    @property
    def folder(self) -> Path:
        return Path(f"/proc/{self.process.pid}/root{self.mounted}")

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text())

    def make_room(self) -> None:
        """Remove the ballast."""
        (self.folder / "ballast").unlink()

    def indexed(self) -> dict[str, str]:
        """File of each instance in the index, asked from where the disk is mounted: SQLite resolves links first."""
        entering = ["nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", sys.executable, "-c", _QUERY]
        answer = subprocess.run([*entering, str(self.mounted)], capture_output=True, check=True)
        return dict(json.loads(answer.stdout))

    def content(self, file: str) -> bytes:
        """The data set in a file of the store."""
        return data_set(self.folder / "store" / file)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A listener on a disk that is nearly full."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None or subprocess.run([unshare, "--mount", "true"], check=False).returncode:
        missing("a filesystem can be mounted here by the superuser alone, where the system lets him")
    mounted = tmp_path / "disk"
    mounted.mkdir()
    script = f'mount -t tmpfs -o size={SIZE_MB}m tmpfs "$0" && fallocate -l {BALLAST_MB}M "$0/ballast" && exec "$@"'
    program = [sys.executable, "-m", "tests.integration.listener_program", str(mounted)]
    command = [unshare, "--mount", "sh", "-c", script, str(mounted), *program]
    with running(command, log=tmp_path / "listener.log") as process:
        small = SmallDisk(mounted=mounted, process=process)
        wait_until(
            (small.folder / "port").exists, f"the listener; its log is {tmp_path / 'listener.log'}", timeout_s=60
        )
        yield small


@pytest.fixture(scope="module")
def images() -> list[Encoded]:
    """100 images of 128 KiB: more than there is room for, and less than there is without the ballast."""
    return [encoded(each) for each in ct_series(CtSpec(name="full", slices=100, rows=256, columns=256))]


def test_a_full_disk_costs_no_acknowledged_image_and_takes_the_others_when_there_is_room(
    disk: SmallDisk, images: list[Encoded]
) -> None:
    first = send(disk.port, *images)

    assert set(first) == {StoreStatus.SUCCESS, StoreStatus.OUT_OF_RESOURCES}
    acknowledged = {image.sop_instance for image, status in zip(images, first, strict=True) if status == 0}
    indexed = disk.indexed()
    assert acknowledged <= set(indexed)
    _assert_whole(disk, [image for image in images if image.sop_instance in acknowledged])

    disk.make_room()
    second = send(disk.port, *images)

    assert set(second) == {StoreStatus.SUCCESS}
    _assert_whole(disk, images)


def test_after_a_full_disk_nothing_half_is_left(disk: SmallDisk, images: list[Encoded]) -> None:
    send(disk.port, *images)
    disk.make_room()
    send(disk.port, *images)

    assert not list(disk.folder.glob("store/incoming/*/*.part"))
    stored = {str(file.relative_to(disk.folder / "store")) for file in disk.folder.glob("store/instances/*/*/*/*.dcm")}
    assert stored == set(disk.indexed().values())


def _assert_whole(disk: SmallDisk, images: list[Encoded]) -> None:
    indexed = disk.indexed()
    for image in images:
        assert disk.content(indexed[image.sop_instance]) == image.content
