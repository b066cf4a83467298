"""The whole node as a user runs it: `osteonode up` in processes of its own, for acceptance and fault tests."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from node.domain.identifiers import AETitle
from tests import peers
from tests.scripted_scp import ScriptedScp

START_S = 240.0
#: What makes a node quick enough for tests; everything else is as a user has it.
QUICK = {
    "OSTEONODE_COMPLETENESS__STUDY_QUIET_S": "1",
    "OSTEONODE_COMPLETENESS__SERIES_QUIET_S": "4",
    "OSTEONODE_COMPLETENESS__LONGEST_WAIT_S": "4",
    "OSTEONODE_FLOWER__ENABLED": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProcess:
    """A running node."""

    home: Path
    port: int
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]
    ae_title: AETitle = field(default=AETitle("OSTEONODE"))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `osteonode` with this node's settings."""
        return subprocess.run(
            [sys.executable, "-m", "node", *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def ask(self, *arguments: str) -> object:
        """What `osteonode ... --json` prints."""
        told = self.command(*arguments, "--json")
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)

    def processes(self, word: str) -> list[int]:
        """Process identifiers of the node's processes whose command line holds a word, parents first."""
        found = []
        for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda each: int(each.name)):
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (entry / "environ").read_bytes().decode(errors="replace")
                if word in command and f"OSTEONODE_HOME={self.home}" in environment:
                    found.append(int(entry.name))
        return found

    def kill(self, word: str) -> None:
        """Kill every process of the node whose command line holds a word, as `kill -9` does."""
        for pid in self.processes(word):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_children(self, word: str) -> None:
        """Kill the processes that a process of the node, whose command line holds a word, has started."""
        for pid in self.processes(word):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            assert children, f"{word} has no children"
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)

    @contextlib.contextmanager
    def paused(self, word: str) -> Iterator[None]:
        """Hold every process of the node whose command line holds a word."""
        held = self.processes(word)
        assert held, f"no process is called {word}"
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in held:
                os.kill(pid, signal.SIGCONT)

    def log(self, name: str) -> str:
        """What a process of the node has logged up to now."""
        file = self.home / "logs" / f"{name}.log"
        return file.read_text() if file.exists() else ""


@contextlib.contextmanager
def node_running(
    folder: Path, *, destinations: Sequence[Mapping[str, object]] = (), settings: Mapping[str, str] | None = None
) -> Iterator[NodeProcess]:
    """A node on free ports with a home in `folder`; `settings` are environment variables that override."""
    home, port = folder / "home", peers.free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OSTEONODE_")},
        **QUICK,
        "OSTEONODE_HOME": str(home),
        "OSTEONODE_LISTEN__PORT": str(port),
        "OSTEONODE_LISTEN__MIN_FREE_DISK_MB": "100",
        "OSTEONODE_DESTINATION": json.dumps(list(destinations)),
        **(settings or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.out").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "up"], env=environment, stdout=output, stderr=output, cwd=folder
        )
    try:
        _wait_until_up(process, home, folder / "up.out")
        yield NodeProcess(
            home=home, port=int(environment["OSTEONODE_LISTEN__PORT"]), environment=environment, process=process
        )
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], home: Path, output: Path) -> None:
    deadline = time.monotonic() + START_S
    while not (home / "up.ready").exists():
        told = output.read_text()
        assert process.poll() is None, f"the node ended at once:\n{told}"
        assert time.monotonic() < deadline, f"the node did not start within {START_S:.0f} s:\n{told}"
        time.sleep(0.05)


def orthanc_destination(orthanc: peers.Orthanc, name: str = "orthanc", **more: object) -> dict[str, object]:
    """An Orthanc as a destination that takes everything."""
    return {**_taking_everything(name, orthanc.host, orthanc.dicom_port, orthanc.aet), **more}


def scripted_destination(scp: ScriptedScp, name: str) -> dict[str, object]:
    """A scripted receiver as a destination that takes everything."""
    return _taking_everything(name, "127.0.0.1", scp.port, "SCRIPTED")


def _taking_everything(name: str, host: str, port: int, ae_title: str) -> dict[str, object]:
    return {
        "name": name,
        "host": host,
        "port": port,
        "ae_title": ae_title,
        "research_results": True,
        "not_evaluable_reports": True,
    }
