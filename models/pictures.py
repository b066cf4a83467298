"""Pictures of what was found: the spine from the side and from the front, with outlines and names."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy import ndimage

from models.resample import to_network_grid
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.volume import Float32, Volume

#: Stands on every picture, as it does on every object made with research models.
RESEARCH = "research use only"

#: Grid of the picture, mm.
_SPACING_MM = 1.5

#: What is grey between black and white, HU: bone and soft tissue.
_WINDOW_HU = (-200.0, 500.0)

#: The curved cut averages over this much to each side, mm, as a reader scrolls.
_HALF_SLAB_MM = 3.0

#: The projection shows bone alone, HU, and is wide enough for the ribs, mm to each side of the spine.
_BONE_HU = (120.0, 900.0)
_HALF_CHEST_MM = 190.0

_WIDTH_INCHES = 9.0

#: What is shown to each side of the spine, mm.
_HALF_WIDTH_MM = 130.0

#: Names stand this far to the side of the middle of a body, mm.
_NAME_OFFSET_MM = 34.0

_MEASURED, _REFUSED = "#35d07f", "#f2b134"


def draw_spine(volume: Volume, spine: SpineSegmentation) -> bytes:
    """A PNG: cuts through the middle of the bodies, sagittal and coronal, that follow the spine, and a projection.

    Bodies that can be measured are green, others yellow; beside each stands how sure its name is. The projection shows
    the brightest voxel from front to back, by which ribs can be counted. It carries no identity.
    """
    grid = to_network_grid(volume, (_SPACING_MM,) * 3)
    labels = _labels_on(grid, spine)
    centroids = np.array([vertebra.centroid_lps_mm for vertebra in spine.vertebrae])
    places = grid.affine.to_index(centroids)
    height = _WIDTH_INCHES / 2.0 * grid.shape[0] * _SPACING_MM / (2.0 * _HALF_WIDTH_MM) + 0.4
    wider = _HALF_CHEST_MM / _HALF_WIDTH_MM
    figure = Figure(
        figsize=(_WIDTH_INCHES * (2.0 + wider) / 2.0, max(3.0, height)), facecolor="black", layout="constrained"
    )
    FigureCanvasAgg(figure)
    *cuts, projection = figure.subplots(1, 3, width_ratios=(1.0, 1.0, wider))
    for axes, axis in zip(cuts, (2, 1), strict=True):
        _draw(axes, _cut(grid.hu, labels, places, axis=axis), spine, places[:, [0, 3 - axis]])
    _draw_projection(projection, grid.hu, labels, spine, places)
    figure.suptitle(f"OsteoNode, {RESEARCH}{_sure(spine)}", color="white", fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor="black")
    return buffer.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    """A picture and the labels in it, head at the top; shape (rows, columns)."""

    hu: Float32
    labels: NDArray[np.uint8]


def _labels_on(grid: Volume, spine: SpineSegmentation) -> NDArray[np.uint8]:
    """The label map at the voxels of the picture's grid, nearest neighbour."""
    mapping = np.linalg.inv(spine.label_map.affine.matrix) @ grid.affine.matrix
    labels: NDArray[np.uint8] = ndimage.affine_transform(
        spine.label_map.labels,
        mapping[:3, :3],
        offset=mapping[:3, 3],
        output_shape=grid.shape,
        order=0,
        mode="constant",
        cval=0,
    )
    return labels


def _cut(hu: Float32, labels: NDArray[np.uint8], places: NDArray[np.float64], *, axis: int) -> _Cut:
    """The cut across an axis (1 back, 2 left) that goes through the middle of each body."""
    order = np.argsort(places[:, 0])
    middle = np.interp(np.arange(hu.shape[0]), places[order, 0], places[order, axis])
    half = round(_HALF_SLAB_MM / _SPACING_MM)
    rows = np.arange(hu.shape[0])
    last = hu.shape[axis] - 1
    planes = [np.clip(np.rint(middle + step), 0, last).astype(int) for step in range(-half, half + 1)]
    across = np.moveaxis(hu, axis, 1)
    slab: Float32 = np.mean([across[rows, plane] for plane in planes], axis=0)[::-1]
    return _Cut(hu=slab, labels=np.moveaxis(labels, axis, 1)[rows, planes[half]][::-1])


def _draw(axes: Axes, cut: _Cut, spine: SpineSegmentation, places: NDArray[np.float64]) -> None:
    axes.imshow(cut.hu, cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1], interpolation="bilinear")
    axes.set_axis_off()
    middle, half = float(places[:, 1].mean()), _HALF_WIDTH_MM / _SPACING_MM
    axes.set_xlim(middle - half, middle + half)
    for vertebra, (row, column) in zip(spine.vertebrae, places, strict=True):
        colour = _MEASURED if vertebra.is_measurable else _REFUSED
        inside = cut.labels == vertebra.segment_value
        if inside.any() and not inside.all():
            axes.contour(inside, levels=[0.5], colors=[colour], linewidths=0.9)
        place = (column - _NAME_OFFSET_MM / _SPACING_MM, cut.hu.shape[0] - 1 - row)
        axes.annotate(_name(vertebra), place, color=colour, fontsize=8, ha="right", va="center")


def _draw_projection(
    axes: Axes, hu: Float32, labels: NDArray[np.uint8], spine: SpineSegmentation, places: NDArray[np.float64]
) -> None:
    """The brightest voxel from front to back, with outlines of the bodies seen from there."""
    axes.imshow(hu.max(axis=1)[::-1], cmap="gray", vmin=_BONE_HU[0], vmax=_BONE_HU[1], interpolation="bilinear")
    axes.set_axis_off()
    middle, half = float(places[:, 2].mean()), _HALF_CHEST_MM / _SPACING_MM
    axes.set_xlim(middle - half, middle + half)
    for vertebra, (row, _, column) in zip(spine.vertebrae, places, strict=True):
        colour = _MEASURED if vertebra.is_measurable else _REFUSED
        seen = (labels == vertebra.segment_value).any(axis=1)[::-1]
        if seen.any() and not seen.all():
            axes.contour(seen, levels=[0.5], colors=[colour], linewidths=0.9)
        name = str(vertebra.level) if vertebra.level is not None else "?"
        text = axes.annotate(name, (column, hu.shape[0] - 1 - row), color=colour, fontsize=8, ha="center", va="center")
        text.set_path_effects([withStroke(linewidth=2.0, foreground="black")])


def _sure(spine: SpineSegmentation) -> str:
    """What the numbers beside the names are."""
    words = {vertebra.confidence.word for vertebra in spine.vertebrae if vertebra.confidence is not None}
    return "".join(f"; in brackets the {word} of the level" for word in sorted(words))


def _name(vertebra: Vertebra) -> str:
    name = str(vertebra.level) if vertebra.level is not None else f"vertebra {vertebra.ordinal}, no level"
    cut = ", cut" if vertebra.is_truncated else ""
    sure = "" if vertebra.confidence is None else f" ({vertebra.confidence.told:.3f})"
    return f"{name}{cut}{sure}"
