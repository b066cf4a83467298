"""What the spine network tells apart in every voxel."""

from __future__ import annotations

from enum import IntEnum


class Tissue(IntEnum):
    """Class of a voxel in the output of the spine network; the value is the output channel.

    Lumbar and thoracic bodies are classes of their own because the votes for them carry the level.
    """

    BACKGROUND = 0
    LUMBAR_BODY = 1
    THORACIC_BODY = 2
    POSTERIOR_ELEMENTS = 3
    DISC = 4
    S1_BODY = 5
    SACRUM_OR_HIP = 6
    RIB = 7
    CERVICAL_BODY = 8


#: Classes that are the body of a vertebra, those of the neck and the first of the sacrum included.
BODY_TISSUES: tuple[Tissue, ...] = (
    Tissue.CERVICAL_BODY,
    Tissue.THORACIC_BODY,
    Tissue.LUMBAR_BODY,
    Tissue.S1_BODY,
)


class BodyClass(IntEnum):
    """Output channels of the network that sees one vertebral body finely: the body that it was pointed at, or not."""

    ELSEWHERE = 0
    BODY = 1


class RibClass(IntEnum):
    """Output channels of the network that looks for the ribs of one vertebra: those of the body it was pointed at."""

    ELSEWHERE = 0
    OWN_RIB = 1


#: What the output channels of a network may mean.
NetworkClass = Tissue | BodyClass | RibClass
