"""A node for one run: the one that already runs on this home, or one that is started and stopped for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from node.cli.embedded_destination import AE_TITLE, EmbeddedDestination
from node.cli.processes import FLOWER, only_one
from node.cli.reachable import local_address, something_listens
from node.cli.start_report import not_started, ready_file
from node.dispatch.association import ScuSettings
from node.domain.destination import Destination
from node.domain.errors import ConfigurationError
from node.domain.identifiers import AETitle
from node.domain.triage import TriagePolicy
from node.settings import Settings, load_settings
from node.wiring import Questions, listener_ready_file, questions, scu_settings

#: The own node's data and logs, below the folder of the results; kept where something went wrong.
FOLDER = ".node"
START_WITHIN_S = 180.0
STOP_WITHIN_S = 60.0

#: The sender is the same program and does not pause: what is silent for this long has been sent.
QUIET_S = 1.0
#: A series with a gap waits for this long before it is taken as it is.
LONGEST_WAIT_S = 15.0
#: The demonstration's own destination takes research results and their urgency: nobody's reading list is behind it.
#: Below 100 HU the positive predictive value was at least 68 % (Pickhardt 2013, abstract).
URGENT_BELOW_HU = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningNode:
    """A node that listens.

    Parameters
    ----------
    peer, scu
        How it is called.
    evidence
        Where an operator finds why something failed.
    destination
        The embedded one of an own node, `None` for a node that was there: its results go where it is configured to
        send them.
    """

    peer: Destination
    scu: ScuSettings
    evidence: str
    questions: Questions
    triage: TriagePolicy
    destination: EmbeddedDestination | None


@contextmanager
def node_for(out: Path, console: Console) -> Iterator[RunningNode]:
    """The node that runs on the configured home, else one of its own below `out`, stopped in the end.

    Raises
    ------
    ConfigurationError
        Where a process of it did not start: a node then goes on to receive, but who waits for a result waits in vain.
    """
    settings = load_settings()
    if _runs(settings):
        _refuse_to_wait_in_vain(settings.home)
        console.print(f"a node runs on {settings.home}: it is used, with its own destinations")
        yield _node(settings, None)
        return
    home = out / FOLDER
    if home.exists():
        with only_one(home):  # what an earlier run left, and not what another one works in
            shutil.rmtree(home)
    home.mkdir(parents=True)
    with EmbeddedDestination(home / "received") as destination, _started(home, destination, console) as own:
        yield _node(own, destination)
    shutil.rmtree(home, ignore_errors=True)  # not where something was raised: the logs say why


def _node(settings: Settings, destination: EmbeddedDestination | None) -> RunningNode:
    return RunningNode(
        peer=_listener(settings),
        scu=_caller(settings),
        evidence=f"`osteonode why` and the logs in {settings.home / 'logs'} say more",
        questions=questions(settings),
        triage=settings.triage_policy,
        destination=destination,
    )


def _runs(settings: Settings) -> bool:
    """Whether `osteonode up` has started on this home and its listener answers."""
    if not ready_file(settings.home).exists() or not listener_ready_file(settings).exists():
        return False
    listener = _listener(settings)
    return something_listens(listener.host, listener.port)


def _listener(settings: Settings) -> Destination:
    """The node's own listener as a peer to send to."""
    port = int(listener_ready_file(settings).read_text())
    host = local_address(settings.listen.host)
    tls = settings.listen.tls_certificate is not None
    return Destination(name="node", host=host, port=port, ae_title=AETitle(settings.ae_title), tls=tls)


def _caller(settings: Settings) -> ScuSettings:
    """How this program calls the listener: under a title that it accepts, encrypted where it wants that."""
    allowed = settings.listen.allowed_calling_aes
    title = AETitle(allowed[0]) if allowed else AETitle(AE_TITLE)
    return replace(scu_settings(settings), calling_ae=title)


@contextmanager
def _started(home: Path, destination: EmbeddedDestination, console: Console) -> Iterator[Settings]:
    overrides = _overrides(home, destination)
    environment = {**os.environ, **overrides}
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "up"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        with console.status("starting a node"):
            _wait_until_ready(home, process)
        yield _settings_of(overrides)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _overrides(home: Path, destination: EmbeddedDestination) -> dict[str, str]:
    """Environment variables that turn the configured node into one that lives for a run."""
    embedded = {
        "name": "embedded",
        "host": "127.0.0.1",
        "port": destination.port,
        "ae_title": AE_TITLE,
        "research_results": True,
        "not_evaluable_reports": True,
        "urgent_key_objects": True,
        "urgent_research": True,
    }
    return {
        "OSTEONODE_HOME": str(home.resolve()),
        "OSTEONODE_LISTEN__HOST": "127.0.0.1",
        "OSTEONODE_LISTEN__PORT": "0",
        "OSTEONODE_LISTEN__MIN_FREE_DISK_MB": "200",
        "OSTEONODE_LISTEN__ALLOWED_CALLING_AES": "[]",
        "OSTEONODE_LISTEN__TLS_CERTIFICATE": "null",
        "OSTEONODE_LISTEN__TLS_KEY": "null",
        "OSTEONODE_COMPLETENESS__STUDY_QUIET_S": str(QUIET_S),
        "OSTEONODE_COMPLETENESS__SERIES_QUIET_S": str(QUIET_S),
        "OSTEONODE_COMPLETENESS__LONGEST_WAIT_S": str(LONGEST_WAIT_S),
        "OSTEONODE_BROKER__URL": "",
        "OSTEONODE_DATABASE__URL": "",
        "OSTEONODE_FLOWER__ENABLED": "false",
        "OSTEONODE_TRIAGE__L1_HU_BELOW": str(URGENT_BELOW_HU),
        "OSTEONODE_SHADOW": "false",
        "OSTEONODE_DESTINATION": json.dumps([embedded]),
    }


def _settings_of(overrides: dict[str, str]) -> Settings:
    """The own node's settings, as its processes read them."""
    before = {name: os.environ.get(name) for name in overrides}
    os.environ.update(overrides)
    try:
        return load_settings()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _wait_until_ready(home: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        ready = ready_file(home).exists()  # asked first: what did not start is told before all have had their start
        _refuse_to_wait_in_vain(home)
        if ready:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            told = (home / "up.log").read_text().strip().splitlines()
            raise ConfigurationError(f"the node did not start: {told[-1] if told else 'no reason given'}; see {home}")
        time.sleep(0.05)


def _refuse_to_wait_in_vain(home: Path) -> None:
    """Raise where a process that results need did not start."""
    reasons = [reason for name, reason in not_started(home).items() if name != FLOWER]
    if reasons:
        raise ConfigurationError(f"the node on {home} cannot work: {reasons[0]}")
