"""What `osteonode up` tells of its processes, and what `osteonode run` makes of it."""

import io
import subprocess
import sys
from collections.abc import Iterator

import pytest
from rich.console import Console

from node.cli import own_node
from node.cli.start_report import StartReport, forget_starts, not_started, ready_file
from node.domain.errors import ConfigurationError

REASON = "gpu ended with status 1 at its start: the device 'cuda' [x] does not work; see logs/gpu.log"


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def report(tmp_path, terminal) -> StartReport:
    return StartReport(tmp_path, ("listen", "gpu"), "listens on port 11112", Console(file=terminal, width=60))


def test_a_node_without_a_worker_is_up_and_says_what_did_not_start(tmp_path, report, terminal):
    report.started("listen")
    report.refused("gpu", REASON)

    assert ready_file(tmp_path).exists()
    assert not_started(tmp_path) == {"gpu": REASON}
    assert REASON in terminal.getvalue()
    assert "not running: gpu" in terminal.getvalue()


def test_a_node_is_not_up_before_each_process_had_its_start(tmp_path, report):
    report.refused("gpu", REASON)

    assert not ready_file(tmp_path).exists()


def test_the_same_reason_is_told_once(report, terminal):
    for _ in range(3):
        report.refused("gpu", REASON)

    assert terminal.getvalue().count(REASON) == 1


def test_what_starts_at_last_is_told_and_taken_back(tmp_path, report, terminal):
    report.started("listen")
    report.refused("gpu", REASON)

    report.started("gpu")

    assert not_started(tmp_path) == {}
    assert "✓ gpu" in terminal.getvalue()


def test_a_restart_of_what_was_running_is_left_to_the_log(report, terminal):
    report.started("listen")
    report.started("listen")

    assert terminal.getvalue().count("listen\n") == 1


def test_nothing_is_left_of_an_ended_run(tmp_path, report):
    report.started("listen")
    report.refused("gpu", REASON)

    forget_starts(tmp_path)

    assert not ready_file(tmp_path).exists()
    assert not_started(tmp_path) == {}


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_run_does_not_wait_for_a_worker_that_did_not_start(tmp_path, report, running):
    report.refused("gpu", REASON)  # and the listener is still starting

    with pytest.raises(ConfigurationError, match="'cuda'"):
        own_node._wait_until_ready(tmp_path, running)


def test_a_run_does_without_flower(tmp_path, running):
    report = StartReport(tmp_path, ("flower",), "", Console(file=io.StringIO()))
    report.refused("flower", "another program has the port")

    own_node._wait_until_ready(tmp_path, running)
