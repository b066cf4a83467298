"""Which series a pipeline reads: rules with three truth values, and a ranking."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from node.domain.identifiers import Uid
from node.domain.kernels import kernel_is_soft
from node.domain.reasons import Reason, ReasonCode
from node.domain.stack import SliceStack, slice_normal, stack_slices
from node.domain.study import ImageFacts, Series, Study
from node.domain.truth import Truth

#: A slice counts as axial up to this angle between its normal and the body's long axis.
AXIAL_TOLERANCE_DEG = 20.0
#: Largest volume that is analysed: 1,600 slices of 512 x 512, or 400 of 1024 x 1024; 1.7 GB of float32.
MAX_VOXELS = 1600 * 512 * 512
#: Image Type values of pictures whose pixels are no CT numbers of their place: projections, renderings, captures.
#: A series that is merely DERIVED may be a resampled or de-identified original; it only ranks behind one.
PROJECTIONS = frozenset({"PROJECTION IMAGE", "MIP", "MINIP", "MIN_IP", "VRT", "VOLUME_RENDERED", "SCREEN SAVE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRule:
    """What a series must be for a pipeline to read it.

    Parameters
    ----------
    body_parts
        Body Part Examined values that suit, in capitals; empty means all.
    exclude_descriptions
        Regular expressions; a series whose description holds one is not read. Case does not matter.
    descriptions
        Regular expressions; only a series whose description holds one of them is read. Empty means all.
    slice_mm
        Thickest slices that suit, and the largest distance between them, mm.
    coverage_mm
        Shortest stack that suits, mm.
    require
        Facts (`body_part`, `description`, `kvp`, `kernel`) whose absence excludes. All others may be unknown.
    """

    pipeline: str
    modalities: frozenset[str]
    body_parts: frozenset[str] = frozenset()
    exclude_descriptions: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    slice_mm: float = 6.0
    coverage_mm: float = 60.0
    slices: tuple[int, int] = (10, 3000)
    require: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        for pattern in (*self.exclude_descriptions, *self.descriptions):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} must be a regular expression: {error}") from error
        unknown = self.require - {"body_part", "description", "kvp", "kernel"}
        if unknown:
            raise ValueError(f"a rule can require body_part, description, kvp and kernel, got {sorted(unknown)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedSeries:
    """A series that was not chosen, and every reason why."""

    series_uid: Uid
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChoice:
    """The series that a pipeline reads, what was unknown about it, and why the others are not read."""

    series_uid: Uid
    unknown: tuple[str, ...]
    rejected: tuple[RejectedSeries, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSuitableSeries:
    """No series suits; one entry a series says why."""

    rejected: tuple[RejectedSeries, ...]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What a report says: the causes that all series share, with what their details share; or that none suits."""
        told = [reason for each in self.rejected for reason in each.reasons]
        shared = [
            code
            for code in dict.fromkeys(reason.code for reason in told)
            if all(code in {reason.code for reason in each.reasons} for each in self.rejected)
        ]
        if shared:
            details = {code: {reason.detail for reason in told if reason.code is code} for code in shared}
            return tuple(
                Reason(code=code, detail=next(iter(details[code])) if len(details[code]) == 1 else "")
                for code in shared
            )
        return (Reason(code=ReasonCode.NO_SERIES, detail=f"{len(self.rejected)} series were looked at."),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One series under one rule."""

    series: Series
    refusals: tuple[Reason, ...]
    unknown: tuple[str, ...]
    rank: tuple[float, ...]


def concerns(study: Study, rule: SelectionRule) -> bool:
    """Whether the study has any series of a modality that the pipeline reads: if not, it has nothing to say."""
    return any(series.facts.modality in rule.modalities and not series.facts.made_by_node for series in study.series)


def choose_series(study: Study, rule: SelectionRule) -> SeriesChoice | NoSuitableSeries:
    """The series that the pipeline reads, and why each other one is not read."""
    if len(study.patients) > 1:
        mixed = Reason(code=ReasonCode.MIXED_PATIENTS, detail=f"{len(study.patients)} patients.")
        return NoSuitableSeries(
            rejected=tuple(RejectedSeries(series_uid=each.series_uid, reasons=(mixed,)) for each in study.series)
        )
    judged = [_judge(series, rule) for series in study.series]
    rejected = [
        RejectedSeries(series_uid=each.series.series_uid, reasons=each.refusals) for each in judged if each.refusals
    ]
    suitable = sorted(
        (each for each in judged if not each.refusals), key=lambda each: (each.rank, each.series.series_uid)
    )
    if not suitable:
        return NoSuitableSeries(rejected=tuple(rejected))
    outranked = Reason(code=ReasonCode.OUTRANKED)
    rejected += [RejectedSeries(series_uid=each.series.series_uid, reasons=(outranked,)) for each in suitable[1:]]
    best = suitable[0]
    return SeriesChoice(series_uid=best.series.series_uid, unknown=best.unknown, rejected=tuple(rejected))


def _judge(series: Series, rule: SelectionRule) -> _Judged:
    facts = series.facts
    checks = [*_content_checks(facts, rule), *_geometry_checks(series, rule)]
    refusals = [reason for truth, _, reason in checks if truth is Truth.FALSE]
    # two checks may ask for one fact
    unknown = list(dict.fromkeys(name for truth, name, _ in checks if truth is Truth.UNKNOWN))
    refusals += [
        Reason(code=ReasonCode.UNKNOWN_FACT, detail=f"{name} is required.") for name in unknown if name in rule.require
    ]
    return _Judged(series=series, refusals=tuple(refusals), unknown=tuple(unknown), rank=_rank(series))


_Check = tuple[Truth, str, Reason]


def _content_checks(facts: ImageFacts, rule: SelectionRule) -> Sequence[_Check]:
    """What the header says the images are."""
    image_type = {part.upper() for part in facts.image_type}
    modality = None if facts.modality is None else facts.modality in rule.modalities
    part = facts.body_part.upper() if facts.body_part else None
    suits = True if not rule.body_parts else (None if part is None else part in rule.body_parts)
    return (
        (Truth.of(not facts.made_by_node), "origin", Reason(code=ReasonCode.OWN_OBJECT)),
        (Truth.of(modality), "modality", Reason(code=ReasonCode.MODALITY, detail=f"Got {facts.modality!r}.")),
        (
            Truth.of("LOCALIZER" not in image_type if image_type else None),
            "image_type",
            Reason(code=ReasonCode.LOCALIZER),
        ),
        (
            Truth.of(not image_type & PROJECTIONS if image_type else None),
            "image_type",
            Reason(code=ReasonCode.DERIVED),
        ),
        (Truth.of(suits), "body_part", Reason(code=ReasonCode.BODY_PART)),
        (_description_suits(facts.series_description, rule), "description", Reason(code=ReasonCode.DESCRIPTION)),
        (Truth.of(facts.has_pixel_data), "pixel_data", Reason(code=ReasonCode.NO_PIXEL_DATA)),
        (Truth.of(None if facts.kvp is None else True), "kvp", Reason(code=ReasonCode.UNKNOWN_FACT)),
        (Truth.of(None if facts.kernel is None else True), "kernel", Reason(code=ReasonCode.UNKNOWN_FACT)),
    )


def _description_suits(description: str | None, rule: SelectionRule) -> Truth:
    if description is None:
        return Truth.UNKNOWN
    wanted = not rule.descriptions or _holds_one(description, rule.descriptions)
    return Truth.of(wanted and not _holds_one(description, rule.exclude_descriptions))


def _holds_one(text: str, patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def _geometry_checks(series: Series, rule: SelectionRule) -> Sequence[_Check]:
    """How the slices lie. Gaps and tilt are no matter of selection: the pipeline reports them with their reason."""
    low, high = rule.slices
    count = sum(instance.facts.number_of_frames or 1 for instance in series.instances)
    axial = axial_angle_deg(series.facts)
    rows, columns = series.facts.rows, series.facts.columns
    voxels = rows * columns * count if rows and columns else None
    spacing, coverage = _extent(series)
    thickness = series.facts.slice_thickness
    return (
        (
            Truth.of(count >= low),
            "slices",
            Reason(code=ReasonCode.TOO_FEW_SLICES, detail=f"Got {count}, at least {low}."),
        ),
        (
            Truth.of(count <= high),
            "slices",
            Reason(code=ReasonCode.TOO_MANY_SLICES, detail=f"Got {count}, at most {high}."),
        ),
        (
            Truth.of(None if voxels is None else voxels <= MAX_VOXELS),
            "rows and columns",
            Reason(code=ReasonCode.VOLUME_TOO_LARGE, detail=f"Got {voxels} voxels, at most {MAX_VOXELS}."),
        ),
        (
            Truth.of(None if axial is None else axial <= AXIAL_TOLERANCE_DEG),
            "orientation",
            Reason(code=ReasonCode.NOT_AXIAL, detail="" if axial is None else f"Turned by {axial:.0f} degrees."),
        ),
        (
            Truth.of(None if spacing is None else spacing <= rule.slice_mm),
            "slice_spacing",
            Reason(code=ReasonCode.SLICES_TOO_THICK, detail=f"Got {spacing} mm, at most {rule.slice_mm} mm."),
        ),
        (
            # slabs overlap: thick slices may lie close together; what forms no stack is told why when it is loaded
            Truth.of(None if thickness is None or spacing is None else thickness <= rule.slice_mm),
            "slice_thickness",
            Reason(code=ReasonCode.SLICES_TOO_THICK, detail=f"Got {thickness} mm, at most {rule.slice_mm} mm."),
        ),
        (
            Truth.of(None if coverage is None else coverage >= rule.coverage_mm),
            "coverage",
            Reason(code=ReasonCode.COVERAGE_TOO_SHORT, detail=f"Got {coverage} mm, at least {rule.coverage_mm} mm."),
        ),
    )


def axial_angle_deg(facts: ImageFacts) -> float | None:
    """Angle between the slice's normal and the body's long axis, 0 to 90 degrees, or `None` without an orientation."""
    if facts.orientation is None:
        return None
    cosine = abs(float(slice_normal(facts.orientation)[2]))
    return math.degrees(math.acos(min(1.0, cosine)))


def _extent(series: Series) -> tuple[float | None, float | None]:
    """Distance between slices and length of the stack, mm, as far as the positions tell."""
    placed = [
        (instance.facts.position, instance.facts.orientation)
        for instance in series.instances
        if instance.facts.position is not None and instance.facts.orientation is not None
    ]
    if len(placed) != len(series.instances):
        return None, None
    stack = stack_slices([position for position, _ in placed], [orientation for _, orientation in placed])
    if not isinstance(stack, SliceStack):
        return None, None
    return round(stack.spacing_mm, 3), round(stack.coverage_mm, 3)


def _rank(series: Series) -> tuple[float, ...]:
    """Smaller is better: contiguous, original, soft kernel, no contrast, thin slices, many slices."""
    facts = series.facts
    spacing, coverage = _extent(series)
    return (
        0.0 if spacing is not None or facts.number_of_frames else 1.0,
        float("DERIVED" in {part.upper() for part in facts.image_type}),
        -float(kernel_is_soft(facts.kernel).value),
        -float((~Truth.of(facts.contrast_agent)).value),
        spacing if spacing is not None else float("inf"),
        -(coverage or 0.0),
        -float(len(series.instances)),
    )
