"""The supervisor starts, restarts and stops real processes."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from node.domain.errors import ConfigurationError
from node.supervisor import ChildSpec, Supervisor


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def wait_for(condition, timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


SLEEPER = "import os, time\nopen({file!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)"


def test_a_killed_process_is_started_again(tmp_path):
    file = tmp_path / "pids"
    spec = ChildSpec(name="sleeper", command=python(SLEEPER.format(file=str(file))))
    supervisor = Supervisor((spec,), tmp_path / "logs")
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    wait_for(lambda: len(pids(file)) == 1)

    os.kill(pids(file)[0], signal.SIGKILL)

    wait_for(lambda: len(pids(file)) == 2)
    supervisor.stop()
    thread.join(20)
    assert not Path(f"/proc/{pids(file)[1]}").exists()


def test_a_process_that_never_becomes_ready_is_named_with_its_log(tmp_path):
    spec = ChildSpec(name="broken", command=python("raise SystemExit(3)"), ready=lambda: False, ready_within_s=10)

    with pytest.raises(ConfigurationError, match=r"broken .*status 3.*broken\.log"):
        Supervisor((spec,), tmp_path).run()


def test_the_next_process_starts_after_the_first_is_ready(tmp_path):
    started = []
    gate = tmp_path / "gate"
    first = ChildSpec(
        name="first",
        command=python(f"import time; time.sleep(0.3); open({str(gate)!r}, 'w'); time.sleep(60)"),
        ready=gate.exists,
    )
    second = ChildSpec(name="second", command=python("import time; time.sleep(60)"))
    supervisor = Supervisor((first, second), tmp_path / "logs")

    def note(name: str) -> None:
        started.append((name, gate.exists()))
        if name == "second":
            supervisor.stop()

    supervisor.run(on_started=note)

    assert started == [("first", True), ("second", True)]
