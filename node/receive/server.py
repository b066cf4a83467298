"""Accepts connections on a socket that several processes share."""

from __future__ import annotations

import socket
import time
from socket import socket as Connection  # noqa: N812 - within the class below, `socket` is pynetdicom's attribute

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.transport import AssociationServer, RequestHandler

from node.receive.association import StoringAssociation, Surroundings
from node.receive.contexts import listener_contexts
from node.receive.transport import PeerSocket

#: A process that has associations already lets the others go first, by so much for each of them, s.
COURTESY_S = 0.002
MAX_COURTESY_S = 0.02
#: Connections that wait in the kernel.
BACKLOG = 128
#: Connections beyond the limit that are kept just long enough to be told so.
MAX_TURNED_AWAY = 16


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket that listens; several processes may accept from it.

    Raises
    ------
    OSError
        Where the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


class _Handler(RequestHandler):
    """Makes the association of a new connection."""

    def _create_association(self) -> StoringAssociation:
        """As pynetdicom's, which copies all presentation contexts for every connection: a quarter of a second."""
        server: SharedSocketServer = self.server
        association = StoringAssociation(self.ae, server.surroundings)
        association._server = server  # noqa: SLF001 - pynetdicom sets it in the same way
        association.name = f"AcceptorThread@{association.name}"  # by this pynetdicom finds a server's associations
        settings = server.surroundings.settings
        association.set_socket(PeerSocket(association, self.request, patience_s=settings.dimse_timeout_s))
        association.acceptor.maximum_length = self.ae.maximum_pdu_size
        association.acceptor.ae_title = server.ae_title
        association.acceptor.address_info = self.local
        association.acceptor.implementation_class_uid = self.ae.implementation_class_uid
        association.acceptor.implementation_version_name = self.ae.implementation_version_name
        association.acceptor.supported_contexts = server.contexts
        association.requestor.address_info = self.remote
        for name, (function, arguments) in server.notifications():
            association.bind(name, function, arguments)
        return association


class SharedSocketServer(AssociationServer):
    """pynetdicom's server on a socket that was bound before, by another process perhaps."""

    socket: Connection

    def __init__(
        self,
        ae: ApplicationEntity,
        shared: Connection,
        surroundings: Surroundings,
        handlers: list[evt.EventHandlerType],
    ) -> None:
        self.surroundings = surroundings
        self._shared = shared
        super().__init__(
            ae,
            shared.getsockname(),
            ae.ae_title,
            list(listener_contexts()),
            evt_handlers=handlers,
            request_handler=_Handler,
        )

    def server_bind(self) -> None:
        """Take the shared socket in place of a new one. Accepting must not block: another process may be faster."""
        self.socket.close()
        self.socket = self._shared
        self.socket.setblocking(False)
        self.server_address = self.socket.getsockname()

    def server_activate(self) -> None:
        """Nothing: the shared socket listens already."""

    def server_close(self) -> None:
        """Close this process's handle. Shutting the socket down would end the other processes' listening, too."""
        self.socket.close()

    def get_request(self) -> tuple[Connection, tuple[str, int]]:
        """The next connection.

        Raises
        ------
        OSError
            Where another process took it; the base class goes on then.
        """
        time.sleep(min(MAX_COURTESY_S, COURTESY_S * self.surroundings.slots.taken_here()))
        connection, address = self.socket.accept()
        connection.setblocking(True)
        return connection, address

    def verify_request(self, request: Connection, client_address: tuple[str, int]) -> bool:
        """Whether the connection is served: not where many are being turned away already."""
        slots = self.surroundings.slots.taken_here()
        return len(self.active_associations) - slots < MAX_TURNED_AWAY

    def notifications(self) -> list[tuple[evt.NotificationEvent, tuple[object, object]]]:
        """The handlers that were bound, one by one."""
        return [
            (name, handler)
            for name, handlers in self._handlers.items()
            if isinstance(name, evt.NotificationEvent)
            for handler in handlers
        ]

    def shutdown(self) -> None:
        """Stop accepting; associations go on."""
        super(AssociationServer, self).shutdown()
        self.server_close()
