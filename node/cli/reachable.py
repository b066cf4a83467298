"""Whether something listens on an address of this machine."""

from __future__ import annotations

import socket

_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def local_address(host: str) -> str:
    """The address under which this machine reaches what is bound to `host`."""
    return "127.0.0.1" if host in _ANY_ADDRESS else host


def something_listens(host: str, port: int) -> bool:
    """Whether a connection is accepted there within a second."""
    try:
        with socket.create_connection((local_address(host), port), timeout=1.0):
            return True
    except OSError:
        return False
