"""Words on the page of a picture, broken by how wide they are."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure, SubFigure

from models.drawing import QUIET, REFUSED
from models.measurement_words import Line, Tone

_SIZE = {Tone.NUMBER: 19.0, Tone.PLAIN: 10.5, Tone.WARNING: 10.5, Tone.SMALL: 9.0}
_COLOUR = {Tone.NUMBER: "white", Tone.PLAIN: QUIET, Tone.WARNING: REFUSED[0], Tone.SMALL: QUIET}
#: Height of a line as a share of the size of the type, and room above a number as a share of its line.
_LINE, _GAP = 1.35, 0.3
_POINTS_AN_INCH = 72.0
CUT_OFF = "... more in the report"


def write_lines(figure: Figure, lines: Sequence[Line], part: tuple[float, float, float, float]) -> None:
    """Lines from the top of a part of the page down; what does not fit is left to the report, and that is said.

    Parameters
    ----------
    part
        Left, bottom, width and height as shares of the page.
    """
    left, bottom, width, height = part
    rows = [(text, line.tone) for line in lines for text in _broken(figure, line, width * figure.bbox.width)]
    depths = _depths(figure, [tone for _, tone in rows])
    if depths[-1] > height:
        room = height - _high(figure, Tone.SMALL)
        rows = [*rows[: sum(depth <= room for depth in depths[1:])], (CUT_OFF, Tone.SMALL)]
    for (text, tone), depth in zip(rows, depths, strict=False):
        place = (left, bottom + height - depth)
        figure.text(*place, text, color=_COLOUR[tone], fontsize=_SIZE[tone], va="top", parse_math=False)


def width_of(figure: Figure | SubFigure, text: str, size: float) -> float:
    """How wide a text of a size in points is on the page, pixels."""
    written = figure.text(0.0, 0.0, text, fontsize=size, parse_math=False)  # kernels may hold dollar signs
    width = float(written.get_window_extent().width)
    written.remove()
    return width


def _depths(figure: Figure, tones: Sequence[Tone]) -> list[float]:
    """How far below the top each row begins, and where the last one ends, shares of the page."""
    depths = [0.0]
    for row, tone in enumerate(tones):
        high = _high(figure, tone)
        if tone is Tone.NUMBER and row:
            depths[-1] += _GAP * high
        depths.append(depths[-1] + high)
    return depths


def _high(figure: Figure, tone: Tone) -> float:
    """Height of a row, share of the page."""
    return _LINE * _SIZE[tone] / _POINTS_AN_INCH * figure.dpi / float(figure.bbox.height)


def _broken(figure: Figure, line: Line, width: float) -> list[str]:
    """The line in pieces that are no wider than so many pixels; a word that is wider stays whole."""
    pieces: list[str] = []
    for word in line.text.split():
        longer = f"{pieces[-1]} {word}" if pieces else word
        if pieces and width_of(figure, longer, _SIZE[line.tone]) <= width:
            pieces[-1] = longer
        else:
            pieces.append(word)
    return pieces
