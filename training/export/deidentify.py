"""Makes the header and pixels of a copy that nobody can be known by.

References
----------
[1] DICOM PS3.15 2026c, section E.1.1 De-identifier, and table E.1-1.
[2] DICOM PS3.5, section 6.2: what the value representations may hold; section B.2: UIDs below 2.25.
[3] 45 CFR 164.514(b)(2)(i)(C): ages above 89 are one group.
"""

from __future__ import annotations

import datetime
import hmac
import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
from pydicom import DataElement, Dataset, Sequence
from pydicom.datadict import dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sr.coding import Code
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import Uid
from node.domain.pseudonym import Pseudonymizer
from training.export.kept import (
    BASIC_PROFILE,
    EDITION,
    EMPTIED,
    KEPT,
    PATIENT_CHARACTERISTICS,
    REPLACED_UIDS,
    TERMS,
    ProfileOption,
)
from training.export.source import FileRefused, Refusal, Source

#: What values must look like that are kept; others may be a name that somebody typed into the wrong field.
_FORMS = {
    "CS": re.compile(r"[A-Z0-9 _]{0,16}"),
    "AS": re.compile(r"\d{3}[DWMY]"),
    "DA": re.compile(r"\d{8}"),
    "TM": re.compile(r"\d{2,6}(\.\d{1,6})?"),
}
_OLDEST_TOLD_YEARS = 89
_OLDER = "090Y"
_METHOD = f"PS3.15 {EDITION} Basic Profile, attributes by a positive list"

#: What stands for the name of an agent, so that a scan with contrast agent is never taken for one without.
_SOME_AGENT, _NO_AGENT, _UNKNOWN_AGENT = "CONTRAST AGENT", "NONE", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deidentifier:
    """Makes de-identified copies; pseudonyms and UIDs follow from what they replace and from a key alone.

    Parameters
    ----------
    key
        At least 16 bytes. Without it nobody can tell which pseudonym is whose.
    options
        Of the profile, that retain more.
    """

    key: bytes = field(repr=False)
    options: tuple[ProfileOption, ...] = ()

    def patient(self, source: Source) -> str:
        """The pseudonym of a patient: who has one Patient ID is one patient, however the name is spelled by now."""
        return self._pseudonym("patient", _normal(str(source.dataset.PatientID)))

    def name(self, uid: str) -> str:
        """A name for a folder or file of the object with that UID."""
        return self._pseudonym("name", uid)

    def uid(self, uid: str) -> UID:
        """What stands for a UID in the whole export."""
        digest = hmac.digest(self.key, f"uid\x1f{uid}".encode(), "sha256")
        return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")

    def copy(self, source: Source) -> Dataset:
        """The copy of an image, ready to be saved.

        Raises
        ------
        FileRefused
            Where an attribute is of another kind than its own: what it holds is known to nobody.
        ValueError, TypeError
            Where a value is none of its kind.
        """
        copy = Dataset()
        copy.SpecificCharacterSet = "ISO_IR 192"
        for keyword in EMPTIED:
            setattr(copy, keyword, "")
        self._copy_kept(copy, source)
        copy.SOPClassUID = CTImageStorage
        copy.PatientID = self.patient(source)
        copy.PatientName = f"Patient^{copy.PatientID}"
        _set_agent(copy, source)
        if PATIENT_CHARACTERISTICS in self.options:
            _set_age(copy, source.dataset)
        self._say_so(copy)
        _set_pixels(copy, source)
        copy.file_meta = FileMetaDataset()
        copy.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return copy

    def _copy_kept(self, copy: Dataset, source: Source) -> None:
        for keyword in (*KEPT, *(keyword for option in self.options for keyword in option.keywords)):
            if keyword in source.dataset:
                copy.add(_checked(source.dataset[keyword], keyword))
        for keyword in REPLACED_UIDS:
            if keyword in source.dataset:
                setattr(copy, keyword, self._replaced(source.dataset[keyword].value))

    def _pseudonym(self, kind: str, text: str) -> str:
        return Pseudonymizer(self.key).of(f"{kind}\x1f{text}")

    def _replaced(self, value: object) -> UID | list[UID] | str:
        if isinstance(value, MultiValue):
            return [self.uid(_checked_uid(each)) for each in value]
        return self.uid(_checked_uid(value)) if value else ""

    def _say_so(self, copy: Dataset) -> None:
        copy.PatientIdentityRemoved = "YES"
        copy.DeidentificationMethod = _METHOD
        methods = (BASIC_PROFILE, *(option.code for option in self.options))
        copy.DeidentificationMethodCodeSequence = Sequence(map(_code_item, methods))
        copy.LongitudinalTemporalInformationModified = "REMOVED"


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


def _checked(element: DataElement, keyword: str) -> DataElement:
    """An element of the kind that its attribute is; codes, terms, dates and times that are none are left empty."""
    kind = dictionary_VR(keyword)
    if element.VR not in kind.split(" or "):
        raise FileRefused(Refusal.WRONG_VALUE, f"{keyword} is of kind {element.VR}, not {kind}")
    value = element.value
    if kind in _FORMS:
        texts = [str(text) for text in (value if isinstance(value, MultiValue) else [value or ""])]
        value = [text if _FORMS[kind].fullmatch(text) and _is_term(text, keyword) else "" for text in texts]
    elif kind == "UI" and value:
        value = _checked_uid(value)
    return DataElement(element.tag, element.VR, value)


def _is_term(text: str, keyword: str) -> bool:
    """Whether an attribute that has a list of terms may say so; the others may say anything of their form."""
    return keyword not in TERMS or text.replace(" ", "") in TERMS[keyword]


def _checked_uid(value: object) -> str:
    try:
        return Uid.from_dicom(str(value))
    except InvalidIdentifier as error:
        raise FileRefused(Refusal.WRONG_VALUE, "a UID is none") from error


def _set_agent(copy: Dataset, source: Source) -> None:
    """Whether there was contrast agent, without the text that says which."""
    if source.facts.contrast_agent:
        copy.ContrastBolusAgent = _SOME_AGENT
    elif "ContrastBolusAgent" in source.dataset:
        copy.ContrastBolusAgent = _UNKNOWN_AGENT if source.facts.contrast_agent is None else _NO_AGENT


def _set_age(copy: Dataset, original: Dataset) -> None:
    """The age at the scan, also where only the dates tell it; above 89 years it is one group."""
    told = str(copy.get("PatientAge") or "")
    if not _FORMS["AS"].fullmatch(told):
        years = _years_between(str(original.get("PatientBirthDate", "")), str(original.get("StudyDate", "")))
        told = "" if years is None else f"{years:03d}Y"
    is_old = told.endswith("Y") and int(told[:3]) > _OLDEST_TOLD_YEARS
    copy.PatientAge = _OLDER if is_old else told


def _years_between(birth: str, day: str) -> int | None:
    try:
        born, scanned = (
            datetime.datetime.strptime(text, "%Y%m%d").replace(tzinfo=datetime.UTC) for text in (birth, day)
        )
    except ValueError:
        return None
    years = scanned.year - born.year - ((scanned.month, scanned.day) < (born.month, born.day))
    return years if 0 <= years < 1000 else None


def _code_item(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def _set_pixels(copy: Dataset, source: Source) -> None:
    """Write the values anew: compressed pixels may carry comments, and bits that no value occupies anything."""
    copy.HighBit = int(copy.BitsStored) - 1
    kind = source.stored.dtype.newbyteorder("<")
    content = source.stored.astype(kind).tobytes()
    copy.PixelData = content + b"\0" * (len(content) % 2)
    copy["PixelData"].VR = "OB" if np.dtype(kind).itemsize == 1 else "OW"
