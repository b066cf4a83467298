"""Sections about what arrives: the listener, when a study is complete, and which series are read."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from node.domain.completeness import CompletenessPolicy
from node.domain.selection import SelectionRule
from node.domain.work import CT_BONE
from node.sections.section import Port, Seconds, Section

#: Words in a Series Description for pictures that are no stack of slices. A low-dose scan is one, a dose report is not.
NO_VOLUME = r"(?<![a-z])(mips?|minips?|vrt|scouts?|topogram|surview|dose[ _-]?(report|info|sheet|page|record))(?![a-z])"


class ListenSettings(Section):
    """The DICOM listener."""

    host: str = Field("127.0.0.1", description="Address to bind; loopback until told otherwise.")
    port: Port = Field(11112, description="TCP port; 0 takes a free one.")
    processes: int = Field(2, ge=1, le=64, description="Listener processes that share the socket.")
    allowed_calling_aes: tuple[str, ...] = Field(
        (), description="AE titles that may send; empty means that only loopback may."
    )
    max_associations: int = Field(50, ge=1, description="Associations at one time, all processes together.")
    acse_timeout_s: Seconds = Field(30.0, description="Longest wait for an association to be negotiated.")
    dimse_timeout_s: Seconds = Field(60.0, description="Longest wait for the rest of a DIMSE message.")
    network_timeout_s: Seconds = Field(60.0, description="An association silent for this long is ended.")
    max_object_mb: int = Field(4096, ge=1, description="Largest object that is accepted, MB.")
    min_free_disk_mb: int = Field(2048, ge=0, description="With less free disk than this nothing is accepted, MB.")
    tls_certificate: Path | None = Field(None, description="PEM file; with it the listener speaks TLS only.")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    tls_client_ca: Path | None = Field(
        None, description="PEM file; with it senders must show a certificate of this CA."
    )


class CompletenessSettings(Section):
    """When a study counts as complete."""

    study_quiet_s: float = Field(60.0, ge=0, description="Nothing arrived for the study for this long.")
    series_quiet_s: float = Field(
        300.0, ge=0, description="Nothing arrived for this long for a series in which slices are missing."
    )
    longest_wait_s: Seconds = Field(1800.0, description="Closed this long after its first image, whatever is missing.")

    def policy(self) -> CompletenessPolicy:
        """The domain's own type."""
        return CompletenessPolicy(**self.model_dump())


class SelectionSettings(Section):
    """Which series a pipeline reads."""

    pipeline: str = Field(CT_BONE, description="Pipeline that this rule is for.")
    modalities: tuple[str, ...] = Field(("CT",), description="Modalities that suit.")
    body_parts: tuple[str, ...] = Field(
        (), description="Body Part Examined values that suit, in capitals; empty means all. Missing counts as unknown."
    )
    exclude_descriptions: tuple[str, ...] = Field(
        (NO_VOLUME,), description="Regular expressions that exclude a series; case does not matter."
    )
    descriptions: tuple[str, ...] = Field(
        (), description="Regular expressions of which the Series Description must hold one; empty means all."
    )
    slice_mm: float = Field(6.0, gt=0, description="Thickest slices that suit, mm.")
    coverage_mm: float = Field(60.0, ge=0, description="Shortest stack that suits, mm.")
    min_slices: int = Field(10, ge=1, description="Fewest slices.")
    max_slices: int = Field(3000, ge=1, description="Most slices; of 512 x 512 no more than 1,600 are read.")
    require: tuple[str, ...] = Field(
        (), description="Facts whose absence excludes: body_part, description, kvp, kernel."
    )

    def rule(self) -> SelectionRule:
        """The domain's own type."""
        return SelectionRule(
            pipeline=self.pipeline,
            modalities=frozenset(self.modalities),
            body_parts=frozenset(self.body_parts),
            exclude_descriptions=self.exclude_descriptions,
            descriptions=self.descriptions,
            slice_mm=self.slice_mm,
            coverage_mm=self.coverage_mm,
            slices=(self.min_slices, self.max_slices),
            require=frozenset(self.require),
        )
