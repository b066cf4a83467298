"""From a CT volume to named vertebral bodies."""

from __future__ import annotations

from models.bundle import Bundle
from models.vertebra import SpineSegmentation
from node.domain.reasons import Reason
from node.domain.volume import Volume


def segment_spine(volume: Volume, bundle: Bundle) -> SpineSegmentation | Reason:
    """The vertebral bodies of a CT, each with its level or with the reason why it has none.

    Runs on the bundle's device. Returns a `Reason` where nothing in the volume can be evaluated: values that are no HU,
    a mirrored image, no spine.
    """
    raise NotImplementedError
