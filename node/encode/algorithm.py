"""What made a result: the networks and the code around them, as names that a report can carry."""

from __future__ import annotations

from node.domain.mark import MANUFACTURER
from node.domain.provenance import IntendedUse, Provenance

#: LO holds 64 characters.
LONG_STRING = 64

RESEARCH_NOTICE = "RESEARCH: made with a model that is not released for clinical use. Not for diagnosis."


def plain(text: str) -> str:
    """Text in ASCII, which every source's character set holds."""
    return text.encode("ascii", "replace").decode("ascii")


def algorithm_name(provenance: Provenance) -> tuple[str, str]:
    """Name and version of the networks, or of the node where none was used; 64 characters each at most."""
    if not provenance.models:
        return MANUFACTURER, plain(provenance.code_version)[:LONG_STRING]
    name = " + ".join(model.name for model in provenance.models)
    version = " + ".join(model.version for model in provenance.models)
    return plain(name)[:LONG_STRING], plain(version)[:LONG_STRING]


def algorithm_parameters(provenance: Provenance) -> list[str]:
    """All that shaped the result beside the images."""
    return [
        *(plain(f"{model.name} {model.version} weights sha256:{model.weights_sha256}") for model in provenance.models),
        plain(f"{MANUFACTURER} {provenance.code_version}"),
        f"configuration sha256:{provenance.configuration_sha256}",
        plain(f"device {provenance.device}"),
    ]


def notices(provenance: Provenance) -> tuple[str, ...]:
    """What must stand in every object's text because of what made it."""
    return (RESEARCH_NOTICE,) if provenance.intended_use is IntendedUse.RESEARCH else ()
