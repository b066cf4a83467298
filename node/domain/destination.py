"""Where results are sent."""

from __future__ import annotations

from dataclasses import dataclass

from node.domain.identifiers import AETitle


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A PACS that receives results by C-STORE.

    Parameters
    ----------
    name
        How the configuration, logs and queues call it.
    research_results
        Whether it accepts results of models whose intended use is research.
    not_evaluable_reports
        Whether it wants an SR of a study in which nothing could be assessed.
    pictures
        Whether it wants the picture of what was measured, too.
    urgent_key_objects
        Whether urgent findings are marked by a Key Object Selection.
    urgent_research
        Whether findings of research models may raise urgency too.
    tls
        Whether the association is encrypted, with the node's own certificate.
    """

    name: str
    host: str
    port: int
    ae_title: AETitle
    research_results: bool = False
    not_evaluable_reports: bool = False
    pictures: bool = True
    urgent_key_objects: bool = False
    urgent_research: bool = False
    tls: bool = False

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"a destination's name must be letters, digits, '-' and '_', got {self.name!r}")
        if not 1 <= self.port <= 65535:
            raise ValueError(f"a port must be from 1 to 65535, got {self.port}")
