"""The function that segments."""

import nibabel
import numpy as np

from tests.builders.structures import NAMES, read

#: Arguments of the last call, for tests to look at.
last_call: dict[str, object] = {}


def totalsegmentator(
    input: nibabel.Nifti1Image,  # noqa: A002 - the name of the real one
    output: None = None,
    ml: bool = False,
    task: str = "total",
    roi_subset: list[str] | None = None,
    quiet: bool = False,
    device: str = "gpu",
) -> nibabel.Nifti1Image:
    """The structures that were painted and asked for, on the grid of the image."""
    last_call.update(ml=ml, task=task, roi_subset=roi_subset, quiet=quiet, device=device)
    last_call["axes"] = nibabel.aff2axcodes(input.affine)
    labels = read(np.asarray(input.dataobj, dtype=np.float32))
    asked = [value for value, name in NAMES.items() if roi_subset is None or name in roi_subset]
    return nibabel.Nifti1Image(np.where(np.isin(labels, asked), labels, 0).astype(np.uint8), input.affine)
