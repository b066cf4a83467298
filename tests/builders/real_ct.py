"""Real scans as volumes, read by SimpleITK and not by the code under test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK

from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.volume import Volume


def read_series(folder: Path) -> Volume:
    """The series of DICOM files in a folder."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    steps = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = Affine.from_steps(k=steps[:, 2], j=steps[:, 1], i=steps[:, 0], origin=np.array(image.GetOrigin()))
    hu = SimpleITK.GetArrayFromImage(image).astype(np.float32)
    return Volume(hu=hu, affine=affine, frame_of_reference=Uid("1.2.3"))
