"""The result of one pipeline on one study: what encoding makes DICOM objects of."""

from __future__ import annotations

from dataclasses import dataclass

from node.domain.finding import CtBoneFindings
from node.domain.identifiers import Uid
from node.domain.provenance import Provenance
from node.domain.volume import LabelMap


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Findings in a study, the label map that they were measured with, and where both come from.

    Parameters
    ----------
    series_uid
        The series that was analysed; `None` where no series suited.
    label_map
        The vertebral bodies, on the grid of the analysed series; `None` where nothing was segmented.
    cores
        The trabecular cores that were measured, on the same grid, each with the value of its body; `None` where nobody
        drew them.
    input_digest
        SHA-256 over the digests of the instances that were analysed, hexadecimal.
    """

    study_uid: Uid
    revision: int
    pipeline: str
    series_uid: Uid | None
    findings: CtBoneFindings
    label_map: LabelMap | None
    provenance: Provenance
    input_digest: str
    cores: LabelMap | None = None
