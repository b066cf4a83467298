"""The function that segments."""

import json
import multiprocessing
import os
from pathlib import Path

import nibabel
import numpy as np

from tests.builders.structures import NAMES, read


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
    call = {"ml": ml, "task": task, "roi_subset": roi_subset, "quiet": quiet, "device": device}
    told = call | {"axes": nibabel.aff2axcodes(input.affine), "temporary": os.environ["TMPDIR"]}
    settings = json.loads((Path(os.environ["TOTALSEG_WEIGHTS_PATH"]) / "config.json").read_text())
    Path(os.environ["STANDIN_CALL"]).write_text(json.dumps(told | settings))
    # The real one has processes that write its files.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(abs, (-1,))
    labels = read(np.asarray(input.dataobj, dtype=np.float32))
    asked = [value for value, name in NAMES.items() if roi_subset is None or name in roi_subset]
    return nibabel.Nifti1Image(np.where(np.isin(labels, asked), labels, 0).astype(np.uint8), input.affine)
