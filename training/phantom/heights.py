"""Heights of a vertebral body, and bodies that have lost some of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from node.domain.geometry import Float64
from training.anatomy.vertebra import BodyShape, VertebraShape, body_distance
from training.phantom.changes import Fracture, FractureKind
from training.true_heights import STEP_MM, Heights, heights_along

#: Share of the percentage that a kind takes from the front, the middle and the back (a choice; the back wall of a burst
#: body gives way, that of a wedge does not).
_LOSS: dict[FractureKind, tuple[float, float, float]] = {
    FractureKind.WEDGE: (1.0, 0.5, 0.0),
    FractureKind.BICONCAVE: (0.0, 1.0, 0.0),
    FractureKind.CRUSH: (1.0, 1.0, 1.0),
    FractureKind.BURST: (1.0, 1.0, 0.5),
}

_MIDDLE = np.zeros(1, dtype=np.float32)


def heights_of(body: BodyShape) -> Heights:
    """The heights of a shape, read off its surface to about 0.01 mm."""
    return heights_along(
        lambda up, back: body_distance(body, up, back, _MIDDLE),
        rims_mm=0.5 * body.mean_height,
        up_mm=max(body.anterior, body.posterior),
        back_mm=0.5 * body.depth + body.lip + 5.0,
    )


def after(heights: Heights, fracture: Fracture) -> Heights:
    """What a fracture leaves of the heights of a body."""
    front, middle, back = (1.0 - share * fracture.percent / 100.0 for share in _LOSS[fracture.kind])
    return Heights(
        anterior=heights.anterior * front, middle=heights.middle * middle, posterior=heights.posterior * back
    )


def broken(shape: VertebraShape, fracture: Fracture) -> VertebraShape:
    """The vertebra after a fracture: its three heights are what `after` says."""
    wanted = after(heights_of(shape.body), fracture)
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
        if np.abs(missing).max() < 2 * STEP_MM:
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
