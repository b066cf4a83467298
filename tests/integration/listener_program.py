"""The listener as a service, in processes of its own: `python -m tests.integration.listener_program FOLDER ...`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from node.domain.ports import InstanceIndex
from node.observe.logging import configure_logging
from node.receive.service import Parts, serve
from node.store.engine import open_engine
from node.store.instances import SqlInstanceIndex
from node.store.upgrade import upgrade
from tests.integration.listening import KEY, quick_settings


def main() -> None:
    """Listen until SIGTERM; `FOLDER/port` appears when it does, and holds the port."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--max-associations", type=int, default=10)
    arguments.add_argument("--drain-s", type=float, default=0.2)
    chosen = arguments.parse_args()
    configure_logging("DEBUG")
    folder: Path = chosen.folder
    upgrade(open_engine(database(folder)))
    settings = quick_settings(
        folder / "store",
        processes=chosen.processes,
        max_associations=chosen.max_associations,
        drain_s=chosen.drain_s,
    )
    parts = Parts(make_index=partial(index, folder), pseudonymizer=KEY, configure=partial(configure_logging, "DEBUG"))
    serve(settings, parts, on_ready=lambda port: _tell(folder, port))


def database(folder: Path) -> str:
    """URL of the real index."""
    return f"sqlite:///{folder / 'index.sqlite'}"


def index(folder: Path) -> InstanceIndex:
    """The real index."""
    return SqlInstanceIndex(open_engine(database(folder)))


def _tell(folder: Path, port: int) -> None:
    (folder / "port.new").write_text(str(port))
    (folder / "port.new").rename(folder / "port")


if __name__ == "__main__":
    sys.exit(main())
