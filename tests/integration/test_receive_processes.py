"""Several listener processes on one socket: one limit, no loss when one is killed, and an orderly end."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.builders.ct import CtSpec, ct_series
from tests.integration.listening import data_set
from tests.integration.raw_association import DATA, DATA_LAST, Aborted, Encoded, RawAssociation, Rejected
from tests.integration.senders import encoded, send
from tests.peers import running, wait_until

CONTEXTS = [("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")]

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
MIB = 1 << 20
#: The limit is 300 MB with an object of 1 GB (tests/bench/receiving.py measures that one); this one is smaller.
LARGEST_LISTENER_MIB = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running listener service."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text())

    def children(self) -> list[int]:
        """Its listener processes."""
        return [pid for pid in _children(self.process.pid) if b"spawn_main" in _command_line(pid)]

    def indexed(self) -> dict[str, str]:
        """File and digest of each instance in the index."""
        with contextlib.closing(sqlite3.connect(self.folder / "index.sqlite")) as database:
            return dict(database.execute("SELECT sop_instance_uid, file FROM instance").fetchall())

    def partial_files(self) -> list[Path]:
        return list((self.folder / "store").glob("incoming/*/*.part"))


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextlib.contextmanager
def service(folder: Path, *options: str) -> Iterator[Service]:
    """The listener service on the real index, in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "port").unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.integration.listener_program", str(folder), *options]
    with running(command, log=folder / "listener.log") as process:
        wait_until((folder / "port").exists, f"the listener; its log is {folder / 'listener.log'}", timeout_s=60)
        yield Service(folder=folder, process=process)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for the tests that do not kill it."""
    with service(tmp_path_factory.mktemp("shared") / "node", "--max-associations", "4") as node:
        yield node


@pytest.fixture
def series() -> list[Encoded]:
    return [encoded(each) for each in ct_series(CtSpec(slices=12))]


def statuses(port: int, series: list[Encoded]) -> list[int]:
    """The statuses of the series, none where the association is rejected."""
    try:
        return send(port, *series)
    except Rejected:
        return []


def is_rejected(port: int) -> bool:
    """Whether one association more is rejected."""
    try:
        with RawAssociation(port, CONTEXTS):
            return False
    except Rejected:
        return True


def test_several_senders_are_served_by_several_processes(shared: Service, series: list[Encoded]) -> None:
    senders = [threading.Thread(target=send, args=(shared.port, *series[part::4])) for part in range(4)]

    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    indexed = shared.indexed()
    assert {each.sop_instance for each in series} <= set(indexed)
    for each in series:
        assert data_set(shared.folder / "store" / indexed[each.sop_instance]) == each.content


def test_the_processes_share_one_limit(shared: Service) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(RawAssociation(shared.port, CONTEXTS))

        assert is_rejected(shared.port)


def test_a_listener_stays_small_whatever_it_is_sent(shared: Service) -> None:
    head, length = ct_series(CtSpec(slices=1, name="multi-frame"))[0], 400 * MIB
    head.SOPClassUID, head.NumberOfFrames = ENHANCED_CT, 800
    del head.PixelData
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, length)
    sent = replace(encoded(head), content=encoded(head).content + pixels)

    with RawAssociation(shared.port, [(ENHANCED_CT, CONTEXTS[0][1])]) as association:
        context = association.begin(sent)
        association.send(context, DATA, sent.content)
        frame = bytes(MIB // 8)
        for number in range(1, 1 + length // len(frame)):
            association.send(context, DATA_LAST if number * len(frame) == length else DATA, frame)
        status = association.status()

    assert status == 0x0000
    assert (shared.folder / "store" / shared.indexed()[sent.sop_instance]).stat().st_size > length
    assert max(_peak_mib(pid) for pid in shared.children()) < LARGEST_LISTENER_MIB


def _peak_mib(pid: int) -> float:
    """Largest resident size of a process up to now."""
    (line,) = (each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def test_what_was_acknowledged_survives_the_kill_of_a_listener(tmp_path: Path, series: list[Encoded]) -> None:
    with service(tmp_path / "node", "--max-associations", "1") as node:
        with RawAssociation(node.port, CONTEXTS) as association:
            acknowledged = [each for each in series[:5] if association.store(each) == 0x0000]
            association.begin(series[5])
            association.send(1, DATA, series[5].content[:300])
            before = node.children()
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(Aborted):
                association.receive()
            association.connection.close()
        wait_until(lambda: len(set(node.children()) - set(before)) == 2, "the processes to be there again")
        again: list[int] = []
        # the one association that is allowed was the dead process's
        wait_until(lambda: bool(again.extend(statuses(node.port, series)) or again), "the slot of the dead to be free")
        indexed = node.indexed()
        wait_until(lambda: node.partial_files() == [], "the incoming folder to be clean")

    assert len(acknowledged) == 5
    assert again == [0x0000] * 12
    assert set(indexed) == {each.sop_instance for each in series}


def test_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: list[Encoded] = []
    series = [encoded(each) for each in ct_series(CtSpec(slices=60, rows=128, columns=128))]

    def send_until_cut(port: int) -> None:
        with contextlib.suppress(Aborted, ConnectionError), RawAssociation(port, CONTEXTS) as association:
            for each in series:
                assert association.store(each) == 0x0000
                acknowledged.append(each)

    with service(tmp_path / "node", "--processes", "1") as node:
        sender = threading.Thread(target=send_until_cut, args=(node.port,))
        sender.start()
        wait_until(lambda: len(acknowledged) >= 10, "some images to be acknowledged")
        os.kill(node.children()[0], signal.SIGKILL)
        sender.join()
        wait_until(lambda: len(node.children()) == 1, "the process to be there again")
        indexed = node.indexed()

    assert {each.sop_instance for each in acknowledged} <= set(indexed)
    for each in acknowledged:
        assert data_set(tmp_path / "node" / "store" / indexed[each.sop_instance]) == each.content


def test_sigterm_ends_all_processes_and_finishes_what_has_begun(tmp_path: Path, series: list[Encoded]) -> None:
    with service(tmp_path / "node", "--drain-s", "20") as node:
        children = node.children()
        with RawAssociation(node.port, CONTEXTS) as association:
            association.begin(series[0])
            association.send(1, DATA, series[0].content[:300])
            node.process.terminate()
            association.send(1, 0x02, series[0].content[300:])
            status = association.status()

        assert status == 0x0000
        assert node.process.wait(30) == 0
        assert not any(_command_line(pid) for pid in children)
        assert set(node.indexed()) == {series[0].sop_instance}


def test_without_their_parent_the_processes_end(tmp_path: Path) -> None:
    with service(tmp_path / "node") as node:
        children = node.children()

        node.process.kill()

        wait_until(lambda: not any(_command_line(pid) for pid in children), "the orphans to end")


def test_a_port_that_is_taken_is_the_operators_to_change(tmp_path: Path) -> None:
    from node.domain.errors import ConfigurationError
    from node.receive.server import listening_socket
    from node.receive.service import Parts, serve
    from tests.builders.memory_index import MemoryIndex
    from tests.integration.listening import KEY, quick_settings

    with listening_socket("127.0.0.1", 0) as taken:
        settings = quick_settings(tmp_path / "store", port=taken.getsockname()[1])

        with pytest.raises(ConfigurationError, match="another listener"):
            serve(settings, Parts(make_index=MemoryIndex, pseudonymizer=KEY))
