"""pynetdicom's application entity as the node uses it to call others."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.transport import AddressInformation, AssociationSocket


class CallingEntity(AE):
    """An application entity that opens associations and keeps none of its own sockets open.

    It steps into two private methods of pynetdicom 3.0.4, because there is no public place for either: the option
    TCP_NODELAY, without which the last packet of every C-STORE waits for up to 40 ms, and closing a socket whose
    connection was refused, which pynetdicom leaves to the garbage collector.
    """

    def associate(self, *args: Any, **kwargs: Any) -> Association:
        """An association, as of pynetdicom, on which answers are left to who waits for them.

        The thread that pynetdicom gives every association looks for requests of the peer. It is to stand still while
        an answer is waited for; where it has just been told to go on and the processor is busy it does not, and may
        take the answer: the object is stored, and the sender waits for the whole time-out. The node offers no service
        on associations that it opens, so nothing needs to be looked for.
        """
        association: Association = super().associate(*args, **kwargs)
        waited_for = association.dimse.get_msg
        association.dimse.get_msg = lambda block=False: waited_for(block=True) if block else (None, None)
        return association

    def _create_socket(
        self, assoc: Association, address: AddressInformation, tls_args: tuple[ssl.SSLContext, str] | None
    ) -> AssociationSocket:
        created = _PromptSocket(assoc, address=address)
        created.tls_args = tls_args
        return created


class _PromptSocket(AssociationSocket):
    """Sends at once, and is closed when it is shut down, whether it was connected or not."""

    def _create_socket(self, address: AddressInformation) -> socket.socket:
        created: socket.socket = super()._create_socket(address)
        created.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return created

    def _shutdown_socket(self) -> None:
        held = self.socket
        super()._shutdown_socket()
        if held is not None:
            held.close()
