"""Sending with a progress bar, and a line for every file that was not stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from node.dispatch.association import ScuSettings
from node.dispatch.dicom_file import DicomFile
from node.dispatch.send_folder import FolderContent, NotSent, Sent, find_dicom_files, send_files
from node.domain.destination import Destination
from node.domain.errors import ConfigurationError
from node.domain.identifiers import AETitle
from node.settings import load_settings

_ADDRESS = re.compile(r"(?P<title>[^@]+)@(?P<host>[^:@]+|\[[0-9a-fA-F:]+\]):(?P<port>\d+)")
#: So many lines about single files are printed; the rest is counted.
MOST_LINES = 10


def send_folder(folder: Path, to: str) -> bool:
    """Send a folder to the peer AET@HOST:PORT and print what happened; whether every DICOM file was stored."""
    destination = peer(to)
    content = find_dicom_files(folder)
    settings = ScuSettings(calling_ae=AETitle(load_settings().ae_title))
    stored = send_content(content, destination, settings=settings, console=Console(stderr=True))
    return len(stored) == len(content.files)


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


def send_content(
    content: FolderContent, destination: Destination, *, settings: ScuSettings, console: Console
) -> tuple[DicomFile, ...]:
    """Send what was found in a folder and print what happened; the files that were stored."""
    failures = _send(content.files, destination, settings, console)
    _report(console, "no DICOM files, and not sent", content.others)
    _report(console, "not stored", failures)
    failed = {failure.file for failure in failures}
    return tuple(file for file in content.files if file.path not in failed)


def _send(
    files: Sequence[DicomFile], destination: Destination, settings: ScuSettings, console: Console
) -> tuple[NotSent, ...]:
    failures = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("sending", total=len(files))
        for told in send_files(files, destination, settings=settings):
            progress.advance(bar)
            if isinstance(told, NotSent):
                failures.append(told)
            elif isinstance(told, Sent) and told.warning:
                console.print(f"[yellow]stored with a warning:[/yellow] {told.file.name}: {told.warning}")
    return tuple(failures)


def _report(console: Console, heading: str, failures: Sequence[NotSent]) -> None:
    if not failures:
        return
    console.print(f"[yellow]{heading}: {len(failures)}[/yellow]")
    for failure in failures[:MOST_LINES]:
        status = "" if failure.status is None else f" (status {failure.status:04X}H)"
        console.print(f"  {failure.file.name}: {failure.because}{status}", highlight=False)
    if len(failures) > MOST_LINES:
        console.print(f"  and {len(failures) - MOST_LINES} more")
