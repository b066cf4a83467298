"""`osteonode status`, `why`, `dead-letters` and `requeue`: what an operator asks the node."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table

from node.cli.json_output import as_json
from node.domain.errors import InputRejected
from node.domain.identifiers import Uid
from node.domain.state import StudyState
from node.settings import load_settings
from node.store.why_text import lines
from node.store.work_table import WorkRow
from node.wiring import Questions, questions

_COLOURS = {
    StudyState.RECEIVING: "cyan",
    StudyState.WORKING: "blue",
    StudyState.DONE: "green",
    StudyState.FAILED: "red",
}


def status(*, json_output: bool, limit: int) -> None:
    """Show studies, work and destinations at a glance."""
    overview = questions(load_settings()).overview.overview(limit=limit)
    if json_output:
        typer.echo(as_json(overview))
        return
    console = Console()
    table = Table(title="Studies", title_justify="left", header_style="bold")
    for heading in ("study", "pseudonym", "revision", "state", "priority", "since"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "study")
    for line in overview.studies:
        colour = _COLOURS[line.state]
        since = f"{line.opened_at.astimezone():%Y-%m-%d %H:%M}"
        shown = f"[{colour}]{line.state}[/{colour}]"
        table.add_row(line.study_uid, line.pseudonym, str(line.revision), shown, line.priority, since)
    console.print(table if overview.studies else "No studies yet.")
    if overview.work:
        console.print("Work: " + ", ".join(f"{each.count} {each.stage} {each.state}" for each in overview.work))
    for resting in overview.resting:
        console.print(
            f"[yellow]{resting.name} does not answer[/yellow]: {resting.failures} failures, asked again at "
            f"{resting.retry_at.astimezone():%H:%M:%S}"
        )


def why(study: str, *, json_output: bool, history: bool) -> None:
    """Say what was chosen and what not, what was done, and what the study waits for."""
    asked = questions(load_settings())
    explanation = asked.explainer.explain(_find(asked, study), now=asked.now())
    if explanation is None:
        raise InputRejected(f"the node knows no study {study}")
    if json_output:
        typer.echo(as_json(explanation))
        return
    for line in lines(explanation, with_history=history):
        typer.echo(line)


def dead_letters(*, json_output: bool) -> None:
    """List the work that was given up."""
    rows = questions(load_settings()).overview.dead_letters()
    if json_output:
        typer.echo(as_json(rows))
        return
    if not rows:
        typer.echo("Nothing was given up.")
        return
    table = Table(header_style="bold")
    for heading in ("work", "study", "stage", "to", "state", "tries", "last failure"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        to = row.item.destination or ""
        table.add_row(
            str(row.item.work_id), row.item.study_uid, row.item.stage, to, row.state, str(row.attempts), row.last_error
        )
    Console().print(table)
    typer.echo("Another try: osteonode requeue STUDY, requeue --destination NAME, or requeue --all")


def requeue_study(study: str) -> None:
    """Give the work of a study that was given up another life."""
    asked = questions(load_settings())
    _tell_requeued(asked.requeuer.study(_find(asked, study), now=asked.now()))


def requeue_destination(name: str) -> None:
    """Give the deliveries to a destination that were given up another life."""
    settings = load_settings()
    configured = [each.name for each in settings.destination]
    if name not in configured:
        known = ", ".join(configured) or "none"
        raise InputRejected(f"{name[:80]} is not a destination of this node; configured are: {known}")
    asked = questions(settings)
    _tell_requeued(asked.requeuer.destination(name, now=asked.now()))


def requeue_everything() -> None:
    """Give all that was given up another life."""
    asked = questions(load_settings())
    _tell_requeued(asked.requeuer.everything(now=asked.now()))


def _tell_requeued(rows: Sequence[WorkRow]) -> None:
    told = {0: "Nothing was given up.", 1: "1 piece of work was made ready again."}
    typer.echo(told.get(len(rows), f"{len(rows)} pieces of work were made ready again."))


def _find(asked: Questions, study: str) -> Uid:
    found = asked.overview.find(study)
    if found is None:
        raise InputRejected(f"the node knows no study {study[:80]}; `osteonode status` lists the studies")
    return found
