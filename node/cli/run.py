"""`osteonode run`: one folder in, findings out; with a node of its own where none runs."""

from __future__ import annotations

from pathlib import Path

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


def analyse(study_dir: Path, out: Path, *, json_output: bool, timeout_s: float) -> bool:
    """Send a folder to a node, wait, leave and print the results; whether nothing failed.

    Raises
    ------
    InputRejected
        Where the folder holds no DICOM file with a usable study.
    TransientFailure
        Where the results do not come in time.
    """
    console = Console(stderr=True)
    content = find_dicom_files(study_dir)
    studies = _studies(content)
    out.mkdir(parents=True, exist_ok=True)
    with node_for(out, console) as node:
        send_content(content, node.listener, calling=AETitle("OSTEONODE-RUN"), console=console)
        left = [
            _outcome(node, study, out if len(studies) == 1 else out / study, timeout_s=timeout_s, console=console)
            for study in studies
        ]
    for each in left:
        if json_output:
            typer.echo(each.text)
        else:
            print_left(Console(), each)
    return all(each.status is not Status.FAILED for each in left)


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
