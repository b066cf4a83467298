"""A small C-STORE receiver that leaves results as files: the destination of `osteonode run`."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    Comprehensive3DSRStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    Verification,
)

from node.domain.identifiers import Uid

AE_TITLE = "OSTEONODE-RUN"
_ACCEPTED = (
    Comprehensive3DSRStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    Verification,
)
_SUCCESS = 0x0000
#: PS3.4 table B.2-1, refused: out of resources
_OUT_OF_RESOURCES = 0xA700


class EmbeddedDestination:
    """Receives the node's objects on a free loopback port and writes each to `<folder>/<SOP Instance UID>.dcm`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entity = AE(AE_TITLE)
        for accepted in _ACCEPTED:
            self._entity.add_supported_context(accepted)
        self._server: Any = None

    @property
    def port(self) -> int:
        """The port that it listens on, once entered."""
        port: int = self._server.server_address[1]
        return port

    def file(self, sop_instance_uid: Uid) -> Path:
        """Where an object lies once it has arrived."""
        return self._folder / f"{sop_instance_uid}.dcm"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_C_ECHO, lambda event: _SUCCESS)]
        self._server = self._entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()

    def _store(self, received: Any) -> int:
        target = self.file(Uid(received.request.AffectedSOPInstanceUID))
        partial = target.with_suffix(".part")
        try:
            partial.write_bytes(received.encoded_dataset())
            partial.rename(target)
        except OSError:
            return _OUT_OF_RESOURCES
        return _SUCCESS
