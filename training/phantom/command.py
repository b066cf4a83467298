"""`osteonode-train phantom`: make a synthetic study and its truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from node.domain.levels import VertebralLevel
from training.phantom.changes import Fracture, FractureKind, Variant, VariantKind
from training.phantom.spec import PhantomSpec


class Kind(StrEnum):
    """What kind of study is made."""

    CHEST_CT = "chest-ct"
    SPINE_XRAY = "spine-xray"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("phantom")(phantom)


def phantom(  # noqa: PLR0913, PLR0917 - one parameter an option of the command line
    kind: Annotated[Kind, typer.Option(help="What to make.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for study, truth.json and labels.nii.gz.")],
    seed: Annotated[int, typer.Option(help="The person, and the noise.")] = 7,
    trabecular_hu: Annotated[float, typer.Option(help="Mean of the trabecular core of every body, HU.")] = 140.0,
    kvp: Annotated[float, typer.Option(help="Tube voltage, kV.")] = 120.0,
    slice_mm: Annotated[float, typer.Option(help="Thickness of the slices and distance between them, mm.")] = 2.0,
    fracture: Annotated[
        list[str] | None,
        typer.Option(metavar="LEVEL:KIND:PERCENT", help=f"A broken body ({', '.join(FractureKind)}); repeatable."),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVEL:KIND:MM", help=f"What looks like a fracture ({', '.join(VariantKind)}); repeatable."
        ),
    ] = None,
    levels: Annotated[
        str, typer.Option(metavar="FIRST:LAST", help="Highest and lowest vertebra that the scan covers as a whole.")
    ] = "T6:L3",
    cut_at: Annotated[
        VertebralLevel | None, typer.Option(case_sensitive=False, help="End the scan in the middle of this body.")
    ] = None,
    noise_hu: Annotated[float, typer.Option(help="Noise in the middle of the image, HU.")] = 14.0,
    size: Annotated[int, typer.Option(help="Rows and columns of the image.")] = 512,
) -> None:
    """Make a synthetic study in OUT/study, its truth in OUT/truth.json and its labels in OUT/labels.nii.gz."""
    if kind is not Kind.CHEST_CT:
        raise typer.BadParameter(f"{kind} cannot be made yet; {Kind.CHEST_CT} can", param_hint="--kind")
    try:
        first, last = _levels(levels)
        spec = PhantomSpec(
            seed=seed,
            trabecular_hu=trabecular_hu,
            kvp=kvp,
            slice_mm=slice_mm,
            size=size,
            noise_hu=noise_hu,
            first=first,
            last=last,
            cut_at=cut_at,
            fractures=tuple(Fracture.parse(text) for text in fracture or ()),
            variants=tuple(Variant.parse(text) for text in variant or ()),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _make(spec, out)


def _levels(text: str) -> tuple[VertebralLevel, VertebralLevel]:
    names = [name.strip().upper() for name in text.split(":")]
    if len(names) != 2 or not set(names) <= set(VertebralLevel):
        raise ValueError(f"levels are written FIRST:LAST, for example T6:L3; got {text!r}")
    return VertebralLevel(names[0]), VertebralLevel(names[1])


def _make(spec: PhantomSpec, out: Path) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from training.phantom.chest import make_chest_ct
    from training.phantom.study import STUDY_FOLDER, check_free, write_phantom

    check_free(out)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        drawing, writing = progress.add_task("drawing", total=1.0), progress.add_task("writing", total=1.0)
        made = make_chest_ct(spec, lambda share: progress.update(drawing, completed=share))
        write_phantom(made, out, lambda share: progress.update(writing, completed=share))
    typer.echo(f"{made.volume.shape[0]} slices of a synthetic chest CT, seed {spec.seed}, in {out / STUDY_FOLDER}")
