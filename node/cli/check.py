"""`osteonode doctor`: every check that tells an operator why it would not work."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import redis
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from node.cli.json_output import as_json
from node.cli.reachable import something_listens
from node.dispatch.echo import echo
from node.domain.destination import Destination
from node.domain.errors import ConfigurationError, NodeError
from node.receive.settings import TlsFiles
from node.receive.tls import server_context
from node.settings import Settings, load_settings
from node.wiring import index_version, listener_ready_file, scu_settings

_MEGABYTE = 1024 * 1024
_WORKER_CHECK_S = 120.0


class Verdict(StrEnum):
    """What a check says."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: what was looked at, what it says, what was seen and what to do."""

    name: str
    verdict: Verdict
    seen: str
    advice: str = ""


def doctor(*, json_output: bool) -> bool:
    """Run and print all checks; whether none failed."""
    checks = list(run_checks())
    if json_output:
        typer.echo(as_json(checks))
    else:
        _print(checks)
    return not any(check.verdict is Verdict.FAILED for check in checks)


def run_checks() -> Iterator[Check]:
    """All checks, in the order in which an operator would mend them."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        yield Check(name="settings", verdict=Verdict.FAILED, seen=str(error), advice="Mend the file, run doctor again.")
        return
    yield Check(name="settings", verdict=Verdict.OK, seen=f"AE title {settings.ae_title}, home {settings.home}")
    for check in (_home, _disk, _listener, _tls, _broker, _index, _workers):
        yield check(settings)
    if settings.shadow:
        yield Check(name="destinations", verdict=Verdict.WARNING, seen="shadow mode: nothing is sent")
    elif not settings.destination:
        yield Check(
            name="destinations",
            verdict=Verdict.WARNING,
            seen="none: results stay in the node",
            advice="Add a [[destination]] to the settings.",
        )
    for destination in settings.destinations:
        yield _destination(settings, destination)


def _home(settings: Settings) -> Check:
    existing = settings.home
    while not existing.exists():
        existing = existing.parent
    if os.access(existing, os.W_OK):
        return Check(name="home", verdict=Verdict.OK, seen=f"{settings.home} can be written")
    return Check(
        name="home", verdict=Verdict.FAILED, seen=f"{existing} cannot be written", advice="Change its owner or `home`."
    )


def _disk(settings: Settings) -> Check:
    existing = settings.home
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free // _MEGABYTE
    limit = settings.listen.min_free_disk_mb
    if free >= limit:
        return Check(name="disk", verdict=Verdict.OK, seen=f"{free} MB free, {limit} MB needed")
    return Check(
        name="disk",
        verdict=Verdict.FAILED,
        seen=f"{free} MB free, below the watermark of {limit} MB: nothing is accepted",
        advice="Free space, or lower listen.min_free_disk_mb.",
    )


def _listener(settings: Settings) -> Check:
    host, port = settings.listen.host, settings.listen.port
    where = f"{host}:{port}"
    if something_listens(host, port):
        return _whoever_listens(settings, where)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check(
                name="listener",
                verdict=Verdict.FAILED,
                seen=f"{where} cannot be bound: {error.strerror}",
                advice="The address is not this machine's, or a port below 1024 needs a capability. "
                "Change listen.host or listen.port.",
            )
    return Check(
        name="listener",
        verdict=Verdict.WARNING,
        seen=f"does not run; {where} is free",
        advice="Start it with `osteonode up`.",
    )


def _whoever_listens(settings: Settings, where: str) -> Check:
    """The node's own listener, where it has said that it runs; else some other program that is in its way."""
    if listener_ready_file(settings).exists():
        return Check(name="listener", verdict=Verdict.OK, seen=f"listens on {where}")
    return Check(
        name="listener",
        verdict=Verdict.FAILED,
        seen=f"another program listens on {where}",
        advice="Stop it, or change listen.port.",
    )


def _tls(settings: Settings) -> Check:
    listen = settings.listen
    if listen.tls_certificate is None or listen.tls_key is None:
        return Check(name="tls", verdict=Verdict.OK, seen="off")
    try:
        server_context(TlsFiles(certificate=listen.tls_certificate, key=listen.tls_key, client_ca=listen.tls_client_ca))
    except ConfigurationError as error:
        return Check(name="tls", verdict=Verdict.FAILED, seen=str(error), advice="The listener would not start.")
    return Check(name="tls", verdict=Verdict.OK, seen=f"certificate {settings.listen.tls_certificate}")


def _broker(settings: Settings) -> Check:
    url = settings.broker_url.replace("redis+socket://", "unix://")
    try:
        redis.Redis.from_url(url, socket_connect_timeout=2.0, socket_timeout=2.0).ping()
    except (redis.RedisError, ValueError) as error:
        if not settings.broker.url:
            return Check(
                name="broker",
                verdict=Verdict.WARNING,
                seen="the private Redis does not run",
                advice="`osteonode up` starts it.",
            )
        return Check(
            name="broker",
            verdict=Verdict.FAILED,
            seen=f"Redis does not answer: {type(error).__name__}",
            advice="Check broker.url and the server.",
        )
    return Check(name="broker", verdict=Verdict.OK, seen="Redis answers")


def _index(settings: Settings) -> Check:
    try:
        version = index_version(settings)
    except NodeError as error:
        return Check(name="index", verdict=Verdict.FAILED, seen=str(error))
    if version is None:
        return Check(name="index", verdict=Verdict.WARNING, seen="not made yet", advice="`osteonode up` makes it.")
    return Check(name="index", verdict=Verdict.OK, seen=f"schema {version}")


def _workers(settings: Settings) -> Check:
    """Asks a process of its own: the node itself loads no torch."""
    try:
        told = subprocess.run(
            [sys.executable, "-m", "workers.check"],
            capture_output=True,
            text=True,
            timeout=_WORKER_CHECK_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Check(name="worker", verdict=Verdict.FAILED, seen=f"no answer within {_WORKER_CHECK_S:.0f} s")
    lines = (told.stdout if told.returncode == 0 else told.stderr).strip().splitlines() or ["no answer"]
    if told.returncode == 0:
        return Check(name="worker", verdict=Verdict.OK, seen=lines[-1])
    return Check(
        name="worker", verdict=Verdict.FAILED, seen=lines[-1], advice="Check workers.device and workers.bundle."
    )


def _destination(settings: Settings, destination: Destination) -> Check:
    name = f"destination {destination.name}"
    try:
        echo(destination, calling=settings.ae_title, tls=scu_settings(settings).tls)
    except NodeError as error:
        return Check(
            name=name,
            verdict=Verdict.FAILED,
            seen=str(error),
            advice=f"Check host, port and AE title, and that the PACS knows {settings.ae_title}.",
        )
    accepts = "research results accepted" if destination.research_results else "research results are not sent there"
    return Check(name=name, verdict=Verdict.OK, seen=f"answers C-ECHO; {accepts}")


def _print(checks: list[Check]) -> None:
    colours = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILED: "red"}
    table = Table(header_style="bold")
    for heading in ("check", "", "seen", "what to do"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        colour = colours[check.verdict]
        table.add_row(check.name, Text(check.verdict, style=colour), Text(check.seen), Text(check.advice))
    Console().print(table)
