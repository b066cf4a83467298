"""How the node's own objects are told from everybody else's, so that it never analyses what it made itself."""

from __future__ import annotations

from node.domain.identifiers import Uid

#: Manufacturer (0008,0070) of every object that the node makes, and of the equipment item that it adds to others'.
MANUFACTURER = "OsteoNode"
#: Manufacturer's Model Name (0008,1090) of every object that the node makes.
MODEL_NAME = "OsteoNode"

#: Implementation Class UID (0002,0012) of the node: a UUID, drawn once, under the root 2.25 (PS3.5 B.2).
IMPLEMENTATION_CLASS_UID = Uid("2.25.177396541902851038650287731927410936645")
#: Implementation Version Name (0002,0013), SH: at most 16 characters.
IMPLEMENTATION_VERSION_NAME = "OSTEONODE"


def is_mark(manufacturer: str | None) -> bool:
    """Whether a Manufacturer value is the node's own; other systems change case and pad with spaces."""
    return manufacturer is not None and manufacturer.strip().casefold() == MANUFACTURER.casefold()
