"""Heights of a vertebral body, and bodies that have lost some of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from node.domain.geometry import Float64
from training.anatomy.vertebra import BodyShape, VertebraShape, body_distance
from training.phantom.changes import Fracture, FractureKind

#: Distance of the front and rear height from the edges of the body, mm: the edge itself has no height.
EDGE_INSET_MM = 2.0

_STEP_MM = 0.01

#: Share of the percentage that a kind takes from the front, the middle and the back (a choice; the back wall of a burst
#: body gives way, that of a wedge does not).
_LOSS: dict[FractureKind, tuple[float, float, float]] = {
    FractureKind.WEDGE: (1.0, 0.5, 0.0),
    FractureKind.BICONCAVE: (0.0, 1.0, 0.0),
    FractureKind.CRUSH: (1.0, 1.0, 1.0),
    FractureKind.BURST: (1.0, 1.0, 0.5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """Height of a body in front, in the middle and behind, mm, along the body's own axis in its mid-sagittal plane.

    The front and rear ones are taken `EDGE_INSET_MM` inside the edges of the body, the middle one half way between the
    edges.
    """

    anterior: float
    middle: float
    posterior: float

    def less(self, fracture: Fracture) -> Heights:
        """The heights after a fracture."""
        front, middle, back = (1.0 - share * fracture.percent / 100.0 for share in _LOSS[fracture.kind])
        return Heights(anterior=self.anterior * front, middle=self.middle * middle, posterior=self.posterior * back)


def heights_of(body: BodyShape) -> Heights:
    """The heights of a shape, read off its surface to about 0.01 mm."""
    reach = 0.5 * body.depth + body.lip + 5.0
    along = np.arange(-reach, reach, _STEP_MM, dtype=np.float32)
    # Every rim counts, the waist does not: the edge is where some height of the body still reaches.
    ups = np.linspace(-0.5, 0.5, 41, dtype=np.float32)[:, None] * np.float32(body.mean_height)
    profile = along[(body_distance(body, ups, along, np.float32(0.0)) < 0.0).any(0)]  # type: ignore[arg-type]
    front, rear = float(profile[0]), float(profile[-1])
    places = (front + EDGE_INSET_MM, 0.5 * (front + rear), rear - EDGE_INSET_MM)
    anterior, middle, posterior = (_extent(body, place) for place in places)
    return Heights(anterior=anterior, middle=middle, posterior=posterior)


def _extent(body: BodyShape, back: float) -> float:
    reach = max(body.anterior, body.posterior)
    up = np.arange(-reach, reach, _STEP_MM, dtype=np.float32)
    inside = up[body_distance(body, up, np.float32(back), np.float32(0.0)) < 0.0]  # type: ignore[arg-type]
    return float(inside[-1] - inside[0]) + _STEP_MM


def broken(shape: VertebraShape, fracture: Fracture) -> VertebraShape:
    """The vertebra after a fracture: its three heights are what `Heights.less` says."""
    wanted = heights_of(shape.body).less(fracture)
    return replace(shape, body=_with_heights(shape.body, wanted))


def retropulsion_mm(shape: VertebraShape, fracture: Fracture | None) -> float:
    """How far a fragment stands behind the rear edge of the endplates, mm; 0 where nothing has burst."""
    if fracture is None or fracture.kind is not FractureKind.BURST:
        return 0.0
    return fracture.retropulsion * shape.arch.canal_depth


def _with_heights(body: BodyShape, wanted: Heights) -> BodyShape:
    """The body whose measured heights are the wanted ones; they are almost linear in the shape's own three heights."""
    target = _vector(wanted)
    for _ in range(4):
        parameters = np.array((body.anterior, body.middle, body.posterior))
        missing = target - _vector(heights_of(body))
        if np.abs(missing).max() < 2 * _STEP_MM:
            break
        columns = [_vector(heights_of(_shaped(body, parameters + step))) for step in np.eye(3)]
        slope = np.stack(columns, axis=1) - _vector(heights_of(body))[:, None]
        body = _shaped(body, parameters + np.linalg.solve(slope, missing))
    return body


def _shaped(body: BodyShape, heights: Float64) -> BodyShape:
    anterior, middle, posterior = heights.tolist()
    return replace(body, anterior=anterior, middle=middle, posterior=posterior)


def _vector(heights: Heights) -> Float64:
    return np.array((heights.anterior, heights.middle, heights.posterior))
