"""A C-STORE receiver that answers what the test tells it to, for what no real archive does on demand."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification

from node.domain.destination import Destination
from node.domain.identifiers import AETitle
from tests.peers import free_port

UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


@dataclass
class ScriptedScp:
    """What the receiver will answer, and what it has seen so far.

    `answers` are statuses for the next C-STOREs, `"abort"` and `"silence"` among them; then it answers success.
    `silence_s` is the longest silence, which ends with the receiver.
    """

    port: int
    answers: list[int | str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    syntaxes: list[str] = field(default_factory=list)
    data_sets: list[bytes] = field(default_factory=list)
    associations: int = 0
    released: int = 0
    silence_s: float = 10.0
    silent: int = 0
    idle: threading.Event = field(default_factory=threading.Event)

    def destination(self, name: str = "pacs", *, tls: bool = False, research_results: bool = True) -> Destination:
        """This receiver as a destination."""
        return Destination(
            name=name,
            host="localhost" if tls else "127.0.0.1",
            port=self.port,
            ae_title=AETitle("SCRIPTED"),
            tls=tls,
            research_results=research_results,
        )

    def on_store(self, event: Event) -> int:
        """Answer as scripted."""
        answer = self.answers.pop(0) if self.answers else 0x0000
        if answer == "abort":
            event.assoc.abort()
            return 0x0000
        if answer == "silence":
            self.silent += 1
            self.idle.wait(self.silence_s)
            return 0x0000
        self.stored.append(str(event.request.AffectedSOPInstanceUID))
        self.syntaxes.append(str(event.context.transfer_syntax))
        self.data_sets.append(event.request.DataSet.getvalue())
        return int(answer)

    def on_accepted(self, event: Event) -> None:
        """Count."""
        self.associations += 1

    def on_released(self, event: Event) -> None:
        """Count."""
        self.released += 1


@contextlib.contextmanager
def scripted_scp(
    *answers: int | str,
    syntaxes: Sequence[str] = UNCOMPRESSED,
    sop_classes: Sequence[str] | None = None,
    require_calling: Sequence[str] = (),
    require_called: bool = False,
    maximum: int = 10,
    tls: ssl.SSLContext | None = None,
    port: int | None = None,
) -> Iterator[ScriptedScp]:
    """A running receiver."""
    scp = ScriptedScp(port=port or free_port(), answers=list(answers))
    entity = AE(ae_title="SCRIPTED" if not require_called else "OTHER")
    entity.maximum_associations = maximum
    entity.require_calling_aet = list(require_calling)
    entity.require_called_aet = require_called
    entity.maximum_pdu_size = 0
    classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts]
    for sop_class in [Verification, *(classes if sop_classes is None else sop_classes)]:
        entity.add_supported_context(sop_class, list(syntaxes))
    handlers = [
        (evt.EVT_C_STORE, scp.on_store),
        (evt.EVT_C_ECHO, lambda _: 0x0000),
        (evt.EVT_ACCEPTED, scp.on_accepted),
        (evt.EVT_RELEASED, scp.on_released),
    ]
    entity.start_server(("127.0.0.1", scp.port), block=False, evt_handlers=handlers, ssl_context=tls)
    try:
        yield scp
    finally:
        scp.idle.set()
        _let_end(entity)
        entity.shutdown()


def _let_end(entity: AE, *, patience_s: float = 1.0) -> None:
    """Wait a while for associations that are rejected or released to be over.

    pynetdicom's shutdown aborts every association there is. For one that awaits the end of its connection (Sta13 of
    PS3.8 section 9.2) an abort is no valid event, and its thread dies of it.
    """
    deadline = time.monotonic() + patience_s
    for association in entity.active_associations:
        association.join(max(0.0, deadline - time.monotonic()))
