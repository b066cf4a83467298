"""How well the bodies that were found match the true ones, and whether their names do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.box import Box, around, grown
from models.core import trabecular_core
from models.crops import MARGIN_MM, box_in, cut_body
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.levels import VertebralLevel
from node.domain.volume import LabelMap, UInt8, Volume
from training.evaluation.case import Case

Mask = NDArray[np.bool_]

#: A found body counts as a true one where this share of the smaller of the two is common.
_LEAST_COMMON = 0.5

#: Groups by slice thickness: upper limits, mm.
_THICKNESSES_MM = (1.5, 3.0, 6.0)


class Naming(StrEnum):
    """What became of the name of a true body."""

    RIGHT = "right"
    WRONG = "wrong"
    WITHHELD = "withheld"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyScore:
    """One true body against the found one that covers it.

    Parameters
    ----------
    level
        Its true name.
    is_whole
        Whether it lies inside the scan, a voxel away from its edges.
    naming
        `WITHHELD` where it was found and got no name, `MISSED` where nothing covers it.
    confidence
        How sure the likeliest level is, 0 to 1; `None` where it was missed or rests on no landmark.
    likely_right
        Whether that level is the true one, also where it was withheld.
    dice
        0 to 1; 0 where it was missed.
    surface_mm
        Mean distance of the two surfaces, both ways; `None` where it was missed.
    core_error_hu
        Mean CT number of the trabecular core of the found body less that of the true one, HU; `None` where one of them
        has no core.
    """

    level: VertebralLevel
    is_whole: bool
    naming: Naming
    confidence: float | None = None
    likely_right: bool = False
    dice: float = 0.0
    surface_mm: float | None = None
    core_error_hu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScore:
    """One scan.

    Parameters
    ----------
    bodies
        The true ones, from head to foot.
    invented, invented_names
        Found bodies that cover no true one, and those of them that have a name.
    invented_confidences
        How sure the likeliest levels of invented bodies were, which are all wrong, also where they were withheld.
    reason
        Why nothing was found, where that is so.
    groups
        What it has in common with other scans, for figures of their own.
    is_synthetic
        Whether it was drawn and shows nobody.
    """

    name: str
    bodies: tuple[BodyScore, ...]
    invented: int = 0
    invented_names: int = 0
    invented_confidences: tuple[float, ...] = ()
    reason: str = ""
    groups: tuple[str, ...] = ()
    is_synthetic: bool = False

    @property
    def worst_dice(self) -> float:
        """Of the whole bodies; 1 where there is none."""
        return min((body.dice for body in self.bodies if body.is_whole), default=1.0)

    @property
    def goodness(self) -> tuple[bool, float]:
        """Sorts scans, the worst first: those with a wrong name, which nobody would notice, then by the worst body."""
        return (not self.wrong_names, self.worst_dice)

    @property
    def has_names(self) -> bool:
        """Whether some body has a name."""
        return bool({Naming.RIGHT, Naming.WRONG} & {body.naming for body in self.bodies}) or self.invented_names > 0

    @property
    def wrong_names(self) -> int:
        """How many bodies have a wrong name, cut ones and invented ones, of which no name is right, among them."""
        return [body.naming for body in self.bodies].count(Naming.WRONG) + self.invented_names

    @property
    def has_all_names(self) -> bool:
        """Whether every whole body has a name, and there is one."""
        namings = {body.naming for body in self.bodies if body.is_whole}
        return bool(namings) and namings <= {Naming.RIGHT, Naming.WRONG}

    @property
    def is_named_right(self) -> bool:
        """Whether some body has a name, and no name is wrong: what is no vertebra has no right one."""
        return Naming.RIGHT in {body.naming for body in self.bodies} and not self.wrong_names


def score_case(case: Case, spine: SpineSegmentation) -> CaseScore:
    """All true bodies of a case against what was found in its CT."""
    found = _on_grid(spine.label_map, case.volume)
    pairs = {level: _covering(case, level, found, spine.vertebrae) for level in case.levels}
    bodies = tuple(_body_score(case, level, found, vertebra) for level, vertebra in pairs.items())
    covering = {vertebra.segment_value for vertebra in pairs.values() if vertebra is not None}
    invented = [vertebra for vertebra in spine.vertebrae if vertebra.segment_value not in covering]
    return CaseScore(
        name=case.name,
        bodies=bodies,
        invented=len(invented),
        invented_names=sum(vertebra.level is not None for vertebra in invented),
        invented_confidences=tuple(
            vertebra.confidence.value
            for vertebra in invented
            if vertebra.confidence is not None and vertebra.likeliest is not None
        ),
        groups=_groups(case),
        is_synthetic=case.is_synthetic,
    )


def missed_case(case: Case, reason: str) -> CaseScore:
    """A case in which nothing was found."""
    bodies = tuple(
        BodyScore(level=level, is_whole=_is_whole(case.truth == level.number), naming=Naming.MISSED)
        for level in case.levels
    )
    return CaseScore(name=case.name, bodies=bodies, reason=reason, groups=_groups(case), is_synthetic=case.is_synthetic)


def _groups(case: Case) -> tuple[str, ...]:
    """The groups of a case, and that of its slices, which lie along the coarsest axis however the file is turned."""
    spacing = max(case.volume.affine.spacing_mm)
    low = 0.0
    for high in _THICKNESSES_MM:
        if spacing <= high:
            return (*case.groups, f"slices of {low:g} to {high:g} mm")
        low = high
    return (*case.groups, f"slices above {low:g} mm")


def _on_grid(label_map: LabelMap, volume: Volume) -> UInt8:
    """The label map, which lies on voxels of the volume, on all of them."""
    whole = np.zeros(volume.shape, dtype=np.uint8)
    whole[box_in(volume, label_map)] = label_map.labels
    return whole


def _covering(case: Case, level: VertebralLevel, found: UInt8, vertebrae: Sequence[Vertebra]) -> Vertebra | None:
    """The found body that has most in common with the true one, where that is enough and it has not more with another.

    A slice of a body that the scan cuts may lie in its neighbour's mask; the name of that is none of its own.
    """
    true = case.truth == level.number
    common = np.bincount(found[true], minlength=256)
    common[0] = 0
    value = int(common.argmax())
    others = np.bincount(case.truth[found == value], minlength=256)
    others[0] = 0
    smaller = min(int(true.sum()), int((found == value).sum()))
    if not common[value] or common[value] < _LEAST_COMMON * smaller or others.argmax() != level.number:
        return None
    return next(vertebra for vertebra in vertebrae if vertebra.segment_value == value)


def _body_score(case: Case, level: VertebralLevel, found: UInt8, vertebra: Vertebra | None) -> BodyScore:
    true = case.truth == level.number
    whole = _is_whole(true)
    if vertebra is None:
        return BodyScore(level=level, is_whole=whole, naming=Naming.MISSED)
    other = found == vertebra.segment_value
    box = _box_around(true, other, case.volume)
    spacing = case.volume.affine.spacing_mm
    return BodyScore(
        level=level,
        is_whole=whole,
        naming=_naming(level, vertebra),
        confidence=None if vertebra.confidence is None else vertebra.confidence.value,
        likely_right=vertebra.likeliest is level,
        dice=dice(true[box], other[box]),
        surface_mm=surface_distance_mm(true[box], other[box], spacing),
        core_error_hu=_core_error(case.volume, box, true=true[box], found=other[box], vertebra=vertebra),
    )


def _naming(level: VertebralLevel, vertebra: Vertebra) -> Naming:
    if vertebra.level is None:
        return Naming.WITHHELD
    return Naming.RIGHT if vertebra.level is level else Naming.WRONG


def dice(first: Mask, second: Mask) -> float:
    """Twice the common share of two masks, 0 to 1; 1 where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2.0 * int((first & second).sum()) / total if total else 1.0


def surface_distance_mm(first: Mask, second: Mask, spacing_mm: tuple[float, float, float]) -> float | None:
    """Mean distance from each voxel of a surface to the other mask's surface, both ways; `None` where one is empty.

    The surface of a mask are its voxels that have a face in common with the outside; the end of the array is no
    surface.
    """
    if not first.any() or not second.any():
        return None
    surfaces = [mask & ~ndimage.binary_erosion(mask, border_value=1) for mask in (first, second)]
    away = [ndimage.distance_transform_edt(~surface, sampling=spacing_mm) for surface in surfaces]
    distances = np.concatenate((away[1][surfaces[0]], away[0][surfaces[1]]))
    return float(distances.mean()) if distances.size else None


def _core_error(volume: Volume, box: Box, *, true: Mask, found: Mask, vertebra: Vertebra) -> float | None:
    means = []
    for body in (found, true):
        crop = cut_body(volume, box, body, vertebra=vertebra)
        core = trabecular_core(crop)
        if not core.any():
            return None
        means.append(float(crop.hu[core].mean()))
    return means[0] - means[1]


def _box_around(first: Mask, second: Mask, volume: Volume) -> Box:
    """Both bodies with the room that measuring keeps around one."""
    boxes = [ndimage.find_objects(mask.view(np.uint8))[0] for mask in (first, second)]
    margins = [int(np.ceil(MARGIN_MM / spacing)) for spacing in volume.affine.spacing_mm]
    return grown(around(boxes), by=margins, shape=volume.shape)


def _is_whole(mask: Mask) -> bool:
    box = ndimage.find_objects(mask.view(np.uint8))[0]
    return all(part.start > 0 and part.stop < count for part, count in zip(box, mask.shape, strict=True))
