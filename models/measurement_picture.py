"""The picture of a measurement for the archive: where it was taken, seen from the side and across, with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from models.box import corner
from models.crops import BodyCrop
from models.drawing import INSIDE, MEASURED, REFUSED, REGION, WINDOW_HU, draw_outline, scale_bar, to_png, write
from models.measurement_words import Line, Tone, made_by, notice, summary_of, words_of
from models.page_text import width_of, write_lines
from models.sheets import Sheet, axial_sheet, sagittal_sheet, seen, share_inside
from node.domain.bone_density import HuBand
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.provenance import Provenance
from node.domain.volume import Float32, LabelMap, Volume
from node.domain.whole_numbers import whole

#: The page, pixels: no more than an archive's viewer shows at once.
WIDTH, HEIGHT = 1440, 1080
_DOTS_PER_INCH = 100

#: Left, bottom, width and height of the parts of the page, as shares of it. Panels across the patient are square.
_SIDE = (0.008, 0.112, 0.352, 0.833)
_ACROSS = ((0.372, 0.626, 0.2385, 0.318), (0.372, 0.292, 0.2385, 0.318))
_BESIDE = ((0.622, 0.626, 0.37, 0.318), (0.622, 0.292, 0.37, 0.318))
_BELOW = (0.372, 0.008, 0.62, 0.27)
_FOOT = (0.008, 0.008, 0.352, 0.096)
#: Height of the foot's colours, share of the page.
_KEYS = 0.023

#: Two panels: the levels that a report speaks of first, then whatever was measured near them.
_SHOWN_FIRST = (VertebralLevel.L1, VertebralLevel.L2)

#: Shown above and below the bodies, and at least in all, mm.
_AROUND_MM, _LEAST_HEIGHT_MM = 20.0, 230.0
#: Across: what is shown to each side, and how far behind the body's middle the panel's lies, mm.
_HALF_ACROSS_MM, _BEHIND_MM = 62.0, 14.0
#: Thickness of what is shown, and the distance of its pixels across the patient, mm.
_SLAB_MM, _STEP_MM = 3.0, 0.4
#: Rows of the panel from the side.
_SIDE_ROWS = 800

#: Size of the names in the panel from the side.
_NAME_SIZE = 9.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """A vertebra in the picture: its crop, what was found in it, and its core where that was left."""

    crop: BodyCrop
    finding: VertebraFinding
    core: tuple[NDArray[np.bool_], Affine] | None

    @property
    def colour(self) -> str:
        return MEASURED[0] if self.finding.status is Status.ASSESSED else REFUSED[0]

    @property
    def name(self) -> str:
        level = self.finding.level
        return str(level) if level is not None else f"vertebra {self.finding.ordinal}"


def draw_measurement(
    volume: Volume,
    crops: Sequence[BodyCrop],
    cores: LabelMap | None,
    findings: CtBoneFindings,
    provenance: Provenance,
) -> bytes:
    """A PNG of `WIDTH` by `HEIGHT` pixels: the chain of bodies from the side, two vertebrae across, and the numbers.

    It carries no identity.

    Parameters
    ----------
    crops
        Of every body that was found, one or more.
    cores
        The trabecular cores that were measured, each with the value of its body; `None` where nobody left them.
    """
    spine = _shown(crops, cores, findings)
    panels = _panels(spine)
    figure = Figure(figsize=(WIDTH / _DOTS_PER_INCH, HEIGHT / _DOTS_PER_INCH), facecolor="black", dpi=_DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    figure.text(0.012, 0.972, "OsteoNode: bone in a CT scan", color="white", fontsize=15, va="center")
    warning = notice(provenance)
    figure.text(0.99, 0.972, warning, color=REFUSED[0], fontsize=15, weight="bold", va="center", ha="right")
    _draw_side(figure.add_axes(_SIDE), volume, spine)
    for shown, across, beside in zip(panels, _ACROSS, _BESIDE, strict=False):
        _draw_across(figure.add_axes(across), volume, shown, spine)
        write_lines(figure, (Line(text=shown.name, tone=Tone.NUMBER), *words_of(shown.finding)), beside)
    have_panel = [shown.finding.level for shown in panels if shown.finding.level is not None]
    limitations = [Line(text=limitation, tone=Tone.SMALL) for limitation in findings.limitations]
    write_lines(figure, (*summary_of(findings, besides=have_panel), *limitations), _BELOW)
    _write_foot(figure, provenance)
    return to_png(figure, dots_per_inch=_DOTS_PER_INCH)


def _shown(crops: Sequence[BodyCrop], cores: LabelMap | None, findings: CtBoneFindings) -> tuple[_Shown, ...]:
    found = {each.segment_value: each for each in findings.vertebrae if each.segment_value is not None}
    masks = {} if cores is None else _masks(cores)
    return tuple(
        _Shown(crop=crop, finding=found[value], core=masks.get(value))
        for crop in crops
        if (value := crop.vertebra.segment_value) in found and crop.body.any()
    )


def _masks(cores: LabelMap) -> Mapping[int, tuple[NDArray[np.bool_], Affine]]:
    """Each core in its smallest box, a voxel of nothing around it."""
    boxes = ndimage.find_objects(cores.labels)
    return {
        value: (np.pad(cores.labels[box] == value, 1), cores.affine.shifted(corner(box)).shifted((-1, -1, -1)))
        for value, box in enumerate(boxes, 1)
        if box is not None
    }


def _panels(spine: Sequence[_Shown]) -> tuple[_Shown, ...]:
    """The vertebrae to show across: L1 and L2 where they were found, else what was measured nearest to L1."""
    order = list(VertebralLevel)

    def turn(shown: _Shown) -> tuple[bool, bool, int]:
        level = shown.finding.level
        away = len(order) if level is None else abs(order.index(level) - order.index(VertebralLevel.L1))
        return level not in _SHOWN_FIRST, shown.finding.status is not Status.ASSESSED, away

    chosen = sorted(spine, key=turn)[: len(_ACROSS)]
    return tuple(shown for shown in spine if shown in chosen)


def _draw_side(axes: Axes, volume: Volume, spine: Sequence[_Shown]) -> None:
    sheet = _sheet_of(volume, spine)
    _show(axes, seen(volume, sheet, slab_mm=2.0 * _SLAB_MM))
    names = []
    for shown in spine:
        body = share_inside(shown.crop.body, shown.crop.affine, sheet)
        _draw_region(axes, body, shown.colour, width=1.0)
        if shown.core is not None:
            _draw_region(axes, share_inside(*shown.core, sheet), REGION, width=1.0)
        inside = np.argwhere(body > INSIDE)
        if len(inside):
            names.append((shown, inside))
    for shown, inside in names:
        hu = shown.finding.value(Quantity.CORE_MEAN_HU) if shown.finding.status is Status.ASSESSED else None
        told = shown.name if hu is None else f"{shown.name}  {whole(hu, HuBand.of)} HU"
        offset, (first, last) = 5.0 / sheet.step_mm, (float(inside[:, 1].min()), float(inside[:, 1].max()))
        drawn = width_of(axes.figure, told, _NAME_SIZE) * sheet.points.shape[1] / (_SIDE[2] * WIDTH)
        fits = first - offset - drawn >= 0.0
        place = (first - offset if fits else last + offset, float(inside[:, 0].mean()))
        write(axes, told, place, colour=shown.colour, align="right" if fits else "left", size=_NAME_SIZE)
    write(axes, "A", (0.03, 0.5), of_axes=True, size=12)
    write(axes, "P", (0.97, 0.5), of_axes=True, size=12)
    scale_bar(axes, length_mm=50.0, step_mm=sheet.step_mm)


def _sheet_of(volume: Volume, spine: Sequence[_Shown]) -> Sheet:
    """A sheet that shows all bodies and fills its panel; it ends with the scan where that leaves it long enough."""
    ends = [shown.crop.affine.to_lps(np.argwhere(shown.crop.body).astype(np.float64))[:, 2] for shown in spine]
    corners = volume.affine.to_lps(np.array(list(product(*((0.0, count - 1.0) for count in volume.shape)))))[:, 2]
    low = max(min(end.min() for end in ends) - _AROUND_MM, corners.min())
    high = min(max(end.max() for end in ends) + _AROUND_MM, corners.max())
    missing = max(0.0, _LEAST_HEIGHT_MM - (high - low)) / 2.0
    low, high = float(low - missing), float(high + missing)
    wide = (high - low) * (_SIDE[2] * WIDTH) / (_SIDE[3] * HEIGHT)
    return sagittal_sheet(
        np.array([shown.crop.vertebra.centroid_lps_mm for shown in spine]),
        heights_mm=(low, high),
        half_mm=wide / 2.0,
        step_mm=(high - low) / _SIDE_ROWS,
    )


def _draw_across(axes: Axes, volume: Volume, shown: _Shown, spine: Sequence[_Shown]) -> None:
    centre = _middle(shown)
    sheet = axial_sheet(centre + np.array((0.0, _BEHIND_MM, 0.0)), half_mm=_HALF_ACROSS_MM, step_mm=_STEP_MM)
    title = f"z {centre[2]:.0f} mm, {_SLAB_MM:.0f} mm thick"
    _show(axes, seen(volume, sheet, slab_mm=_SLAB_MM))
    write(axes, title, (0.02, 0.975), of_axes=True, align="left", size=8.5)
    for each in spine:
        _draw_region(axes, share_inside(each.crop.body, each.crop.affine, sheet), each.colour, width=1.2)
    if shown.core is not None:
        _draw_region(axes, share_inside(*shown.core, sheet), REGION, width=1.6)
    for letter, place in (("R", (0.03, 0.5)), ("L", (0.97, 0.5)), ("A", (0.5, 0.97)), ("P", (0.5, 0.03))):
        write(axes, letter, place, of_axes=True, size=12)
    scale_bar(axes, length_mm=20.0, step_mm=sheet.step_mm)


def _middle(shown: _Shown) -> NDArray[np.float64]:
    """The middle of what was measured, else of the body, LPS mm."""
    mask, affine = shown.core or (shown.crop.body, shown.crop.affine)
    middle: NDArray[np.float64] = affine.to_lps(np.argwhere(mask).mean(axis=0))
    return middle


def _show(axes: Axes, picture: Float32) -> None:
    axes.set_axis_off()
    axes.imshow(picture, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], interpolation="bilinear")
    axes.autoscale(False)


def _draw_region(axes: Axes, share: Float32, colour: str, *, width: float) -> None:
    rows, columns = (np.arange(count) for count in share.shape)
    draw_outline(axes, share, columns=columns, rows=rows, colour=colour, width=width)


def _write_foot(figure: Figure, provenance: Provenance) -> None:
    left, bottom, width, height = _FOOT
    keys = ((MEASURED[0], "vertebral body"), (REGION, "measured core"), (REFUSED[0], "not evaluable"))
    for place, (colour, meaning) in enumerate(keys):
        figure.text(
            left + 0.115 * place, bottom + height, f"\N{BLACK SQUARE} {meaning}", color=colour, fontsize=9.5, va="top"
        )
    side = f"Left: from the side, along the spine, {2.0 * _SLAB_MM:.0f} mm thick"
    below = (Line(text=side, tone=Tone.SMALL), Line(text=f"{made_by(provenance)}.", tone=Tone.SMALL))
    write_lines(figure, below, (left, bottom, width, height - _KEYS))
