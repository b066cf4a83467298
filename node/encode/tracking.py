"""What tells one patient from another in tracking UIDs: a keyed digest, the same in all studies of the patient."""

from __future__ import annotations

import json

from pydicom import Dataset

from node.domain.identifiers import Uid
from node.domain.pseudonym import Pseudonymizer

_PATIENT_ID, _ISSUER = 0x00100020, 0x00100021


def tracked_patient(header: Dataset, study_uid: Uid, pseudonyms: Pseudonymizer) -> str:
    """A digest of Patient ID and Issuer of Patient ID; where there is no Patient ID, of the study.

    Name and birth date do not count: they are corrected, and the ID stays. The issuer counts, because two issuers may
    give one ID to two people, and a change that mixes two people is worse than one that is not seen. Nobody without the
    site's key can find the ID again, or tell by it whether a person was here.

    Parameters
    ----------
    header
        Of one of the study's images.
    """
    patient_id, issuer = (_value(header, tag) for tag in (_PATIENT_ID, _ISSUER))
    # the first word keeps these digests apart from those of other texts with the same key
    about = ["tracking", "patient", issuer, patient_id] if patient_id else ["tracking", "study", study_uid]
    return pseudonyms.of(json.dumps(about))


def _value(header: Dataset, tag: int) -> str:
    """The text without padding. It is not decoded: what a source wrote wrongly is its patient's ID all the same."""
    if tag not in header:
        return ""
    value = header.get_item(tag).value or ""
    text = value.decode("ascii", "backslashreplace") if isinstance(value, bytes) else str(value)
    return text.strip("\x00 ")
