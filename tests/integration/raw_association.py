"""A DICOM sender made of bytes: does what a well-behaved one would never do."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from node.receive.commands import command_elements

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
COMMAND_LAST, DATA, DATA_LAST = 0x03, 0x00, 0x02
A_ASSOCIATE_AC, A_ASSOCIATE_RJ, P_DATA_TF, A_RELEASE_RP, A_ABORT = 0x02, 0x03, 0x04, 0x06, 0x07


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A data set as bytes, and what the command says of it."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    content: bytes


class Rejected(Exception):
    """The association was rejected: result, source, diagnostic."""


class Aborted(Exception):
    """The peer aborted the association or closed the connection."""


class RawAssociation:
    """An association as requestor. Entered, it is established; left, it is released."""

    def __init__(
        self,
        port: int,
        contexts: Sequence[tuple[str, str]],
        *,
        calling: str = "SENDER",
        called: str = "OSTEONODE",
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self.connection = socket.socket()
        self.connection.settimeout(30)
        if receive_buffer is not None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.connection.connect((host, port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.connection = tls.wrap_socket(self.connection, server_hostname=host)  # closes it where it fails
        self._request = _associate_request(contexts, calling, called)
        self._contexts = {context: 2 * number + 1 for number, context in enumerate(contexts)}
        self._message_id = 0

    def __enter__(self) -> Self:
        try:
            self.connection.sendall(self._request)
            kind, body = self.receive()
        except (Aborted, OSError):
            self.connection.close()
            raise
        if kind == A_ASSOCIATE_RJ:
            self.connection.close()
            raise Rejected(*body[1:4])
        assert kind == A_ASSOCIATE_AC
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.connection.fileno() >= 0:
            self.connection.sendall(struct.pack(">BxL4x", 0x05, 4))
            assert self.receive()[0] == A_RELEASE_RP
        self.connection.close()

    def context(self, sent: Encoded) -> int:
        """The presentation context of an object."""
        return self._contexts[sent.sop_class, sent.transfer_syntax]

    def begin(self, sent: Encoded) -> int:
        """Send the command of a C-STORE, and give its context."""
        self._message_id += 1
        context = self.context(sent)
        self.send(context, COMMAND_LAST, store_command(sent.sop_class, sent.sop_instance, self._message_id))
        return context

    def store(self, sent: Encoded, *, piece: int = 65_536) -> int:
        """Send an object in pieces. Returns the status of the response."""
        context = self.begin(sent)
        starts = range(0, max(1, len(sent.content)), piece)
        for start in starts:
            is_last = start + piece >= len(sent.content)
            self.send(context, DATA_LAST if is_last else DATA, sent.content[start : start + piece])
        return self.status()

    def status(self) -> int:
        """The status of the next response."""
        return self.response()[0x0900]

    def response(self) -> dict[int, int]:
        """The numbers of the next response's command set, by element."""
        kind, body = self.receive()
        assert kind == P_DATA_TF
        elements = command_elements(body[6:])
        return {tag: int.from_bytes(value, "little") for tag, value in elements.items() if len(value) == 2}

    def send(self, context: int, control: int, data: bytes) -> None:
        """Send one presentation data value in a PDU of its own."""
        header = struct.pack(">BxLLBB", P_DATA_TF, len(data) + 6, len(data) + 2, context, control)
        self.connection.sendall(header + data)

    def receive(self) -> tuple[int, bytes]:
        """The next PDU: its type and its bytes behind the length."""
        header = self._exactly(6)
        kind, length = struct.unpack(">BxL", header)
        body = self._exactly(length)
        if kind == A_ABORT:
            raise Aborted
        return kind, body

    def _exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            try:
                more = self.connection.recv(count - len(received))
            except (ConnectionError, ssl.SSLError) as error:
                raise Aborted from error
            if not more:
                raise Aborted
            received += more
        return received


def store_command(sop_class: str, sop_instance: str, message_id: int, *, data_set: int = 0x0000) -> bytes:
    """An encoded C-STORE-RQ with whatever identifiers."""
    body = _element(0x0002, _even(sop_class.encode("latin-1")))
    body += _element(0x0100, struct.pack("<H", 0x0001)) + _element(0x0110, struct.pack("<H", message_id))
    body += _element(0x0700, struct.pack("<H", 0)) + _element(0x0800, struct.pack("<H", data_set))
    body += _element(0x1000, _even(sop_instance.encode("latin-1")))
    return _element(0x0000, struct.pack("<I", len(body))) + body


def _element(element: int, value: bytes) -> bytes:
    return struct.pack("<HHI", 0, element, len(value)) + value


def _even(value: bytes) -> bytes:
    return value + b"\x00" if len(value) % 2 else value


def _item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(content)) + content


def _associate_request(contexts: Sequence[tuple[str, str]], calling: str, called: str) -> bytes:
    """PS3.8 table 9-11."""
    items = _item(0x10, APPLICATION_CONTEXT.encode())
    for number, (abstract, transfer) in enumerate(contexts):
        syntaxes = _item(0x30, abstract.encode()) + _item(0x40, transfer.encode())
        items += _item(0x20, bytes([2 * number + 1, 0, 0, 0]) + syntaxes)
    items += _item(0x50, _item(0x51, struct.pack(">L", 16_384)) + _item(0x52, b"1.2.3"))
    body = struct.pack(">Hxx16s16s32x", 1, called.encode().ljust(16), calling.encode().ljust(16)) + items
    return struct.pack(">BxL", 0x01, len(body)) + body
