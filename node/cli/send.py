"""`osteonode send`: send a folder of DICOM files to any node or PACS."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from node.domain.destination import Destination
from node.domain.errors import ConfigurationError
from node.domain.identifiers import AETitle
from node.settings import load_settings

_ADDRESS = re.compile(r"(?P<title>[^@]+)@(?P<host>[^:@]+|\[[0-9a-fA-F:]+\]):(?P<port>\d+)")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("send")(send)


def send(
    study_dir: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of DICOM files.")],
    to: Annotated[str, typer.Option("--to", metavar="AET@HOST:PORT", help="Where to send them.")],
) -> None:
    """Send all DICOM files of a folder by C-STORE."""
    from node.cli.sending import send_with_progress

    if not send_with_progress(study_dir, peer(to), calling=AETitle(load_settings().ae_title)):
        raise typer.Exit(1)


def peer(address: str) -> Destination:
    """The peer that AET@HOST:PORT names.

    Raises
    ------
    ConfigurationError
        Where the text does not have that form.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ConfigurationError(f"a peer is written AET@HOST:PORT, for example PACS@192.0.2.1:104; got {address!r}")
    title, host, port = AETitle(match["title"]), match["host"].strip("[]"), int(match["port"])
    try:
        return Destination(name="peer", host=host, port=port, ae_title=title)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
