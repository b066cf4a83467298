"""What the listener is told: plain values, read from the configuration elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from node.domain.identifiers import AETitle

GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files of DICOM TLS. With `client_ca` every sender must show a certificate that this authority signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """How the listener behaves; times in seconds, sizes in bytes.

    Parameters
    ----------
    store
        Root folder of the store.
    ae_title
        The node's own; a sender that calls another one is rejected.
    host
        Address to bind.
    port
        0 takes a free one.
    processes
        Listener processes that share the socket.
    allowed_calling_aes
        Who may send; empty means that only peers on this machine may.
    max_associations
        At one time, all processes together.
    acse_timeout_s
        Longest wait for an association request, and for a TLS handshake.
    dimse_timeout_s
        Longest silence inside of a message, and longest time for one PDU to arrive.
    network_timeout_s
        Longest silence between messages.
    max_object_bytes
        Largest data set that is accepted.
    min_free_bytes
        With less free disk than this nothing is accepted.
    drain_s
        How long associations may go on after the listener was told to stop.
    """

    store: Path
    ae_title: AETitle
    host: str = "127.0.0.1"
    port: int = 11112
    processes: int = 2
    allowed_calling_aes: frozenset[AETitle] = frozenset()
    max_associations: int = 50
    acse_timeout_s: float = 30.0
    dimse_timeout_s: float = 60.0
    network_timeout_s: float = 60.0
    max_object_bytes: int = 4 * GIB
    min_free_bytes: int = 2 * GIB
    drain_s: float = 5.0
    tls: TlsFiles | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"a port must be from 0 to 65535, got {self.port}")
        if min(self.processes, self.max_associations, self.max_object_bytes) < 1:
            raise ValueError("processes, associations and the largest object must be at least 1")
        if min(self.acse_timeout_s, self.dimse_timeout_s, self.network_timeout_s) <= 0:
            raise ValueError("time-outs must be above 0")
        if min(self.min_free_bytes, self.drain_s) < 0:
            raise ValueError("the free disk and the draining time must not be negative")
