"""`osteonode-train export`: copies of CT images that nobody can be known by, for training."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.domain.errors import ConfigurationError, InputRejected

if TYPE_CHECKING:
    from training.export.run import ExportSummary, LeftOut

#: Files that are named for each reason; the others are counted.
_NAMED = 10


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("export")(export)


def export(
    folder: Annotated[Path, typer.Argument(help="DICOM files, at any depth.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the copies and manifest.csv; empty or new.")],
    site: Annotated[str, typer.Option(help="What the manifest calls where the scans come from.")] = "site-1",
    key: Annotated[
        Path | None,
        typer.Option(help="Key of the pseudonyms, made where it is not there; without one, no other export has them."),
    ] = None,
    link: Annotated[
        Path | None, typer.Option(help="File, not in OUT, for who is who; without one, nobody can tell any more.")
    ] = None,
    retain_patient_characteristics: Annotated[
        bool, typer.Option("--retain-patient-characteristics", help="Keep sex, age, size and weight (113108).")
    ] = False,
    retain_device_identity: Annotated[
        bool, typer.Option("--retain-device-identity", help="Keep serial number and name of the scanner (113109).")
    ] = False,
) -> None:
    """Write de-identified copies of the CT images in FOLDER by the Basic Profile of DICOM PS3.15, and a manifest."""
    from rich.console import Console
    from rich.progress import Progress

    from training.export.deidentify import Deidentifier
    from training.export.kept import DEVICE_IDENTITY, PATIENT_CHARACTERISTICS
    from training.export.key import kept_key, new_key
    from training.export.run import ExportPlan, export_folder

    if key is not None and key.resolve().is_relative_to(out.resolve()):
        raise ConfigurationError(f"the key {key} must not lie in the export: who has both knows the patients")
    asked = ((retain_patient_characteristics, PATIENT_CHARACTERISTICS), (retain_device_identity, DEVICE_IDENTITY))
    deidentifier = Deidentifier(
        key=new_key() if key is None else kept_key(key), options=tuple(option for wanted, option in asked if wanted)
    )
    plan = ExportPlan(folder=folder, out=out, deidentifier=deidentifier, site=site, link=link)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("exporting", total=None)
        summary = export_folder(plan, lambda done, total: progress.update(bar, completed=done, total=total))
    _tell(summary, plan.folder, out)


def _tell(summary: ExportSummary, folder: Path, out: Path) -> None:
    from training.export.run import MANIFEST

    for line in _told(summary.left_out, folder):
        typer.echo(line, err=True)
    if not summary.images:
        raise InputRejected(f"nothing was exported: none of the files in {folder} is a CT image that may be")
    typer.echo(
        f"images: {summary.images}, series: {summary.series}, patients: {summary.patients}, "
        f"files left out: {len(summary.left_out)}; fill in qct_mg_cm3 or class in {out / MANIFEST}"
    )


def _told(left_out: Iterable[LeftOut], folder: Path) -> Iterable[str]:
    """What was left out and why, by reason."""
    by_reason: dict[str, list[LeftOut]] = {}
    for each in left_out:
        by_reason.setdefault(each.refusal, []).append(each)
    for reason, files in sorted(by_reason.items()):
        yield f"left out, {len(files)}, each {reason}:"
        for each in files[:_NAMED]:
            detail = f" ({each.detail})" if each.detail else ""
            yield f"  {str(each.path.relative_to(folder))!a}{detail}"
        if len(files) > _NAMED:
            yield f"  and {len(files) - _NAMED} more"
