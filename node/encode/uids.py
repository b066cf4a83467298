"""UIDs that follow from the work: the same work gives the same UIDs, other work gives other ones."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum

from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind
from node.domain.result import Result

_UID_BITS = 128  # PS3.5 B.2: a decimal integer of 128 bits below 2.25 needs no registration


class Named(StrEnum):
    """What a UID is the name of."""

    INSTANCE = "instance"
    SERIES = "series"
    DIMENSIONS = "dimension-organization"


def derived_uid(*parts: str) -> Uid:
    """The UID below 2.25 that follows from the parts, in their order.

    References
    ----------
    [1] DICOM PS3.5, B.2, UUID derived UID.
    """
    # JSON keeps the parts apart: ("a", "bc") and ("ab", "c") are different work
    digest = hashlib.sha256(json.dumps(parts).encode("utf-8")).digest()
    return Uid(f"2.25.{int.from_bytes(digest[: _UID_BITS // 8], 'big')}")


def work_digest(result: Result) -> str:
    """SHA-256, hexadecimal, over all that shapes the objects of a result beside their kind.

    A model's intended use counts, because it stands in the objects and changes with the card alone. Where no series
    suited, the revision counts: it says which images there were to choose from.
    """
    provenance = result.provenance
    models = [[model.name, model.version, model.weights_sha256, model.intended_use] for model in provenance.models]
    work = [
        result.study_uid,
        result.series_uid or f"revision {result.revision}",
        result.pipeline,
        result.input_digest,
        models,
        provenance.code_version,
        provenance.configuration_sha256,
    ]
    return hashlib.sha256(json.dumps(work).encode("utf-8")).hexdigest()


def object_uid(work: str, kind: ObjectKind, named: Named) -> Uid:
    """The UID of an object that the work makes, or of its series."""
    return derived_uid("object", work, kind, named)


def level_tracking_uid(patient: str, pipeline: str, level: VertebralLevel, structure: str) -> Uid:
    """The tracking UID of a structure of a vertebra: the same in every study of the patient.

    Parameters
    ----------
    patient
        Keyed digest of the patient's ID, so that the UID cannot be recomputed without the site's key.
    pipeline
        What measured it: a number of another pipeline is no change of this one's.
    """
    return derived_uid("tracking", patient, pipeline, level, structure)


def unnamed_tracking_uid(work: str, ordinal: int, structure: str) -> Uid:
    """The tracking UID of a vertebra without a level: good for this work alone."""
    return derived_uid("tracking-unnamed", work, str(ordinal), structure)
