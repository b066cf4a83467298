"""What networks are shown of single vertebrae: a box of the scan on a fine grid, and where the body lies in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from models.bodies import FoundBodies
from models.box import Box, corner, grown
from models.bundle import Bundle
from models.device import half_precision_pays
from models.instances import Spacing
from models.interpolate import box_on_grid, on_grid, with_margin
from models.network import pointed
from models.resample import OUTSIDE_HU
from node.domain.geometry import Affine
from node.domain.volume import Float32, Volume

#: Voxels of the coarse grid around a body in which its surface may lie.
_AROUND = 1

#: Bodies that a network sees in one go: PyTorch takes its faster convolutions for two than for one.
_TOGETHER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The box around a body that a network was trained to see.

    Parameters
    ----------
    shape
        Voxels along k, j and i.
    behind_mm
        How far behind the middle of the body the box is centred.
    """

    shape: tuple[int, int, int]
    behind_mm: float = 0.0

    @property
    def box(self) -> Box:
        """All of it."""
        k, j, i = self.shape
        return slice(0, k), slice(0, j), slice(0, i)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What a network is shown of one body: CT numbers in HU and the pointer, both of the shape of the window.

    Parameters
    ----------
    beyond
        Which voxels lie outside of the scan, same shape.
    """

    number: int
    hu: Float32
    pointer: Float32
    beyond: NDArray[np.bool_]
    grid: Affine


def views(
    volume: Volume, bodies: FoundBodies, numbers: Sequence[int], *, window: Window, spacing_mm: Spacing
) -> Iterator[list[View]]:
    """Of some bodies by their labels, each in the middle of its own window; as many at once as a network is shown."""
    boxes = ndimage.find_objects(bodies.instances.labels)
    for first in range(0, len(numbers), _TOGETHER):
        some = numbers[first : first + _TOGETHER]
        yield [_view(volume, bodies, number, boxes[number - 1], window, spacing_mm) for number in some]


def probabilities(shown: Sequence[View], bundle: Bundle, channel: int) -> Float32:
    """Of one class in some views and in their mirror images, the mean of both, shape (n, k, j, i).

    A spine is as likely bent and broken to the left as to the right, and noise and gaps in the pointer are not the same
    in both.
    """
    hu, pointer = (torch.from_numpy(np.stack(each)) for each in zip(*((v.hu, v.pointer) for v in shown), strict=True))
    with torch.inference_mode():
        image = pointed(hu, pointer).to(bundle.device).contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast(bundle.device.type, torch.bfloat16, enabled=half_precision_pays(bundle.device)):
            logits = bundle.network(torch.cat((image, image.flip(-1))))
        straight, mirrored = torch.softmax(logits.float(), dim=1)[:, channel].chunk(2)
        seen: Float32 = (0.5 * (straight + mirrored.flip(-1))).cpu().numpy()
    return seen


def _view(volume: Volume, bodies: FoundBodies, number: int, box: Box, window: Window, spacing_mm: Spacing) -> View:
    middle = bodies.affine.to_lps(np.array(bodies.evidence[number - 1].centre_mm) / bodies.instances.spacing_mm)
    # LPS coordinates are along i, j and k.
    x, y, z = middle - 0.5 * (np.array(window.shape) - 1.0)[::-1] * np.array(spacing_mm)[::-1]
    grid = Affine.from_spacing(spacing_mm, (float(x), float(y) + window.behind_mm, float(z)))
    beyond = _outside(volume, grid, window)
    return View(
        number=number,
        hu=np.where(beyond, np.float32(OUTSIDE_HU), _values(volume, grid, window)),
        pointer=_pointer(bodies, number, box, grid=grid, window=window),
        beyond=beyond,
        grid=grid,
    )


def _pointer(bodies: FoundBodies, number: int, found: Box, *, grid: Affine, window: Window) -> Float32:
    """The coarse probability of one body alone, on the fine grid; planes across the spine separate neighbours."""
    instances = bodies.instances
    box = grown(found, by=(_AROUND,) * 3, shape=bodies.body.shape)
    near = ndimage.binary_dilation(instances.labels[box] == number)
    upper, lower = list(pairwise((np.inf, *instances.cuts_mm, -np.inf)))[number - 1]
    arc = instances.arc_mm[box]
    alone = np.where(near & (arc <= upper) & (arc > lower), bodies.body[box], 0.0).astype(np.float32)
    field, affine = with_margin(alone, bodies.affine.shifted(corner(box)))
    return on_grid(field, affine, grid=grid, box=window.box)


def _values(volume: Volume, grid: Affine, window: Window) -> Float32:
    """CT numbers on the fine grid, of no meaning outside of the scan."""
    part = box_on_grid(window.box, grid, grid=volume.affine, shape=volume.shape)
    part = grown(part, by=(1, 1, 1), shape=volume.shape)
    return on_grid(volume.hu[part], volume.affine.shifted(corner(part)), grid=grid, box=window.box)


def _outside(volume: Volume, grid: Affine, window: Window) -> NDArray[np.bool_]:
    """Which voxels of a window on the fine grid lie beyond the outer faces of the scan's voxels."""
    mapping = np.linalg.inv(volume.affine.matrix) @ grid.matrix
    beyond = np.zeros(window.shape, dtype=np.bool_)
    steps = np.ogrid[window.box]
    for axis, count in enumerate(volume.shape):
        place = mapping[axis, 3] + sum(mapping[axis, column] * step for column, step in enumerate(steps))
        beyond |= (place < -0.5) | (place > count - 0.5)
    return beyond
