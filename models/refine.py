"""Each vertebral body on a fine grid: a second network sees it alone, pointed at by what the first one saw.

It is asked twice, the second time pointed at its own answer without the dents: what the first network lost of a body,
as where marrow is as dark as a disc, is found again (docs/decisions/0021).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from models.box import Box, corner, grown
from models.bundle import Bundle
from models.chain import Chain
from models.closing import closed
from models.device import half_precision_pays
from models.instances import Spacing
from models.interpolate import box_on_grid, on_grid, with_margin
from models.network import pointed
from models.resample import OUTSIDE_HU
from models.tissues import BodyClass
from node.domain.geometry import Affine
from node.domain.volume import Float32, Volume

#: Voxels along k, j and i that the network sees around a body: what it was trained with.
WINDOW = (64, 64, 72)

#: Voxels of the coarse grid around a body in which its surface may lie.
_AROUND = 1

#: A body that the two networks see with less in common than this (Dice) is not believed.
_LEAST_AGREEMENT = 0.5

_INSIDE = 0.5

#: Dents that the first answer is closed over, radius in mm, and how sure the pointer is there.
_DENT_MM, _SURE = 3.0, 0.95

#: Bodies that the network sees in one go: PyTorch takes its faster convolutions for two than for one.
_TOGETHER = 2

_WHOLE = (slice(0, WINDOW[0]), slice(0, WINDOW[1]), slice(0, WINDOW[2]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FineBody:
    """One body as the second network sees it.

    Parameters
    ----------
    probability
        That a voxel is inside it, shape `WINDOW`.
    affine
        Of that grid.
    agrees
        Whether both networks see about the same; where they do not, the probability is that of the coarse one.
    """

    probability: Float32
    affine: Affine
    agrees: bool


def refine_bodies(volume: Volume, chain: Chain, *, numbers: Iterable[int], bundle: Bundle) -> dict[int, FineBody]:
    """Bodies of a chain by their labels there, each on its own fine grid."""
    boxes = ndimage.find_objects(chain.instances.labels)
    views = [_view(volume, chain, number, boxes[number - 1], bundle.card.spacing_mm) for number in numbers]
    refined: dict[int, FineBody] = {}
    for first in range(0, len(views), _TOGETHER):
        some = views[first : first + _TOGETHER]
        again = [_pointed_at(view, seen) for view, seen in zip(some, _probabilities(some, bundle), strict=True)]
        for view, seen in zip(some, _probabilities(again, bundle), strict=True):
            refined[view.number] = _judged(view, seen)
    return refined


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """What the network is shown of one body: CT numbers in HU and the pointer, both of shape `WINDOW`."""

    number: int
    hu: Float32
    pointer: Float32
    grid: Affine


def _view(volume: Volume, chain: Chain, number: int, box: Box, spacing_mm: Spacing) -> _View:
    middle = chain.affine.to_lps(np.array(chain.evidence[number - 1].centre_mm) / chain.instances.spacing_mm)
    # LPS coordinates are along i, j and k.
    x, y, z = middle - 0.5 * (np.array(WINDOW) - 1.0)[::-1] * np.array(spacing_mm)[::-1]
    grid = Affine.from_spacing(spacing_mm, (float(x), float(y), float(z)))
    return _View(number=number, hu=_values(volume, grid), pointer=_pointer(chain, number, box, grid), grid=grid)


def _pointed_at(view: _View, seen: Float32) -> _View:
    """The view with what the network saw of it, without dents, as its pointer."""
    inside = seen > _INSIDE
    dents = closed(inside, _DENT_MM / view.grid.spacing_mm[0]) & ~inside
    return replace(view, pointer=np.where(dents, np.float32(_SURE), seen))


def _judged(view: _View, seen: Float32) -> FineBody:
    first, second = view.pointer > _INSIDE, seen > _INSIDE
    common = 2 * int((first & second).sum())
    agrees = common >= _LEAST_AGREEMENT * max(int(first.sum()) + int(second.sum()), 1)
    return FineBody(probability=seen if agrees else view.pointer, affine=view.grid, agrees=agrees)


def _pointer(chain: Chain, number: int, found: Box, grid: Affine) -> Float32:
    """The coarse probability of one body alone, on the fine grid; planes across the spine separate neighbours."""
    instances = chain.instances
    box = grown(found, by=(_AROUND,) * 3, shape=chain.body.shape)
    near = ndimage.binary_dilation(instances.labels[box] == number)
    upper, lower = list(pairwise((np.inf, *instances.cuts_mm, -np.inf)))[number - 1]
    arc = instances.arc_mm[box]
    alone = np.where(near & (arc <= upper) & (arc > lower), chain.body[box], 0.0).astype(np.float32)
    field, affine = with_margin(alone, chain.affine.shifted(corner(box)))
    return on_grid(field, affine, grid=grid, box=_WHOLE)


def _values(volume: Volume, grid: Affine) -> Float32:
    """CT numbers on the fine grid; outside the scan there is air."""
    part = grown(box_on_grid(_WHOLE, grid, grid=volume.affine, shape=volume.shape), by=(1, 1, 1), shape=volume.shape)
    values = on_grid(volume.hu[part], volume.affine.shifted(corner(part)), grid=grid, box=_WHOLE)
    values[_is_outside(volume, grid)] = OUTSIDE_HU
    return values


def _is_outside(volume: Volume, grid: Affine) -> NDArray[np.bool_]:
    """Which voxels of the fine grid lie beyond the outer faces of the scan's voxels."""
    mapping = np.linalg.inv(volume.affine.matrix) @ grid.matrix
    outside = np.zeros(WINDOW, dtype=np.bool_)
    steps = np.ogrid[_WHOLE]
    for axis, count in enumerate(volume.shape):
        place = mapping[axis, 3] + sum(mapping[axis, column] * step for column, step in enumerate(steps))
        outside |= (place < -0.5) | (place > count - 0.5)
    return outside


def _probabilities(views: Sequence[_View], bundle: Bundle) -> Float32:
    """What the network says of some bodies and of their mirror images, the mean of both, shape (n, k, j, i).

    A spine is as likely bent and broken to the left as to the right, and noise and gaps in the pointer are not the same
    in both.
    """
    hu, pointer = (torch.from_numpy(np.stack(each)) for each in zip(*((v.hu, v.pointer) for v in views), strict=True))
    with torch.inference_mode():
        image = pointed(hu, pointer).to(bundle.device).contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast(bundle.device.type, torch.bfloat16, enabled=half_precision_pays(bundle.device)):
            logits = bundle.network(torch.cat((image, image.flip(-1))))
        straight, mirrored = torch.softmax(logits.float(), dim=1)[:, int(BodyClass.BODY)].chunk(2)
        seen: Float32 = (0.5 * (straight + mirrored.flip(-1))).cpu().numpy()
    return seen
