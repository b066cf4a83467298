"""`osteonode run`: one folder in, findings out; with a node of its own where none runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from pydicom import dcmread
from rich.console import Console

from node.cli.following import follow
from node.cli.outcome import Left, leave_results
from node.cli.own_node import RunningNode, node_for
from node.cli.sending import send_content
from node.cli.table import print_left
from node.dispatch.dicom_file import DicomFile
from node.dispatch.send_folder import find_dicom_files
from node.domain.errors import InputRejected, TransientFailure
from node.domain.finding import Status
from node.domain.identifiers import Uid


def analyse(study_dir: Path, out: Path, *, json_output: bool, timeout_s: float) -> bool:
    """Send a folder to a node, wait, leave and print the results; whether every file was stored.

    Raises
    ------
    InputRejected
        Where the folder holds no DICOM file, or the node stored none.
    TransientFailure
        Where the results do not come in time, or the analysis failed; the message says where the reason lies.
    """
    console = Console(stderr=True)
    content = find_dicom_files(study_dir)
    out.mkdir(parents=True, exist_ok=True)
    with node_for(out, console) as node:
        stored = send_content(content, node.peer, settings=node.scu, console=console)
        studies = _studies(stored)
        if not studies:
            raise InputRejected("the node stored none of the files; the lines above say why")
        left = [
            _outcome(node, study, out if len(studies) == 1 else out / study, timeout_s=timeout_s, console=console)
            for study in studies
        ]
        for each in left:
            if json_output:
                typer.echo(each.text)
            else:
                print_left(Console(), each)
        if any(each.status is Status.FAILED for each in left):
            raise TransientFailure(f"the analysis failed; {node.evidence}")
    return len(stored) == len(content.files)


def _studies(files: Sequence[DicomFile]) -> tuple[Uid, ...]:
    """The studies of files that a node stored: it has checked their identifiers."""
    found = set()
    for file in files:
        header = dcmread(file.path, specific_tags=["StudyInstanceUID"], stop_before_pixels=True)
        found.add(Uid.from_dicom(str(header.StudyInstanceUID)))
    return tuple(sorted(found))


def _outcome(node: RunningNode, study: Uid, folder: Path, *, timeout_s: float, console: Console) -> Left:
    follow(node.questions, study, timeout_s=timeout_s, console=console)
    return leave_results(node, study, folder, policy=node.triage)
