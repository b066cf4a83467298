"""Memory for the voxels of a volume, kept from one study to the next."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

import numpy as np

from node.domain.volume import Float32

Shape = tuple[int, int, int]

#: Kept at most: 570 slices of 512 x 512. A larger volume gets memory of its own, so that a worker that met one does not
#: hold it for ever.
MOST_KEPT_BYTES = 600_000_000


class Allocate(Protocol):
    """Gives an array for voxels."""

    def __call__(self, shape: Shape) -> Float32:
        """An array of this shape with any values in it."""
        ...


def fresh(shape: Shape) -> Float32:
    """Memory that goes with the volume."""
    return np.empty(shape, dtype=np.float32)


class VoxelMemory:
    """Gives the same memory to one volume after the other; never to two at a time.

    The system clears fresh memory page by page when it is first written to, which takes as long as reading the pixels
    does. Memory that any array still looks into is not given again: then the volume gets memory of its own. May be
    called from several threads.
    """

    def __init__(self, *, most_kept_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most = most_kept_bytes
        self._guard = threading.Lock()
        self._kept = np.empty(0, dtype=np.float32)
        self._lent: Callable[[], Float32 | None] = lambda: None

    def __call__(self, shape: Shape) -> Float32:
        """An array of this shape with any values in it."""
        with self._guard:
            return self._give(shape)

    def _give(self, shape: Shape) -> Float32:
        voxels = math.prod(shape)
        if self._lent() is not None:
            return fresh(shape)
        if voxels > self._kept.size:
            self._kept = np.empty(0, dtype=np.float32)  # gone before more is asked for
            if voxels * self._kept.itemsize > self._most:
                return fresh(shape)
            self._kept = np.empty(voxels, dtype=np.float32)
        # NumPy makes a view of a view a view of the first array, but does not look behind a memory view: so `lent` is
        # the base of all that looks into it, and lives as long as any of that does
        lent: Float32 = np.frombuffer(self._kept.data, dtype=np.float32, count=voxels)
        self._lent = weakref.ref(lent)
        return lent.reshape(shape)
