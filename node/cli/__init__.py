"""The program `osteonode`: runs the node and asks it.

Each command loads what it needs when it is called, so that help and wrong usage answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from node.domain.errors import NodeError

app = typer.Typer(
    name="osteonode",
    help="A DICOM node that reads the spine in scans that were taken for another reason.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of DICOM files.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Study = Annotated[str, typer.Argument(metavar="STUDY", help="Study Instance UID, or the pseudonym that logs show.")]


@app.command()
def run(
    study_dir: Folder,
    out: Annotated[Path, typer.Option("--out", help="Folder for result.json, DICOM objects and pictures.")],
    json_output: Annotated[bool, typer.Option("--json", help="Print result.json instead of a table.")] = False,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Longest wait for the results, s.")] = 1800.0,
) -> None:
    """Analyse a folder: send it to a node by C-STORE, wait, and leave the results in another folder."""
    from node.cli.run import analyse

    if not analyse(study_dir, out, json_output=json_output, timeout_s=timeout_s):
        raise typer.Exit(1)


@app.command()
def up() -> None:
    """Run the whole node on this machine: Redis, listener, sweeper, Celery workers, flower."""
    from node.cli import processes

    processes.up()


@app.command()
def listen() -> None:
    """Receive images by C-STORE."""
    from node.cli import processes

    processes.listen()


@app.command()
def sweep() -> None:
    """Find complete studies, lost work and due retries."""
    from node.cli import processes

    processes.sweep()


@app.command()
def send(
    study_dir: Folder,
    to: Annotated[str, typer.Option("--to", metavar="AET@HOST:PORT", help="Where to send them.")],
) -> None:
    """Send all DICOM files of a folder by C-STORE."""
    from node.cli.sending import send_folder

    if not send_folder(study_dir, to):
        raise typer.Exit(1)


@app.command()
def status(json_output: Json = False, limit: Annotated[int, typer.Option(min=1, help="Most studies.")] = 20) -> None:
    """Show studies, work and destinations at a glance."""
    from node.cli import ask

    ask.status(json_output=json_output, limit=limit)


@app.command()
def why(
    study: Study,
    json_output: Json = False,
    history: Annotated[bool, typer.Option("--history", help="Print all that happened, too.")] = False,
) -> None:
    """Say what was chosen and what not, what was done, and what the study waits for."""
    from node.cli import ask

    ask.why(study, json_output=json_output, history=history)


@app.command("dead-letters")
def dead_letters(json_output: Json = False) -> None:
    """List the work that was given up."""
    from node.cli import ask

    ask.dead_letters(json_output=json_output)


@app.command()
def requeue(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="A study's UID or pseudonym.")] = None,
    destination: Annotated[str | None, typer.Option("--destination", help="All deliveries to this one.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that was given up.")] = False,
) -> None:
    """Give what was given up another life: of a study, of a destination, or all of it."""
    from node.cli import ask

    match study, destination, everything:
        case str(), None, False:
            ask.requeue_study(study)
        case None, str(), False:
            ask.requeue_destination(destination)
        case None, None, True:
            ask.requeue_everything()
        case _:
            raise typer.BadParameter("expected one of STUDY, --destination NAME and --all")


@app.command()
def drift(
    out: Annotated[Path, typer.Option("--out", help="Folder for pictures, drift.json and drift.csv.")],
) -> None:
    """Show whether scanners' CT numbers have moved: air, fat, muscle and blood of all studies over time."""
    from node.cli.drift import draw_drift

    draw_drift(out)


@app.command()
def doctor(json_output: Json = False) -> None:
    """Check everything that the node needs, and say what to do about what is missing."""
    from node.cli.check import doctor

    if not doctor(json_output=json_output):
        raise typer.Exit(1)


def main() -> None:
    """Run the program: exit status 0 for a job done, 1 for a failure that is told in one line, 2 for wrong usage."""
    try:
        app()
    except NodeError as error:
        typer.echo(f"osteonode: {error}", err=True)
        sys.exit(1)
