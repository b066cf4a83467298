"""Images in files that any program can write, and where their voxels lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from node.domain.errors import InputRejected
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.reasons import Reason
from node.domain.stack import stack_affine, stack_slices
from node.domain.volume import Volume
from workers.header import read_image_file
from workers.refusal import ImageRefused
from workers.volume_io import load_series

Array = NDArray[np.generic]

#: Frame of reference of a CT that knows none: NIfTI has no such thing.
NO_FRAME = Uid("2.25.1")

#: Corners of CT and mask may lie this far apart, mm: headers of NIfTI hold single precision.
SAME_PLACE_MM = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGrid:
    """Number of voxels along k, j and i, and their place."""

    shape: tuple[int, int, int]
    affine: Affine

    def apart_mm(self, other: ImageGrid) -> float:
        """Largest distance of two grids at the corners of this one, mm."""
        corners = np.array(np.meshgrid(*[(0, size - 1) for size in self.shape])).reshape(3, -1).T.astype(np.float64)
        return float(np.linalg.norm(self.affine.to_lps(corners) - other.affine.to_lps(corners), axis=1).max())

    def is_that_of(self, other: ImageGrid) -> bool:
        """Whether both have the same voxels."""
        return self.shape == other.shape and self.apart_mm(other) <= SAME_PLACE_MM


def grid_of(volume: Volume) -> ImageGrid:
    """The grid of a volume."""
    return ImageGrid(shape=volume.shape, affine=volume.affine)


def read_image(path: Path) -> tuple[Array, ImageGrid]:
    """Values of shape (k, j, i) and their place; SimpleITK gives LPS whatever the file says.

    Raises
    ------
    InputRejected
        Where the file is no image of three dimensions with one value a voxel.
    """
    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        raise _unreadable(path) from error
    grid = _grid(image, image.GetNumberOfComponentsPerPixel(), path)
    return SimpleITK.GetArrayFromImage(image), grid


def read_grid(path: Path) -> ImageGrid:
    """The grid of an image file, or of the series in a folder; no voxels are read.

    Raises
    ------
    InputRejected
        Where it has none.
    """
    if path.is_dir():
        return _series_grid(path)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(path) from error
    return _grid(reader, reader.GetNumberOfComponents(), path)


def load_ct(path: Path) -> Volume:
    """The CT of an image file, or of the series in a folder.

    Raises
    ------
    InputRejected
        Where it cannot be read, or its slices make no volume.
    """
    if not path.is_dir():
        values, grid = read_image(path)
        return Volume(hu=values.astype(np.float32), affine=grid.affine, frame_of_reference=NO_FRAME)
    loaded = load_series(series_files(path))
    if isinstance(loaded, Reason):
        raise InputRejected(f"the CT of {path.name} was refused: {loaded.text}")
    return loaded.volume


def series_files(folder: Path) -> tuple[Path, ...]:
    """The files of a series, by their names."""
    return tuple(sorted(path for path in folder.iterdir() if path.is_file()))


def _series_grid(folder: Path) -> ImageGrid:
    try:
        images = [read_image_file(path) for path in series_files(folder)]
    except ImageRefused as refused:
        raise InputRejected(f"the CT of {folder.name} was refused: {refused.reason.text}") from refused
    frames = [(image, frame) for image in images for frame in image.frames]
    if not frames:
        raise InputRejected(f"{folder.name} holds no image")
    positions, orientations = [frame.position for _, frame in frames], [frame.orientation for _, frame in frames]
    stack = stack_slices(positions, orientations)
    if isinstance(stack, Reason):
        raise InputRejected(f"the CT of {folder.name} was refused: {stack.text}")
    image, first = frames[stack.order[0]]
    return ImageGrid(
        shape=(len(stack.order), image.format.rows, image.format.columns),
        affine=stack_affine(stack, positions, orientations, spacing_mm=first.spacing_mm),
    )


def _grid(image: SimpleITK.Image | SimpleITK.ImageFileReader, components: int, path: Path) -> ImageGrid:
    if image.GetDimension() != 3 or components != 1:
        raise InputRejected(f"{path.name} of {path.parent.name} must have three dimensions and one value a voxel")
    steps = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = Affine.from_steps(k=steps[:, 2], j=steps[:, 1], i=steps[:, 0], origin=np.array(image.GetOrigin()))
    i, j, k = image.GetSize()
    return ImageGrid(shape=(k, j, i), affine=affine)


def _unreadable(path: Path) -> InputRejected:
    return InputRejected(f"{path.name} of {path.parent.name} cannot be read as an image")
