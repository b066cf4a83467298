"""Class probabilities of a whole scan from a network that sees a window at a time."""

from __future__ import annotations

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer
from torch import Tensor

from models.bundle import Bundle
from models.device import half_precision_pays
from models.network import normalise
from models.tissues import Tissue
from node.domain.volume import Float32

#: Voxels along k, j and i that the network sees at once: what it was trained with. Its instance norm makes the answer
#: depend on the size of the window.
WINDOW = (96, 64, 64)

_OVERLAP = 0.5

#: Windows that the network sees in one go: PyTorch takes its faster convolutions for two than for one.
_TOGETHER = 2

#: A window is air where less than this share of it is above the threshold, HU: beside the patient, in the middle of a
#: lung. No vertebra is as small.
_TISSUE_ABOVE_HU = -300.0
_LEAST_TISSUE = 0.05


def probabilities(hu: Float32, bundle: Bundle) -> Float32:
    """Probability of every class in every voxel.

    Parameters
    ----------
    hu
        On the network's grid, shape (k, j, i), HU.

    Returns
    -------
    Shape (class, k, j, i), one for every `Tissue`, 0 to 1, the sum over classes is 1; 0 for what the bundle does not
    know.
    """
    inferer = SlidingWindowInferer(
        roi_size=WINDOW,
        sw_batch_size=_TOGETHER,
        overlap=_OVERLAP,
        mode="gaussian",
        padding_mode="constant",
        cval=float(normalise(torch.tensor(-1024.0))),
        sw_device=bundle.device,
        device=torch.device("cpu"),
    )
    image = normalise(torch.from_numpy(np.ascontiguousarray(hu)))[None, None]
    predictor = _WindowPredictor(bundle)
    with torch.inference_mode():
        blended: Tensor = inferer(image, predictor)
    # Float sums of Gaussian weights leave the total off by some millionths.
    known: Float32 = (blended[0] / blended[0].sum(0, keepdim=True)).numpy()
    unknown = len(Tissue) - len(known)
    return known if not unknown else np.concatenate((known, np.zeros((unknown, *known.shape[1:]), dtype=np.float32)))


class _WindowPredictor:
    """Softmax of the network on some windows; a window of air is background without asking it."""

    def __init__(self, bundle: Bundle) -> None:
        self.network = bundle.network
        self.classes = len(bundle.card.classes)
        self.half = half_precision_pays(bundle.device)
        self.threshold = float(normalise(torch.tensor(_TISSUE_ABOVE_HU)))

    def __call__(self, windows: Tensor) -> Tensor:
        result = windows.new_zeros((windows.shape[0], self.classes, *windows.shape[2:]))
        result[:, int(Tissue.BACKGROUND)] = 1.0
        asked = (windows > self.threshold).float().mean((1, 2, 3, 4)) >= _LEAST_TISSUE
        if asked.any():
            result[asked] = self._seen(windows[asked])
        return result

    def _seen(self, windows: Tensor) -> Tensor:
        windows = windows.contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast(windows.device.type, torch.bfloat16, enabled=self.half):
            logits: Tensor = self.network(windows)
        return torch.softmax(logits.float(), dim=1)
