"""`osteonode run`: one folder in, findings out; with a node of its own where none runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydicom import dcmread
from rich.console import Console

from node.cli.following import follow
from node.cli.outcome import Left, leave_results
from node.cli.own_node import RunningNode, node_for
from node.cli.sending import send_content
from node.cli.table import print_left
from node.dispatch.send_folder import FolderContent, find_dicom_files
from node.domain.errors import InputRejected, NodeError
from node.domain.finding import Status
from node.domain.identifiers import AETitle, Uid


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("run")(run)


def run(
    study_dir: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of DICOM files.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for result.json, DICOM objects and pictures.")],
    json_output: Annotated[bool, typer.Option("--json", help="Print result.json instead of a table.")] = False,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Longest wait for the results, s.")] = 1800.0,
) -> None:
    """Send a folder to a node by C-STORE, wait, and leave the results in a folder."""
    console = Console(stderr=True)
    content = find_dicom_files(study_dir)
    studies = _studies(content)
    out.mkdir(parents=True, exist_ok=True)
    with node_for(out, console) as node:
        send_content(content, node.listener, calling=AETitle("OSTEONODE-RUN"), console=console)
        outcomes = [
            _outcome(node, study, out if len(studies) == 1 else out / study, timeout_s=timeout_s, console=console)
            for study in studies
        ]
    for outcome in outcomes:
        if json_output:
            typer.echo(outcome.text)
        else:
            print_left(Console(), outcome)
    if any(outcome.status is Status.FAILED for outcome in outcomes):
        raise typer.Exit(1)


def _studies(content: FolderContent) -> tuple[Uid, ...]:
    """The studies of the folder's files, those whose identifier is usable."""
    found = set()
    for file in content.files:
        header = dcmread(file.path, specific_tags=["StudyInstanceUID"], stop_before_pixels=True)
        try:
            found.add(Uid.from_dicom(str(header.get("StudyInstanceUID", ""))))
        except NodeError:
            continue
    if not found:
        raise InputRejected("no file of the folder has a usable Study Instance UID")
    return tuple(sorted(found))


def _outcome(node: RunningNode, study: Uid, folder: Path, *, timeout_s: float, console: Console) -> Left:
    follow(node.questions, study, timeout_s=timeout_s, console=console)
    return leave_results(node, study, folder, policy=node.triage)
