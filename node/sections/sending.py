"""Sections about where results go, and how the node calls there."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from node.domain.destination import Destination
from node.domain.identifiers import AETitle
from node.sections.section import Port, Section


class DispatchSettings(Section):
    """How the node calls destinations."""

    tls_certificate: Path | None = Field(None, description="PEM file of the node's certificate as a sender.")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    tls_authorities: Path | None = Field(
        None, description="PEM file of the CAs that destinations' certificates are of."
    )


class DestinationSettings(Section):
    """A PACS that results are sent to."""

    name: str = Field(description="How logs and queues call it.")
    host: str = Field(description="Host name or address.")
    port: Port = Field(description="TCP port.")
    ae_title: str = Field(description="Its AE title.")
    research_results: bool = Field(False, description="Whether it accepts results of research models.")
    not_evaluable_reports: bool = Field(False, description="Whether it wants reports that nothing could be assessed.")
    pictures: bool = Field(
        True, description="Whether it wants a picture of what was measured (Secondary Capture), too."
    )
    urgent_key_objects: bool = Field(False, description="Whether urgent findings are marked by a Key Object Selection.")
    urgent_research: bool = Field(False, description="Whether research findings may raise urgency, too.")
    tls: bool = Field(False, description="Whether the association is encrypted.")

    def destination(self) -> Destination:
        """The domain's own type."""
        return Destination(**self.model_dump(exclude={"ae_title"}), ae_title=AETitle(self.ae_title))
