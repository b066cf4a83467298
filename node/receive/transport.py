"""The connection to one peer: pynetdicom's association socket, with deadlines and without copies."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from socket import socket as Connection  # noqa: N812 - within the class below, `socket` is pynetdicom's attribute

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

# Linux: acknowledge at once. A sender with Nagle's algorithm on, as scanners have it, waits for the acknowledgement of
# each half-filled segment, and the kernel would hold it back for 40 ms. Not sticky, so it is asked for again and again.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


#: Twice the longest PDU that is agreed, so that what follows one is read along with it.
BUFFER_BYTES = 1 << 19

#: Longest association request. One with 128 contexts of 60 transfer syntaxes has 200,000 bytes.
MAX_REQUEST_BYTES = 1 << 20


class Wakeup:
    """Ends another thread's wait for a socket."""

    def __init__(self) -> None:
        self._handle = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()

    def ring(self) -> None:
        """End the wait, or the next one; nothing where it is closed already."""
        with self._lock:
            if self._handle >= 0:
                os.eventfd_write(self._handle, 1)

    def clear(self) -> None:
        """Forget what rang."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._handle)

    def fileno(self) -> int:
        """For a poll."""
        return self._handle

    def close(self) -> None:
        """Give the handle back."""
        with self._lock:
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1


class PeerSocket(AssociationSocket):
    """A peer's connection with a buffer, whose reads end: pynetdicom's block for ever where a peer stalls in a PDU.

    Parameters
    ----------
    patience_s
        Longest time for one PDU of the negotiation to arrive, and for one answer to leave.
    """

    socket: Connection | None

    def __init__(self, assoc: Association, client_socket: Connection, *, patience_s: float) -> None:
        super().__init__(assoc, client_socket=client_socket)
        self._patience_s = patience_s
        self._space = memoryview(bytearray(BUFFER_BYTES))
        self._start = self._end = 0
        client_socket.settimeout(patience_s)
        client_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def received(self) -> memoryview:
        """What is in the buffer; valid until the next read."""
        return self._space[self._start : self._end]

    def drop(self, count: int) -> None:
        """Forget the first bytes of the buffer."""
        self._start += count
        if self._start == self._end:
            self._start = self._end = 0

    def receive_more(self) -> bool:
        """Read what there is into the buffer, which must not be full. False where the peer closed the connection.

        Raises
        ------
        OSError
            Where the peer stalls or the connection breaks.
        """
        connection = self.socket
        if connection is None:
            return False
        if self._start and self._end > len(self._space) // 2:
            rest = self.received
            self._space[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        count = connection.recv_into(self._space[self._end :])
        self._end += count
        if _QUICKACK is not None:
            connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return count > 0

    def send_whole(self, data: bytes) -> None:
        """Send all of it. pynetdicom's `send` leaves a failure for its state machine to find, after what is read next.

        Raises
        ------
        OSError
            Where the peer takes none of it for too long, or the connection breaks.
        """
        if self.socket is None:
            raise ConnectionError("the connection is closed")
        self.socket.sendall(data)

    def recv(self, nr_bytes: int) -> bytearray:
        """So many bytes, or fewer where the peer closed the connection: pynetdicom's way to read.

        Raises
        ------
        OSError
            As for `receive_more`, and where they do not come in time.
        """
        if nr_bytes > MAX_REQUEST_BYTES:
            raise OSError(f"a PDU must not be longer than {MAX_REQUEST_BYTES} bytes, got {nr_bytes}")
        data = bytearray()
        deadline = time.monotonic() + self._patience_s
        while len(data) < nr_bytes and (self._end or self.receive_more()):
            part = self.received[: nr_bytes - len(data)]
            data += part
            self.drop(len(part))
            if time.monotonic() > deadline:
                raise TimeoutError(f"a PDU must arrive within {self._patience_s} s")
        return data

    def wait(self, wakeup: Wakeup, timeout_s: float) -> bool:
        """Wait for data, a wake-up or the time-out. Returns whether there is something to read."""
        connection = self.socket
        if connection is None:
            time.sleep(timeout_s)  # the state machine has closed it and waits for its last timer
            return False
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return True
        poll = select.poll()
        try:
            poll.register(connection, select.POLLIN)
        except ValueError:
            return True  # closed by another thread: reading tells the state machine
        poll.register(wakeup.fileno(), select.POLLIN)
        ready = {handle for handle, _ in poll.poll(timeout_s * 1000)}
        if wakeup.fileno() in ready:
            wakeup.clear()
        return bool(ready - {wakeup.fileno()})

    @property
    def ready(self) -> bool:
        """Whether there is something to read now; pynetdicom's own fails above 1024 open files."""
        connection = self.socket
        if connection is None or not self._is_connected:
            return False
        if self._end or (isinstance(connection, ssl.SSLSocket) and connection.pending()):
            return True
        poll = select.poll()
        try:
            poll.register(connection, select.POLLIN)
        except ValueError:
            self.event_queue.put("Evt17")  # transport connection closed
            return False
        return bool(poll.poll(0))

    def secure(self, context: ssl.SSLContext, *, patience_s: float) -> None:
        """Do the TLS handshake, before anything else was read.

        Raises
        ------
        OSError
            Where the peer speaks no TLS that is allowed, shows no certificate that is trusted, or stalls.
        """
        if self.socket is None:
            return
        self.socket.settimeout(patience_s)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.socket.settimeout(self._patience_s)
