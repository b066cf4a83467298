"""What all pictures are drawn with: a black page, words and outlines that can be read on any grey."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

#: What is grey between black and white, HU: bone and soft tissue.
WINDOW_HU = (-200.0, 500.0)

#: Bodies that were or can be measured, and others; each with a second shade for neighbours that overlap.
MEASURED, REFUSED = ("#35d07f", "#28a865"), ("#f2b134", "#c98f1f")
#: The region that was measured.
REGION = "#5cc8ff"
QUIET = "#b9c3cc"

#: Share of a voxel from which it counts as inside a body.
INSIDE = 0.5


def write(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    *,
    colour: str = QUIET,
    align: Literal["left", "center", "right"] = "center",
    of_axes: bool = False,
    size: float = 8.0,
) -> None:
    """A word that can be read on any grey, at a voxel or, `of_axes`, at a share of the panel from its lower left."""
    written = axes.annotate(
        text,
        place,
        xycoords="axes fraction" if of_axes else "data",
        color=colour,
        fontsize=size,
        ha=align,
        va="center",
        annotation_clip=False,
    )
    # A long word may leave its panel, and must not make all of them smaller.
    written.set_in_layout(False)
    written.set_path_effects([withStroke(linewidth=2.0, foreground="black")])


def draw_outline(
    axes: Axes,
    shown: NDArray[np.float32],
    *,
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    colour: str,
    width: float = 0.9,
) -> None:
    """The edge of what is inside by shares from 0 to 1, at these columns and rows of the panel."""
    if shown.max() > INSIDE > shown.min():
        axes.contour(columns, rows, shown, levels=[INSIDE], colors=[colour], linewidths=width)


def scale_bar(axes: Axes, *, length_mm: float, step_mm: float) -> None:
    """A bar in the lower right corner of a panel whose pixels are so far apart."""
    (_, right), (bottom, _) = axes.get_xlim(), axes.get_ylim()
    end, row = right - 9.0 / step_mm, bottom - 9.0 / step_mm
    stroke = withStroke(linewidth=4.0, foreground="black")
    axes.plot((end - length_mm / step_mm, end), (row, row), color=QUIET, linewidth=2.0, path_effects=[stroke])
    write(axes, f"{length_mm:g} mm", (end, row - 9.0 / step_mm), align="right")


def to_png(figure: Figure, *, dots_per_inch: int) -> bytes:
    """The page as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch, facecolor="black")
    return buffer.getvalue()
