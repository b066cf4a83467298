"""The files that one stage leaves for the next: their names and their formats.

Findings are JSON by pydantic over the domain's own types; label maps are a JSON header and the compressed box that
holds all labels, since nine tenths of a chest are background.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter, ValidationError

from node.domain.errors import Bug
from node.domain.finding import CtBoneFindings
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.provenance import Provenance
from node.domain.volume import LabelMap, Segment

FINDINGS = "findings.json"
LABEL_MAP = "labels.osl"
#: The trabecular cores that were measured, as a label map on the same voxels; each has the value of its body. Missing
#: where an older worker measured.
CORES = "cores.osl"
#: The pieces of the scan around the bodies, in the format of `models.crops`.
CROPS = "crops.npz"
#: What was found, drawn into the scan, without a word about the patient.
PICTURE = "picture.png"
#: Where was measured and what, for the archive; without a word about the patient as well.
MEASUREMENT_PICTURE = "measurement.png"

_MAGIC = b"OSL1"
# Level 1 halves the time of level 6 and loses a tenth of the ratio on label maps.
_COMPRESSION_LEVEL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedSeries:
    """What an analysis leaves for encoding.

    `input_digest` is the SHA-256, hexadecimal, over the sorted digests of the instances that were read.
    """

    findings: CtBoneFindings
    provenance: Provenance
    input_digest: str


_ANALYSED = TypeAdapter(AnalysedSeries)
_SEGMENTS = TypeAdapter(tuple[Segment, ...])


def findings_to_bytes(analysed: AnalysedSeries) -> bytes:
    """The content of a findings file."""
    return _ANALYSED.dump_json(analysed, indent=1)


def findings_from_bytes(content: bytes) -> AnalysedSeries:
    """What a findings file holds.

    Raises
    ------
    Bug
        Where the file does not follow the format; its hash has been checked before, so this code wrote it.
    """
    try:
        return _ANALYSED.validate_json(content)
    except ValidationError as error:
        raise Bug(f"a findings file does not follow its format: {error}") from error


def label_map_to_bytes(label_map: LabelMap) -> bytes:
    """The content of a label map file: magic, length of the header, JSON header, compressed box."""
    box = _bounding_box(label_map)
    header = json.dumps(
        {
            "shape": label_map.labels.shape,
            "box": [[part.start, part.stop] for part in box],
            "affine": label_map.affine.matrix.tolist(),
            "frame_of_reference": label_map.frame_of_reference,
            "segments": _SEGMENTS.dump_python(label_map.segments, mode="json"),
        }
    ).encode()
    return (
        _MAGIC
        + len(header).to_bytes(4, "little")
        + header
        + zlib.compress(np.ascontiguousarray(label_map.labels[box]).tobytes(), _COMPRESSION_LEVEL)
    )


def label_map_from_bytes(content: bytes) -> LabelMap:
    """The label map that a file holds.

    Raises
    ------
    Bug
        Where the file does not follow the format.
    """
    if content[:4] != _MAGIC:
        raise Bug(f"a label map file starts with {_MAGIC!r}, got {content[:4]!r}")
    end = 8 + int.from_bytes(content[4:8], "little")
    header = json.loads(content[8:end])
    box = tuple(slice(start, stop) for start, stop in header["box"])
    labels = np.zeros(header["shape"], dtype=np.uint8)
    inside = np.frombuffer(zlib.decompress(content[end:]), dtype=np.uint8)
    labels[box] = inside.reshape([part.stop - part.start for part in box])
    return LabelMap(
        labels=labels,
        affine=Affine(np.array(header["affine"])),
        frame_of_reference=Uid(header["frame_of_reference"]),
        segments=_SEGMENTS.validate_python(header["segments"]),
    )


def _bounding_box(label_map: LabelMap) -> tuple[slice, slice, slice]:
    """The smallest box that holds all labels; empty where there are none."""
    parts = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(label_map.labels.any(axis=others))
        parts.append(slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 0))
    return parts[0], parts[1], parts[2]
