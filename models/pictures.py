"""Pictures of what was found: the spine from the side and from the front, with outlines and names."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy import ndimage, optimize

from models.box import Box, corner, size, whole
from models.drawing import INSIDE, MEASURED, QUIET, REFUSED, WINDOW_HU, draw_outline, scale_bar, to_png, write
from models.interpolate import box_on_grid, on_grid, with_margin
from models.resample import to_network_grid
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Float32, Volume

#: Stands on every picture, as it does on every object made with research models.
RESEARCH = "research use only"

#: Grid of the picture, mm.
_SPACING_MM = 1.5

#: The curved cut averages over this much to each side, mm, as a reader scrolls.
_HALF_SLAB_MM = 3.0

#: The projection shows bone alone, HU, and is wide enough for the ribs, mm to each side of the spine.
_BONE_HU = (120.0, 900.0)
_HALF_CHEST_MM = 190.0

_WIDTH_INCHES = 9.0

#: A series of any length makes a picture that can be opened.
_HIGHEST_INCHES = 30.0
_LETTERS_IN_A_LINE = 150

#: What is shown to each side of the spine, mm.
_HALF_WIDTH_MM = 130.0

#: Names stand this far from the outline of their body, mm; a line of them is so high and a letter so wide.
_NAME_OFFSET_MM = 5.0
_LINE_MM, _LETTER_MM = 8.5, 4.0

#: Length of the scale bar, mm.
_SCALE_MM = 50.0

_DOTS_PER_INCH = 110


def draw_spine(volume: Volume, spine: SpineSegmentation) -> bytes:
    """A PNG: cuts through the middle of the bodies, sagittal and coronal, that follow the spine, and a projection.

    Bodies with a name that are whole are green, others yellow; whether they are sound is judged later. Beside each
    stands how sure its name is. The projection shows the brightest voxel from front to back, by which ribs can be
    counted. It carries no identity.
    """
    grid = to_network_grid(volume, (_SPACING_MM,) * 3)
    bodies = _bodies_on(grid, spine)
    centroids = np.array([vertebra.centroid_lps_mm for vertebra in spine.vertebrae])
    places = grid.affine.to_index(centroids)
    figure, (side, front, projection) = _sheet(grid)
    for axes, axis in ((side, 2), (front, 1)):
        _draw_cut(axes, grid, bodies, places, axis=axis)
    _draw_projection(projection, grid, bodies, places)
    _explain(side, "cut along the spine, from the side", left="A", right="P")
    _explain(front, "cut along the spine, from the front", left="R", right="L")
    _explain(projection, "brightest voxel, from the front", left="R", right="L")
    scale_bar(projection, length_mm=_SCALE_MM, step_mm=_SPACING_MM)
    figure.suptitle(f"OsteoNode, {RESEARCH}{_sure(spine)}", color="white", fontsize=11)
    keys = [
        Line2D([], [], color=colours[0], label=meaning)
        for colours, meaning in (
            (MEASURED, "named and whole"),
            (REFUSED, "no level, cut, or implausible: not measured"),
        )
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=2, frameon=False, labelcolor=QUIET, fontsize=9)
    return to_png(figure, dots_per_inch=_DOTS_PER_INCH)


def draw_refused(volume: Volume, reason: Reason) -> bytes:
    """A PNG of a scan in which nothing could be evaluated, and why: two cuts through its brightest part, a projection.

    Which side is which is what the header says. Where the values are no HU, black and white are those of the scan.
    """
    grid = to_network_grid(volume, (_SPACING_MM,) * 3)
    low, bright, high = np.percentile(grid.hu, (1.0, 98.0, 99.9))
    as_stored = reason.code is ReasonCode.NOT_HU
    limits = (float(low), float(high)) if as_stored else WINDOW_HU
    bone = (float(bright), float(high)) if as_stored else _BONE_HU
    middle = [round(float(np.median(places))) for places in np.nonzero(grid.hu >= bright)]
    figure, (side, front, projection) = _sheet(grid)
    for axes, picture, (black, white), centre, half_mm in (
        (side, _slab(grid, middle[2], axis=2), limits, middle[1], _HALF_WIDTH_MM),
        (front, _slab(grid, middle[1], axis=1), limits, middle[2], _HALF_WIDTH_MM),
        (projection, grid.hu.max(axis=1), bone, middle[2], _HALF_CHEST_MM),
    ):
        axes.imshow(picture[::-1], cmap="gray", vmin=black, vmax=max(white, black + 1.0), interpolation="bilinear")
        axes.set_xlim(centre - half_mm / _SPACING_MM, centre + half_mm / _SPACING_MM)
    _explain(side, "cut from the side", left="A", right="P")
    _explain(front, "cut from the front", left="R", right="L")
    _explain(projection, "brightest voxel, from the front", left="R", right="L")
    scale_bar(projection, length_mm=_SCALE_MM, step_mm=_SPACING_MM)
    figure.suptitle(f"OsteoNode, {RESEARCH}", color="white", fontsize=11)
    told = textwrap.fill(reason.text, _LETTERS_IN_A_LINE)
    figure.supxlabel(told, color=REFUSED[0], fontsize=10, parse_math=False)
    return to_png(figure, dots_per_inch=_DOTS_PER_INCH)


def _sheet(grid: Volume) -> tuple[Figure, tuple[Axes, Axes, Axes]]:
    """A black page with two panels of one width and a wider one, as high as the scan."""
    height = _WIDTH_INCHES / 2.0 * grid.shape[0] * _SPACING_MM / (2.0 * _HALF_WIDTH_MM) + 0.9
    wider = _HALF_CHEST_MM / _HALF_WIDTH_MM
    size = (_WIDTH_INCHES * (2.0 + wider) / 2.0, min(max(3.5, height), _HIGHEST_INCHES))
    figure = Figure(figsize=size, facecolor="black", layout="constrained")
    FigureCanvasAgg(figure)
    side, front, projection = figure.subplots(1, 3, width_ratios=(1.0, 1.0, wider))
    return figure, (side, front, projection)


def _slab(grid: Volume, place: int, *, axis: int) -> Float32:
    """The mean over a slab across an axis, as thick as that of a cut along the spine."""
    half = round(_HALF_SLAB_MM / _SPACING_MM)
    planes = slice(max(0, place - half), place + half + 1)
    mean: Float32 = np.moveaxis(grid.hu, axis, 0)[planes].mean(0)
    return mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Body:
    """A vertebra and how much of each voxel of the picture's grid is its body, 0 to 1, in a box of that grid."""

    vertebra: Vertebra
    box: Box
    share: Float32

    @property
    def colours(self) -> tuple[str, str]:
        return MEASURED if self.vertebra.is_measurable else REFUSED

    def rows(self, count: int) -> NDArray[np.int64]:
        """Rows of a picture of so many, the head at the top, in the order of the box."""
        return count - 1 - np.arange(self.box[0].start, self.box[0].stop)


def _bodies_on(grid: Volume, spine: SpineSegmentation) -> tuple[_Body, ...]:
    """The bodies on the picture's grid, linear between voxels: outlines show what voxels show, and not their stairs."""
    label_map = spine.label_map
    found = ndimage.find_objects(label_map.labels)
    bodies = []
    for vertebra in spine.vertebrae:
        within = found[vertebra.segment_value - 1]
        own = (label_map.labels[within] == vertebra.segment_value).astype(np.float32)
        share, affine = with_margin(own, label_map.affine.shifted(corner(within)))
        box = box_on_grid(whole(share), affine, grid=grid.affine, shape=grid.shape)
        if min(size(box)) > 0:
            bodies.append(_Body(vertebra=vertebra, box=box, share=on_grid(share, affine, grid=grid.affine, box=box)))
    return tuple(bodies)


def _draw_cut(axes: Axes, grid: Volume, bodies: Sequence[_Body], places: NDArray[np.float64], *, axis: int) -> None:
    """The cut across an axis (1 back, 2 left) that goes through the middle of each body, averaged over a slab."""
    count, last = grid.shape[0], grid.shape[axis] - 1
    order = np.argsort(places[:, 0])
    middle = np.interp(np.arange(count), places[order, 0], places[order, axis])
    half = round(_HALF_SLAB_MM / _SPACING_MM)
    planes = [np.clip(np.rint(middle + step), 0, last).astype(int) for step in range(-half, half + 1)]
    across = np.moveaxis(grid.hu, axis, 1)
    slab = np.mean([across[np.arange(count), plane] for plane in planes], axis=0)[::-1]
    axes.imshow(slab, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], interpolation="bilinear")
    centre, reach = float(places[:, 3 - axis].mean()), _HALF_WIDTH_MM / _SPACING_MM
    axes.set_xlim(centre - reach, centre + reach)
    beside = []
    for body in bodies:
        part, seen = body.box[3 - axis], planes[half][body.box[0]] - body.box[axis].start
        inside = np.clip(seen, 0, size(body.box)[axis] - 1)
        shown = np.moveaxis(body.share, axis, 1)[np.arange(len(seen)), inside]
        shown = np.where((seen == inside)[:, None], shown, 0.0)
        columns, rows = np.arange(part.start, part.stop), body.rows(count)
        draw_outline(axes, shown, columns=columns, rows=rows, colour=body.colours[0])
        within = np.argwhere(shown > INSIDE)
        if len(within):
            left, right = columns[within[:, 1].min()], columns[within[:, 1].max()]
            row = float(rows[within[:, 0]].mean())
            beside.append(_Outline(body=body, row=row, left=float(left), right=float(right)))
    _write_names(axes, beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outline:
    """A body in a cut: the row of its middle, and where it begins and ends to the sides, voxels."""

    body: _Body
    row: float
    left: float
    right: float


def _write_names(axes: Axes, outlines: Sequence[_Outline]) -> None:
    """Names to the left of their bodies, or to the right where the panel ends; a line leads to one that had to move."""
    outlines = sorted(outlines, key=lambda outline: outline.row)
    offset = _NAME_OFFSET_MM / _SPACING_MM
    names = [_name(outline.body.vertebra) for outline in outlines]
    rows = _apart(axes, [outline.row for outline in outlines], [name.count("\n") + 1 for name in names])
    for outline, text, row in zip(outlines, names, rows, strict=True):
        colour = outline.body.colours[0]
        width = max(len(line) for line in text.splitlines()) * _LETTER_MM / _SPACING_MM
        fits = outline.left - offset - width > axes.get_xlim()[0]
        edge, place = (outline.left, outline.left - offset) if fits else (outline.right, outline.right + offset)
        if abs(row - outline.row) > _LINE_MM / _SPACING_MM / 2.0:
            axes.plot((place, edge), (row, outline.row), color=colour, linewidth=0.5)
        write(axes, text, (place, row), colour=colour, align="right" if fits else "left")


def _apart(axes: Axes, rows: Sequence[float], lines: Sequence[int]) -> list[float]:
    """Rows from head to foot, moved as little as they can be to leave each name its lines, all within the panel."""
    if not rows:
        return []
    bottom, top = axes.get_ylim()
    line = min(_LINE_MM / _SPACING_MM, (bottom - top) / sum(lines))
    taken = (np.cumsum(lines) - np.array(lines) / 2.0) * line
    moved = optimize.isotonic_regression(np.array(rows) - taken).x
    return [float(row) for row in np.clip(moved, top, max(top, bottom - sum(lines) * line)) + taken]


def _draw_projection(axes: Axes, grid: Volume, bodies: Sequence[_Body], places: NDArray[np.float64]) -> None:
    """The brightest voxel from front to back, with outlines of the bodies seen from there."""
    axes.imshow(grid.hu.max(axis=1)[::-1], cmap="gray", vmin=_BONE_HU[0], vmax=_BONE_HU[1], interpolation="bilinear")
    middle, half = float(places[:, 2].mean()), _HALF_CHEST_MM / _SPACING_MM
    axes.set_xlim(middle - half, middle + half)
    for index, body in enumerate(bodies):
        colour = body.colours[index % 2]
        shown, columns = body.share.max(axis=1), np.arange(body.box[2].start, body.box[2].stop)
        rows = body.rows(grid.shape[0])
        draw_outline(axes, shown, columns=columns, rows=rows, colour=colour)
        name = str(body.vertebra.level) if body.vertebra.level is not None else "?"
        weights = shown.sum(1)
        place = (float(columns.mean()), float(rows @ weights / max(float(weights.sum()), 1e-6)))
        write(axes, name, place, colour=body.colours[0])


def _explain(axes: Axes, title: str, *, left: str, right: str) -> None:
    """What is seen, and which side is which: anterior, posterior, right and left of the patient."""
    axes.set_axis_off()
    axes.set_title(title, color=QUIET, fontsize=9)
    write(axes, left, (0.02, 0.5), of_axes=True)
    write(axes, right, (0.98, 0.5), of_axes=True)


def _sure(spine: SpineSegmentation) -> str:
    """What the numbers beside the names are."""
    words = {vertebra.confidence.word for vertebra in spine.vertebrae if vertebra.confidence is not None}
    return "".join(f"; in brackets the {word} of the level" for word in sorted(words))


def _name(vertebra: Vertebra) -> str:
    """The name and how sure it is, or in two lines which body it is and how sure the name that was not given."""
    cut = ", cut" if vertebra.is_truncated else ""
    sure = "" if vertebra.confidence is None else f" ({vertebra.confidence.told:.3f})"
    if vertebra.level is not None:
        return f"{vertebra.level}{cut}{sure}"
    known = "no level" if vertebra.confidence is None else "level uncertain"
    return f"vertebra {vertebra.ordinal}{cut}\n{known}{sure}"
