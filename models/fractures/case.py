"""What a classifier of fractures can see of vertebral bodies, and how it is kept in a file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.backbone.slices import SLICES, body_slices
from models.crops import BodyCrop
from models.radiomics.definition import RadiomicsDefinition
from models.radiomics.extract import features_of
from models.radiomics.names import all_features
from models.radiomics.region import body_region
from node.domain.errors import InputRejected
from node.domain.reasons import Reason, ReasonCode

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

#: Rises with every change of what a file of cases holds.
FORM = 1

#: A body without a name is a body all the same.
_NO_OBSTACLE = frozenset({ReasonCode.LEVEL_UNCERTAIN})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VertebraCase:
    """All that can be said of one body by a definition.

    Parameters
    ----------
    radiomics
        All radiomic features in the order of `all_features`, shape (feature,), finite.
    slices
        What a network sees, shape (slice, row, column), 0 to 1.
    """

    radiomics: Float64
    slices: Float32

    def __post_init__(self) -> None:
        if self.radiomics.ndim != 1 or not np.isfinite(self.radiomics).all():
            raise ValueError("radiomic features must be finite numbers in a row")
        if self.slices.ndim != 3 or len(self.slices) != SLICES:
            raise ValueError(f"a body has {SLICES} slices, got an array of shape {self.slices.shape}")
        if not (float(self.slices.min()) >= 0.0 and float(self.slices.max()) <= 1.0):
            raise ValueError("slices run from 0 to 1")


def vertebra_case(crop: BodyCrop, definition: RadiomicsDefinition) -> VertebraCase | Reason:
    """All of a body, or why it is no case: it is cut or no body, its outline is too small or in pieces, or too even."""
    against = [reason for reason in crop.vertebra.reasons if reason.code not in _NO_OBSTACLE]
    if against:
        return against[0]
    region = body_region(crop, definition.grid)
    if isinstance(region, Reason):
        return region
    values = features_of(region, all_features(definition), definition)
    if isinstance(values, Reason):
        return values
    return VertebraCase(
        radiomics=np.array(list(values.values()), dtype=np.float64), slices=body_slices(region, definition.slices)
    )


def cases_to_bytes(cases: Sequence[VertebraCase], definition: RadiomicsDefinition) -> bytes:
    """Cases of one definition as a file: an NPZ without pickled objects. Slices are kept in half precision: 0.5 HU."""
    side = round(definition.slices.side_mm / definition.grid.spacing_mm)
    radiomics = np.zeros((len(cases), len(all_features(definition))))
    slices = np.zeros((len(cases), SLICES, side, side), dtype=np.float16)
    for row, case in enumerate(cases):
        radiomics[row], slices[row] = case.radiomics, case.slices
    record = json.dumps({"form": FORM, "definition_sha256": definition.sha256}).encode()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        record=np.frombuffer(record, dtype=np.uint8),
        radiomics=radiomics,
        slices=slices,
    )
    return buffer.getvalue()


def cases_from_bytes(content: bytes, definition: RadiomicsDefinition) -> tuple[VertebraCase, ...]:
    """The cases that `cases_to_bytes` wrote.

    Raises
    ------
    InputRejected
        Where the content is none that it writes, or its features are those of another definition.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            record = json.loads(arrays["record"].tobytes().decode())
            came = (record["form"], record["definition_sha256"])
            rows = zip(arrays["radiomics"].astype(np.float64), arrays["slices"].astype(np.float32), strict=True)
            cases = tuple(VertebraCase(radiomics=radiomics, slices=slices) for radiomics, slices in rows)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputRejected(f"the file of cases cannot be read: {error}") from error
    wanted = len(all_features(definition))
    if came != (FORM, definition.sha256) or any(len(case.radiomics) != wanted for case in cases):
        raise InputRejected(
            f"the cases must be of form {FORM}, of definition {definition.sha256[:12]} and have {wanted} features, got "
            f"form {came[0]} and definition {str(came[1])[:12]}; take them anew"
        )
    return cases
