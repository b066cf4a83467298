"""How a series was scanned, as far as its headers say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from node.domain.study import Series

Value = TypeVar("Value")

#: How manufacturers say in Image Type that images are virtual: of one energy, without contrast agent, or of a material.
_SPECTRAL = re.compile(r"MONO|KEV|IODINE|VNC|VIRTUAL|SPECTRAL|MATERIAL|E\d{2,3}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """What CT numbers depend on beside the patient; `None` where the headers do not say it, or contradict each other.

    Parameters
    ----------
    kvp
        Tube voltage, kV.
    kernel
        Convolution Kernel, all of its values.
    contrast_agent
        Whether contrast agent was given, into whatever vessel.
    image_type
        Values of Image Type (0008,0008) of all images together.
    """

    manufacturer: str | None = None
    model: str | None = None
    kvp: float | None = None
    kernel: str | None = None
    contrast_agent: bool | None = None
    image_type: frozenset[str] = frozenset()

    @property
    def is_spectral(self) -> bool:
        """Whether the images are computed from several energies: their CT numbers are none of a tube voltage."""
        return any(_SPECTRAL.search(value) for value in self.image_type)

    @classmethod
    def of(cls, series: Series) -> Acquisition:
        """What all images of a series say alike. One that has contrast agent is enough to say that there is some."""
        facts = [instance.facts for instance in series.instances]
        agents = {each.contrast_agent for each in facts}
        return cls(
            manufacturer=_shared([each.manufacturer for each in facts]),
            model=_shared([each.model for each in facts]),
            kvp=_shared([each.kvp for each in facts]),
            kernel=_shared([each.kernel for each in facts]),
            contrast_agent=True if True in agents else _shared([each.contrast_agent for each in facts]),
            image_type=frozenset(value for each in facts for value in each.image_type),
        )


def _shared(values: Sequence[Value | None]) -> Value | None:
    return values[0] if len(set(values)) == 1 else None
