"""The program `osteonode`: runs the node and asks it."""

from __future__ import annotations

import sys

import typer

from node.cli import ask, check, processes, run, send
from node.domain.errors import NodeError

app = typer.Typer(
    name="osteonode",
    help="A DICOM node that reads the spine in scans that were taken for another reason.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for commands in (run, processes, send, ask, check):
    commands.register(app)


def main() -> None:
    """Run the program: exit status 0 for a job done, 1 for a failure that is told in one line, 2 for wrong usage."""
    try:
        app()
    except NodeError as error:
        typer.echo(f"osteonode: {error}", err=True)
        sys.exit(1)
