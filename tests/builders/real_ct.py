"""Real scans as volumes, read by SimpleITK and not by the code under test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.volume import Volume


def read_series(folder: Path) -> Volume:
    """The series of DICOM files in a folder."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return _volume(reader.Execute())


def read_volume(file: Path) -> Volume:
    """The CT of a file of NIfTI."""
    return _volume(SimpleITK.ReadImage(str(file)))


def read_values(file: Path) -> tuple[NDArray[np.float64], Affine]:
    """Values of shape (k, j, i) of a file of NIfTI, and their place."""
    image = SimpleITK.ReadImage(str(file))
    return SimpleITK.GetArrayFromImage(image).astype(np.float64), _affine(image)


def _volume(image: SimpleITK.Image) -> Volume:
    hu = SimpleITK.GetArrayFromImage(image).astype(np.float32)
    return Volume(hu=hu, affine=_affine(image), frame_of_reference=Uid("1.2.3"))


def _affine(image: SimpleITK.Image) -> Affine:
    steps = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    return Affine.from_steps(k=steps[:, 2], j=steps[:, 1], i=steps[:, 0], origin=np.array(image.GetOrigin()))
