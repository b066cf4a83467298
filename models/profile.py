"""Bodies and discs in turn along the curve through the spine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.domain.volume import Float32

Float64 = NDArray[np.float64]

#: Lower and upper end along the curve, mm.
Span = tuple[float, float]

_STEP_MM = 1.0
_SMOOTHING_MM = 1.5

#: A step with fewer voxels than this share of the usual number is beyond the column; bodies of the upper chest have a
#: quarter of the voxels of lumbar ones where the network sees them faintly.
_LEAST_COUNT_SHARE = 0.15

#: Shorter runs of the profile are no body, mm: a crushed body still keeps about 8 mm.
_SHORTEST_BODY_MM = 7.0

#: A run that the end of the scan cuts counts from this length on, mm, so that its body is reported as cut.
_SHORTEST_CUT_BODY_MM = 4.0

#: A run longer than this multiple of its neighbours holds several bodies whose discs are faint.
_MERGED_RATIO = 1.5

#: Such a run is cut into pieces of no less than this share of a neighbour, where body against disc falls by this much.
_SHORTEST_SHARE = 0.6
_LEAST_DEPTH = 0.15

#: How many neighbours say how long a body is here.
_NEIGHBOURS = 4

#: Two runs without a disc between them are one body where together they are no longer than this multiple.
_SPLIT_RATIO = 1.25

#: Disc evidence that separates bodies: the disc probability that some length of the gap must have.
_DISC_SEEN = 0.15


def find_spans(arc: Float32, body: Float32, disc: Float32, ends: Span) -> list[Span]:
    """Lower and upper end of each body along the curve, from foot to head, mm.

    Parameters
    ----------
    arc
        Length along the curve of voxels near it, shape (n,), mm.
    body, disc
        Probability of a body and of a disc in these voxels, shape (n,).
    ends
        Lengths beyond which the scan ends.
    """
    profile = _Profile(arc, body, disc)
    spans = _joined(profile.runs(), profile)
    spans = [part for span in spans for part in _separated(span, _usual_length(span, spans), profile)]
    kept = []
    for low, high in spans:
        cut = low < ends[0] or high > ends[1]
        if high - low >= (_SHORTEST_CUT_BODY_MM if cut else _SHORTEST_BODY_MM):
            kept.append((low, high))
    return kept


def _joined(spans: list[Span], profile: _Profile) -> list[Span]:
    """Put together what a void or a vessel split: pieces without a disc between them that are one body long."""
    if not spans:
        return []
    usual = float(np.median([high - low for low, high in spans if high - low >= _SHORTEST_BODY_MM] or [0.0]))
    joined = [spans[0]]
    for low, high in spans[1:]:
        before = joined[-1]
        one_long = high - before[0] <= _SPLIT_RATIO * usual
        if one_long and profile.disc_between(before[1], low) < _DISC_SEEN:
            joined[-1] = (before[0], high)
        else:
            joined.append((low, high))
    return joined


def _separated(span: Span, usual: float, profile: _Profile) -> list[Span]:
    """A span that is too long for one body, cut where body is weakest until the pieces are not."""
    low, high = span
    if high - low < _MERGED_RATIO * usual:
        return [span]
    cut = profile.faintest(low, high, least_mm=_SHORTEST_SHARE * usual)
    if cut is None:
        return [span]
    return [*_separated((low, cut), usual, profile), *_separated((cut, high), usual, profile)]


def _usual_length(span: Span, spans: list[Span]) -> float:
    """The median length of the nearest other spans, mm; of itself where there is none."""
    near = sorted(spans, key=lambda other: abs(sum(other) - sum(span)))[1 : 1 + _NEIGHBOURS]
    return float(np.median([high - low for low, high in near or [span]]))


class _Profile:
    """Mean of body and disc probability along the curve."""

    def __init__(self, arc: Float32, body: Float32, disc: Float32) -> None:
        self.start = float(arc.min()) - 2.0
        edges = np.arange(self.start, float(arc.max()) + 3.0, _STEP_MM)
        count = self._smoothed(arc, edges, None)
        # Beyond the last voxels the smoothed sums are small but their ratio is not.
        seen = np.where(count > _LEAST_COUNT_SHARE * np.median(count), count, np.inf)
        self.body = self._smoothed(arc, edges, body) / seen
        self.disc = self._smoothed(arc, edges, disc) / seen

    def _smoothed(self, arc: Float32, edges: Float64, weights: Float32 | None) -> Float64:
        smoothed: Float64 = ndimage.gaussian_filter1d(
            np.histogram(arc, edges, weights=weights)[0].astype(np.float64), _SMOOTHING_MM / _STEP_MM
        )
        return smoothed

    def runs(self) -> list[tuple[float, float]]:
        """Stretches where body outweighs disc, from foot to head, mm."""
        positive = np.concatenate([[False], self.body > self.disc, [False]])
        changes = np.flatnonzero(np.diff(positive.astype(np.int8)))
        return [(self._mm(first), self._mm(last)) for first, last in changes.reshape(-1, 2)]

    def disc_between(self, low: float, high: float) -> float:
        """Largest disc probability between two lengths."""
        part = self.disc[self._bin(low - 1.0) : self._bin(high + 1.0) + 1]
        return float(part.max(initial=0.0))

    def faintest(self, low: float, high: float, *, least_mm: float) -> float | None:
        """Where body is weakest against disc, `least_mm` off both ends; `None` where it is hardly weaker there."""
        difference = self.body - self.disc
        first, last = self._bin(low + least_mm), self._bin(high - least_mm)
        if last - first < 2:
            return None
        cut = first + int(np.argmin(difference[first:last]))
        sides = difference[self._bin(low) : cut], difference[cut + 1 : self._bin(high) + 1]
        depth = min(float(side.max(initial=-1.0)) for side in sides) - float(difference[cut])
        return self._mm(cut) + _STEP_MM / 2.0 if depth >= _LEAST_DEPTH else None

    def _mm(self, place: int | np.signedinteger) -> float:
        return self.start + float(place) * _STEP_MM

    def _bin(self, length: float) -> int:
        return int(np.clip((length - self.start) / _STEP_MM, 0, len(self.body) - 1))
