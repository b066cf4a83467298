"""Puts the parts of the node together: the only place that knows which adapter serves which port.

What only one kind of process needs is imported where it is put together, so that a GPU worker loads no listener and a
listener no encoder.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import secrets
import socket
import tempfile
import threading
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, make_url

from node.domain.breaker import BreakerPolicy
from node.domain.drift import ScannerReading
from node.domain.errors import ConfigurationError, TransientFailure
from node.domain.identifiers import AETitle
from node.domain.ports import SystemClock
from node.domain.pseudonym import Pseudonymizer
from node.domain.retries import RETRIES
from node.observe.events import Event
from node.observe.logging import configure_logging, event
from node.queueing import CeleryQueue, celery_app
from node.running import LeaseRunner
from node.scanner_readings import scanner_readings
from node.settings import Settings
from node.store.artefacts_store import FileArtefactStore
from node.store.breakers import SqlBreakers
from node.store.closing import RevisionCloser
from node.store.engine import open_engine
from node.store.enqueuing import Enqueuer, QueuePolicy
from node.store.findings_index import FindingsIndex
from node.store.instances import SqlInstanceIndex
from node.store.ledger import LedgerPolicy, SqlWorkLedger
from node.store.lost_workers import LostWorkers
from node.store.outbox import SqlOutbox
from node.store.overview import OverviewReader
from node.store.removed_destinations import RemovedDestinations
from node.store.requeueing import Requeuer
from node.store.results import ResultReader
from node.store.roles import SWEEPER, Role
from node.store.studies import SqlStudyReader
from node.store.sweeper import Sweeper
from node.store.upgrade import schema_version, upgrade
from node.store.why import StudyExplainer

if TYPE_CHECKING:
    from node.dispatch.association import ScuSettings
    from node.receive.settings import ListenerSettings
    from node.task_parts import NodeTaskParts

logger = logging.getLogger(__name__)

KEY_BYTES = 32
MEGABYTE = 1024 * 1024
#: How often the sweeper looks at least; a look at an index with nothing due takes about a millisecond.
SWEEP_EVERY_S = 0.1
#: After an error that may pass the sweeper rests for this long.
REST_S = 2.0


def prepare(settings: Settings) -> None:
    """Make what a node needs before its first process: folders, key, index."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    store_root(settings).mkdir(exist_ok=True, mode=0o700)
    pseudonymizer(settings)
    upgrade(open_engine(settings.database_url))


def store_root(settings: Settings) -> Path:
    """Folder of images, artefacts and objects."""
    return settings.home.resolve() / "store"


def pseudonymizer(settings: Settings) -> Pseudonymizer:
    """The pseudonyms of this site; its key is made at the first start and stays in a file that only the owner reads."""
    file = settings.home / "pseudonym.key"
    if not file.exists():
        _make_key(file)
    return Pseudonymizer(file.read_bytes())


def _make_key(file: Path) -> None:
    """Write a new key whole or not at all; where two processes do so at once, the first one's stays."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    with os.fdopen(descriptor, "wb") as out:
        out.write(secrets.token_bytes(KEY_BYTES))
        out.flush()
        os.fsync(out.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(name, file)
    finally:
        Path(name).unlink()


def code_version() -> str:
    """Version of the installed distribution."""
    return metadata.version("osteonode")


def worker_name(kind: str) -> str:
    """Name of this process in leases and logs."""
    return f"{kind}@{socket.gethostname()}:{os.getpid()}"


def index_version(settings: Settings) -> str | None:
    """Revision of the index's schema, or `None` where the index has not been made.

    Raises
    ------
    TransientFailure
        Where the index cannot be read.
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return None
    return schema_version(open_engine(settings.database_url))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerAdapters:
    """What a GPU worker is given; the adapters of the ports that it reaches the node through."""

    runner: LeaseRunner
    reader: SqlStudyReader
    artefacts: FileArtefactStore
    ledger: SqlWorkLedger


def worker_adapters(settings: Settings) -> WorkerAdapters:
    """The adapters of a GPU worker that shares the node's folder and index."""
    engine = open_engine(settings.database_url)
    return WorkerAdapters(
        runner=_runner(settings, engine, "gpu"),
        reader=SqlStudyReader(engine, store_root(settings)),
        artefacts=FileArtefactStore(store_root(settings)),
        ledger=_ledger(settings, engine),
    )


def node_task_parts(settings: Settings) -> NodeTaskParts:
    """The parts of the tasks `encode` and `deliver`."""
    from node.dispatch.deliver import Delivery
    from node.dispatch.pool import AssociationPool
    from node.encode_stage import Encoding, EncodingSettings
    from node.object_files import ObjectFiles
    from node.task_parts import NodeTaskParts

    engine, root = open_engine(settings.database_url), store_root(settings)
    outbox = SqlOutbox(engine)
    associations = AssociationPool(scu_settings(settings))
    return NodeTaskParts(
        runner=_runner(settings, engine, "node"),
        encoding=Encoding(
            ledger=_ledger(settings, engine),
            artefacts=FileArtefactStore(root),
            studies=SqlStudyReader(engine, root),
            outbox=outbox,
            objects=ObjectFiles(root),
            settings=EncodingSettings(
                station=settings.ae_title,
                triage_policy=settings.triage_policy,
                code_version=code_version(),
                configuration_sha256=settings.analysis_sha256,
            ),
        ),
        delivery=Delivery(
            outbox=outbox,
            breakers=SqlBreakers(engine, SystemClock(), BreakerPolicy()),
            store_root=root,
            destinations={each.name: each for each in settings.destinations},
            sender=associations,
        ),
        associations=associations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What the command line asks the index."""

    overview: OverviewReader
    explainer: StudyExplainer
    requeuer: Requeuer
    results: ResultReader
    findings: FindingsIndex
    reader: SqlStudyReader
    artefacts: FileArtefactStore
    store: Path
    clock: SystemClock

    def now(self) -> datetime.datetime:
        """The current time."""
        return self.clock.now()


def questions(settings: Settings) -> Questions:
    """The index as the command line asks it.

    Raises
    ------
    ConfigurationError
        Where this home has no index yet.
    """
    if index_version(settings) is None:
        raise ConfigurationError(f"no node has run on {settings.home} yet; start one with `osteonode up`")
    engine, root = open_engine(settings.database_url), store_root(settings)
    return Questions(
        overview=OverviewReader(engine, pseudonymizer(settings)),
        explainer=StudyExplainer(engine, settings.completeness.policy()),
        requeuer=Requeuer(engine, _enqueuer(settings, engine)),
        results=ResultReader(engine),
        findings=FindingsIndex(engine),
        reader=SqlStudyReader(engine, root),
        artefacts=FileArtefactStore(root),
        store=root,
        clock=SystemClock(),
    )


def readings_of_scanners(settings: Settings) -> tuple[ScannerReading, ...]:
    """What tissues read in all studies, by scanner and day.

    Raises
    ------
    ConfigurationError
        Where this home has no index yet.
    """
    asked = questions(settings)
    return tuple(scanner_readings(asked.findings.newest(), asked.artefacts, pseudonymizer(settings)))


def scu_settings(settings: Settings) -> ScuSettings:
    """How the node calls others."""
    from node.dispatch.association import ScuSettings
    from node.dispatch.tls import client_context

    title, dispatch = AETitle(settings.ae_title), settings.dispatch
    if dispatch.tls_certificate is None or dispatch.tls_key is None or dispatch.tls_authorities is None:
        return ScuSettings(calling_ae=title)
    context = client_context(
        certificate=dispatch.tls_certificate, key=dispatch.tls_key, authorities=dispatch.tls_authorities
    )
    return ScuSettings(calling_ae=title, tls=context)


def run_listener(settings: Settings) -> None:
    """Listen until told to stop."""
    from node.receive.service import Parts, serve

    prepare(settings)
    parts = Parts(
        make_index=partial(_instance_index, settings.database_url),
        pseudonymizer=pseudonymizer(settings),
        configure=partial(configure_logging, settings.log_level),
    )
    ready = listener_ready_file(settings)
    ready.unlink(missing_ok=True)
    try:
        serve(_listener_settings(settings), parts, on_ready=lambda port: _announce(ready, port))
    finally:
        ready.unlink(missing_ok=True)


def listener_ready_file(settings: Settings) -> Path:
    """Holds the port while every listener process accepts associations."""
    return settings.home / "listen.ready"


def _announce(ready: Path, port: int) -> None:
    partial_file = ready.with_suffix(".part")
    partial_file.write_text(f"{port}\n")
    partial_file.rename(ready)


def run_sweeper(settings: Settings, stop: threading.Event) -> None:
    """Sweep until told to stop."""
    prepare(settings)
    engine, clock = open_engine(settings.database_url), SystemClock()
    sweeper = Sweeper(
        role=Role(engine, SWEEPER, holder=worker_name("sweep")),
        closer=RevisionCloser(
            engine,
            rules=settings.rules,
            completeness=settings.completeness.policy(),
            pseudonyms=pseudonymizer(settings),
        ),
        lost_workers=LostWorkers(engine, retries=RETRIES, pseudonyms=pseudonymizer(settings)),
        removed_destinations=RemovedDestinations(engine, configured=[each.name for each in settings.destination]),
        enqueuer=_enqueuer(settings, engine),
    )
    pause_s = SWEEP_EVERY_S
    while not stop.wait(pause_s):
        try:
            swept = sweeper.sweep_once(clock.now())
        except TransientFailure:
            logger.exception("the sweep failed and is tried again", extra=event(Event.UNEXPECTED_ERROR))
            pause_s = REST_S
        else:
            pause_s = sweep_pause_s(swept.next_closing_at, now=clock.now())
    sweeper.stop(clock.now())


def sweep_pause_s(next_closing_at: datetime.datetime | None, *, now: datetime.datetime) -> float:
    """How long the sweeper may sleep: not beyond the end of a quiet period."""
    if next_closing_at is None:
        return SWEEP_EVERY_S
    return min(SWEEP_EVERY_S, max(0.0, (next_closing_at - now).total_seconds()))


def _instance_index(url: str) -> SqlInstanceIndex:
    return SqlInstanceIndex(open_engine(url))


def _listener_settings(settings: Settings) -> ListenerSettings:
    from node.receive.settings import ListenerSettings, TlsFiles

    listen = settings.listen
    tls = None
    if listen.tls_certificate is not None and listen.tls_key is not None:
        tls = TlsFiles(certificate=listen.tls_certificate, key=listen.tls_key, client_ca=listen.tls_client_ca)
    return ListenerSettings(
        store=store_root(settings),
        ae_title=AETitle(settings.ae_title),
        host=listen.host,
        port=listen.port,
        processes=listen.processes,
        allowed_calling_aes=frozenset(AETitle(title) for title in listen.allowed_calling_aes),
        max_associations=listen.max_associations,
        acse_timeout_s=listen.acse_timeout_s,
        dimse_timeout_s=listen.dimse_timeout_s,
        network_timeout_s=listen.network_timeout_s,
        max_object_bytes=listen.max_object_mb * MEGABYTE,
        min_free_bytes=listen.min_free_disk_mb * MEGABYTE,
        tls=tls,
    )


def _enqueuer(settings: Settings, engine: Engine) -> Enqueuer:
    app = celery_app("osteonode.sender", settings.broker_url)
    return Enqueuer(
        engine,
        CeleryQueue(app, pseudonymizer(settings)),
        QueuePolicy(message_s=settings.broker.message_s),
        destinations=[each.name for each in settings.destinations],
    )


def _ledger(settings: Settings, engine: Engine) -> SqlWorkLedger:
    return SqlWorkLedger(
        engine,
        SystemClock(),
        enqueuer=_enqueuer(settings, engine),
        policy=LedgerPolicy(lease_s=settings.workers.lease_s, destinations=settings.destinations),
    )


def _runner(settings: Settings, engine: Engine, kind: str) -> LeaseRunner:
    return LeaseRunner(_ledger(settings, engine), worker_name(kind), pseudonyms=pseudonymizer(settings))
