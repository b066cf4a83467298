"""Small pieces of the scan around each vertebral body: all that measuring needs after segmentation."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy import ndimage

from models.box import Box, corner, grown, shifted, size
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.confidence import LevelConfidence
from node.domain.errors import Bug
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import TissueReferences
from node.domain.volume import LabelMap, Volume

#: Kept around a body on every side, mm: enough for the cortex, the discs and a shifted core.
MARGIN_MM = 10.0

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyCrop:
    """CT numbers and mask around one vertebral body, on the grid of the scan.

    Parameters
    ----------
    hu
        int16, shape (k, j, i), HU, rounded.
    body
        Same shape; true inside the body.
    affine
        Index (k, j, i) of the crop to LPS mm.
    vertebra
        Whose body it is.
    """

    hu: NDArray[np.int16]
    body: NDArray[np.bool_]
    affine: Affine
    vertebra: Vertebra

    def __post_init__(self) -> None:
        if self.hu.dtype != np.int16 or self.body.dtype != np.bool_ or self.hu.ndim != 3:
            raise ValueError(f"a crop must be int16 with a mask, got {self.hu.dtype} and {self.body.dtype}")
        if self.hu.shape != self.body.shape:
            raise ValueError(f"a crop and its mask must have one shape, got {self.hu.shape} and {self.body.shape}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpineCrops:
    """The crops of all vertebrae that were found, from head to foot, what could not be checked, and what tissues read.

    `references` are `None` where nobody looked for them.
    """

    crops: tuple[BodyCrop, ...]
    limitations: tuple[str, ...] = ()
    references: TissueReferences | None = None


_REFERENCES = TypeAdapter(TissueReferences | None)


def crop_bodies(volume: Volume, spine: SpineSegmentation) -> SpineCrops:
    """The pieces of the volume around the bodies of its segmentation; a body without voxels gives an empty mask."""
    label_map = spine.label_map
    boxes = ndimage.find_objects(label_map.labels)
    first = corner(box_in(volume, label_map))
    margin = np.ceil(MARGIN_MM / np.array(volume.affine.spacing_mm)).astype(int)
    crops = []
    for vertebra in spine.vertebrae:
        value = vertebra.segment_value
        box = boxes[value - 1] if value <= len(boxes) else None
        own = box or (slice(0, 1),) * 3
        in_scan = shifted(own, by=first)
        window = grown(in_scan, by=margin, shape=volume.shape)
        body = np.zeros(size(window), dtype=np.bool_)
        body[shifted(in_scan, by=[-start for start in corner(window)])] = label_map.labels[own] == value
        crops.append(cut_body(volume, window, body, vertebra=vertebra))
    return SpineCrops(crops=tuple(crops), limitations=spine.limitations)


def cut_body(volume: Volume, window: Box, body: NDArray[np.bool_], *, vertebra: Vertebra) -> BodyCrop:
    """A piece of the volume with the mask of a body in it, which has the size of the window."""
    return BodyCrop(
        hu=np.clip(np.rint(volume.hu[window]), -32768, 32767).astype(np.int16),
        body=body,
        affine=volume.affine.shifted(corner(window)),
        vertebra=vertebra,
    )


def box_in(volume: Volume, label_map: LabelMap) -> Box:
    """The box of a volume's voxels that a label map on some of them fills."""
    first = np.rint(volume.affine.to_index(label_map.affine.matrix[:3, 3])).astype(int)
    return shifted([slice(0, count) for count in label_map.labels.shape], by=first)


def crops_to_bytes(spine: SpineCrops) -> bytes:
    """The crops as one file: an NPZ without pickled objects, some 12 MB; to compress it takes half a second."""
    arrays: dict[str, NDArray[np.generic]] = {}
    records = []
    for index, crop in enumerate(spine.crops):
        arrays[f"hu{index}"] = crop.hu
        arrays[f"body{index}"] = crop.body
        arrays[f"affine{index}"] = crop.affine.matrix
        records.append(_record(crop.vertebra))
    references = _REFERENCES.dump_python(spine.references, mode="json")
    text = json.dumps({"vertebrae": records, "limitations": list(spine.limitations), "references": references})
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, record=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)
    return buffer.getvalue()


def crops_from_bytes(content: bytes) -> SpineCrops:
    """The crops that `crops_to_bytes` wrote.

    Raises
    ------
    Bug
        Where the content is none that it writes; the store has checked the hash before.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            record = json.loads(arrays["record"].tobytes().decode())
            crops = tuple(
                BodyCrop(
                    hu=arrays[f"hu{index}"],
                    body=arrays[f"body{index}"],
                    affine=Affine(arrays[f"affine{index}"]),
                    vertebra=_vertebra(entry),
                )
                for index, entry in enumerate(record["vertebrae"])
            )
            references = _REFERENCES.validate_python(record["references"])
            return SpineCrops(crops=crops, limitations=tuple(record["limitations"]), references=references)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Bug(f"the file of body crops cannot be read: {error}") from error


def _record(vertebra: Vertebra) -> Json:
    return {
        "level": None if vertebra.level is None else str(vertebra.level),
        "ordinal": vertebra.ordinal,
        "confidence": None if vertebra.confidence is None else asdict(vertebra.confidence),
        "centroid_lps_mm": list(vertebra.centroid_lps_mm),
        "up_lps": list(vertebra.up_lps),
        "segment_value": vertebra.segment_value,
        "reasons": [[str(reason.code), reason.detail] for reason in vertebra.reasons],
    }


def _vertebra(entry: Json) -> Vertebra:
    level, reasons = entry["level"], entry["reasons"]
    if not isinstance(reasons, list):
        raise TypeError(f"reasons must be a list, got {reasons!r}")
    return Vertebra(
        level=None if level is None else VertebralLevel(str(level)),
        ordinal=int(str(entry["ordinal"])),
        confidence=_confidence(entry["confidence"]),
        centroid_lps_mm=_vector(entry["centroid_lps_mm"]),
        up_lps=_vector(entry["up_lps"]),
        segment_value=int(str(entry["segment_value"])),
        reasons=tuple(Reason(code=ReasonCode(code), detail=detail) for code, detail in reasons),
    )


def _confidence(value: object) -> LevelConfidence | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value["calibrated"], bool):
        raise TypeError(f"a confidence must be an object, got {value!r}")
    return LevelConfidence(value=float(value["value"]), calibrated=value["calibrated"])


def _vector(value: object) -> tuple[float, float, float]:
    if not isinstance(value, list):
        raise TypeError(f"a vector must be a list, got {value!r}")
    x, y, z = (float(component) for component in value)
    return x, y, z
