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


def test_a_process_that_ends_at_its_start_is_named_with_its_reason_and_its_log(tmp_path):
    (tmp_path / "broken.log").write_text("what an earlier run said\n")
    spec = ChildSpec(name="broken", command=python("raise SystemExit('no such device')"), ready=lambda: False)

    with pytest.raises(ConfigurationError, match=r"^broken ended with status 1 .*: no such device; see .*broken\.log$"):
        Supervisor((spec,), tmp_path).run()


def test_a_process_that_starts_for_too_long_is_named_with_its_log(tmp_path):
    (tmp_path / "slow.log").write_text("what an earlier run said\n")
    command = python("import time; time.sleep(60)")
    spec = ChildSpec(name="slow", command=command, ready=lambda: False, ready_within_s=0.2)

    with pytest.raises(ConfigurationError, match=r"^slow did not become ready .*: it logged nothing; see .*slow\.log$"):
        Supervisor((spec,), tmp_path).run()


def test_what_others_stand_on_is_ready_before_they_start(tmp_path):
    gate, seen = tmp_path / "gate", tmp_path / "seen"
    foundation = ChildSpec(
        name="foundation",
        command=python(f"import time; time.sleep(0.3); open({str(gate)!r}, 'w'); time.sleep(60)"),
        ready=gate.exists,
        is_foundation=True,
    )
    look = f"import os, time; open({str(seen)!r}, 'w').write(str(os.path.exists({str(gate)!r}))); time.sleep(60)"
    other = ChildSpec(name="other", command=python(look), ready=lambda: seen.exists() and seen.read_text() != "")
    supervisor = Supervisor((other, foundation), tmp_path / "logs")

    started = run_until_all_started(supervisor, 2)

    assert started == ["foundation", "other"]
    assert seen.read_text() == "True"


def test_processes_that_need_each_other_not_start_side_by_side(tmp_path):
    # each becomes ready only once the other one runs
    wait = "import os, time\nopen({mine!r}, 'w')\nwhile not os.path.exists({other!r}): time.sleep(0.01)\n"
    wait += "open({mine!r} + '.ready', 'w')\ntime.sleep(60)"
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    specs = tuple(
        ChildSpec(
            name=Path(mine).name,
            command=python(wait.format(mine=mine, other=other)),
            ready=Path(f"{mine}.ready").exists,
            ready_within_s=10,
        )
        for mine, other in ((first, second), (second, first))
    )

    started = run_until_all_started(Supervisor(specs, tmp_path / "logs"), 2)

    assert sorted(started) == ["first", "second"]


def run_until_all_started(supervisor: Supervisor, count: int) -> list[str]:
    """Run a supervisor until so many processes are ready; their names in the order in which they became so."""
    started: list[str] = []

    def note(name: str) -> None:
        started.append(name)
        if len(started) == count:
            supervisor.stop()

    supervisor.run(on_started=note)
    return started
