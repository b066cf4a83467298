"""The lesson of the network that sees the whole scan on a coarse grid."""

from __future__ import annotations

from torch import Tensor

from models.card import Threshold
from models.network import Architecture, normalise
from models.tissues import Tissue
from training.anatomy.template import TEMPLATE_SPACING_MM, build_template
from training.lessons.augment import augmented
from training.lessons.lesson import Forward, Lesson
from training.lessons.loss import segmentation_loss
from training.lessons.validation import tissue_dice
from training.rendering.sample import SAMPLE_SPACING_MM, draw_sample


def _loss(network: Forward, hu: Tensor, shares: Tensor) -> Tensor:
    return segmentation_loss(network(normalise(hu)[:, None]), shares)


SPINE = Lesson(
    name="spine-ct",
    task="Vertebral bodies, arches, discs, sacrum and ribs in CT of the trunk, on a 2.5 mm grid.",
    architecture=Architecture.UNET_32_160,
    classes=tuple(Tissue),
    # A voxel belongs to the structure above these probabilities.
    thresholds=(Threshold(name="body", value=0.5), Threshold(name="rib", value=0.5)),
    spacing_mm=SAMPLE_SPACING_MM,
    template_spacing_mm=TEMPLATE_SPACING_MM,
    samples_a_template=40,
    compiled=True,
    uses=6,
    build=build_template,
    draw=draw_sample,
    augment=augmented,
    loss=_loss,
    score=tissue_dice,
)
