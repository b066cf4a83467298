"""The supervisor starts, restarts and stops real processes."""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from node.child_process import ChildSpec, Need
from node.domain.errors import ConfigurationError
from node.observe.log_rotation import rotate_large_logs
from node.supervisor import StartObserver, Supervisor


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
    spec = ChildSpec(name="sleeper", command=python(SLEEPER.format(file=str(file))), need=Need.RECEPTION)
    heard = Heard(starts=9, refusals=0)
    supervisor = Supervisor((spec,), tmp_path / "logs", heard)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    wait_for(lambda: heard.names == ["sleeper"] and len(pids(file)) == 1)

    os.kill(pids(file)[0], signal.SIGKILL)

    wait_for(lambda: len(pids(file)) == 2)
    supervisor.stop()
    thread.join(20)
    assert not Path(f"/proc/{pids(file)[1]}").exists()


def test_a_process_that_ends_at_its_start_is_named_with_its_reason_and_its_log(tmp_path):
    (tmp_path / "broken.log").write_text("what an earlier run said\n")
    spec = broken(Need.RECEPTION)

    with pytest.raises(ConfigurationError, match=r"^broken ended with status 1 .*: no such device; see .*broken\.log$"):
        Supervisor((spec,), tmp_path).run()


def test_a_process_that_starts_for_too_long_is_named_with_its_log(tmp_path):
    (tmp_path / "slow.log").write_text("what an earlier run said\n")
    command = python("import time; time.sleep(60)")
    spec = ChildSpec(name="slow", command=command, need=Need.RECEPTION, ready=lambda: False, ready_within_s=0.2)

    with pytest.raises(ConfigurationError, match=r"^slow did not become ready .*: it logged nothing; see .*slow\.log$"):
        Supervisor((spec,), tmp_path).run()


def test_what_others_stand_on_is_ready_before_they_start(tmp_path):
    gate, seen = tmp_path / "gate", tmp_path / "seen"
    foundation = ChildSpec(
        name="foundation",
        command=python(f"import time; time.sleep(0.3); open({str(gate)!r}, 'w'); time.sleep(60)"),
        ready=gate.exists,
        need=Need.FOUNDATION,
    )
    look = f"import os, time; open({str(seen)!r}, 'w').write(str(os.path.exists({str(gate)!r}))); time.sleep(60)"
    other = ChildSpec(
        name="other",
        command=python(look),
        need=Need.RECEPTION,
        ready=lambda: seen.exists() and seen.read_text() != "",
    )

    started = run_until((other, foundation), tmp_path / "logs", starts=2).names

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
            need=need,
            ready=Path(f"{mine}.ready").exists,
            ready_within_s=10,
        )
        for mine, other, need in ((first, second, Need.RECEPTION), (second, first, Need.WORK))
    )

    started = run_until(specs, tmp_path / "logs", starts=2).names

    assert sorted(started) == ["first", "second"]


def test_work_that_cannot_start_is_told_and_tried_again_while_the_rest_goes_on(tmp_path):
    file = tmp_path / "pids"
    receiver = ChildSpec(name="receiver", command=python(SLEEPER.format(file=str(file))), need=Need.RECEPTION)

    heard = run_until((broken(Need.WORK), receiver), tmp_path, starts=1, refusals=2)

    assert heard.names == ["receiver"]
    assert [name for name, _ in heard.reasons] == ["broken", "broken"]
    assert re.fullmatch(r"broken ended with status 1 .*: no such device; see .*broken\.log", heard.reasons[1][1])


def test_work_that_could_not_start_at_first_starts_once_it_can(tmp_path):
    gate = tmp_path / "gate"
    code = f"import os, time\nif not os.path.exists({str(gate)!r}): raise SystemExit(open({str(gate)!r}, 'w').name)\n"
    ready = tmp_path / "ready"
    code += f"open({str(ready)!r}, 'w'); time.sleep(60)"
    spec = ChildSpec(name="late", command=python(code), need=Need.WORK, ready=ready.exists)

    heard = run_until((spec,), tmp_path / "logs", starts=1)

    assert len(heard.reasons) == 1
    assert heard.names == ["late"]


def test_work_that_hangs_at_its_start_is_ended_and_tried_again(tmp_path):
    file = tmp_path / "pids"
    command = python(SLEEPER.format(file=str(file)))
    spec = ChildSpec(name="hung", command=command, need=Need.WORK, ready=lambda: False, ready_within_s=1.0)

    heard = run_until((spec,), tmp_path / "logs", refusals=2)

    assert "did not become ready within 1 s" in heard.reasons[0][1]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids(file))


def test_work_that_refuses_before_its_start_is_not_started(tmp_path):
    def refuse() -> None:
        raise ConfigurationError("another program has the port")

    file = tmp_path / "pids"
    command = python(SLEEPER.format(file=str(file)))
    spec = ChildSpec(name="shut", command=command, need=Need.WORK, before_start=refuse)

    heard = run_until((spec,), tmp_path / "logs", refusals=1)

    assert "another program has the port" in heard.reasons[0][1]
    assert pids(file) == []


def test_a_program_that_is_missing_ends_nothing_but_its_own_start(tmp_path, monkeypatch):
    monkeypatch.setattr("node.child_process.shutil.which", lambda name: None)
    spec = ChildSpec(name="gone", command=(str(tmp_path / "no-such-program"),), need=Need.WORK)

    heard = run_until((spec,), tmp_path / "logs", refusals=2)

    assert "no-such-program" in heard.reasons[1][1]


def test_the_log_of_a_process_that_runs_is_rotated_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("node.supervisor.ROTATE_EVERY_S", 0.1)
    monkeypatch.setattr("node.supervisor.rotate_large_logs", lambda folder: rotate_large_logs(folder, largest=10_000))
    code = "import sys, time\nwhile True: print('x' * 99, flush=True); time.sleep(0.001)"
    spec = ChildSpec(name="chatty", command=python(code), need=Need.WORK)
    supervisor = Supervisor((spec,), tmp_path)
    thread = threading.Thread(target=supervisor.run)

    thread.start()
    wait_for((tmp_path / "chatty.log.2").exists)
    supervisor.stop()
    thread.join(20)

    assert (tmp_path / "chatty.log.1").stat().st_size <= 10_000
    assert b"\0" not in (tmp_path / "chatty.log").read_bytes()


def broken(need: Need) -> ChildSpec:
    """A process that ends at its start."""
    return ChildSpec(
        name="broken", command=python("raise SystemExit('no such device')"), need=need, ready=lambda: False
    )


class Heard(StartObserver):
    """Keeps what it hears, and stops the supervisor once that is enough."""

    def __init__(self, *, starts: int, refusals: int) -> None:
        self.names: list[str] = []
        self.reasons: list[tuple[str, str]] = []
        self._enough = (starts, refusals)
        self.stop = lambda: None

    def started(self, name: str) -> None:
        self.names.append(name)
        self._stop_once_enough()

    def refused(self, name: str, reason: str) -> None:
        self.reasons.append((name, reason))
        self._stop_once_enough()

    def _stop_once_enough(self) -> None:
        starts, refusals = self._enough
        if len(self.names) >= starts and len(self.reasons) >= refusals:
            self.stop()


def run_until(specs: tuple[ChildSpec, ...], logs: Path, *, starts: int = 0, refusals: int = 0) -> Heard:
    """Run a supervisor until it told of so many starts and of so many that failed."""
    heard = Heard(starts=starts, refusals=refusals)
    supervisor = Supervisor(specs, logs, heard)
    heard.stop = supervisor.stop
    supervisor.run()
    return heard
