"""The list of the fracture set: written down before any classifier was trained, and not changed since."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from node.domain.errors import InputRejected
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.cohort.manifest import Cohort
from training.fracture_set.spec import Family, FractureScan
from training.phantom.changes import Fracture, FractureKind, Variant, VariantKind
from training.phantom.spec import PhantomSpec

#: The list that comes along.
MANIFEST = Path(__file__).with_name("manifest.csv")

#: How many scans each cohort has: as the paper shares them out, with more to judge by.
SCANS = {Cohort.TRAINING: 260, Cohort.VALIDATION: 60, Cohort.TEST: 100, Cohort.PROSPECTIVE: 60, Cohort.EXTERNAL: 100}

_SEED = 20_261_124
_FIRST_PERSON = 50_000
_COLUMNS = (
    *("number", "cohort", "family", "person", "first", "last", "slice_mm", "size", "kvp", "noise_hu", "blur_mm"),
    *("trabecular_hu", "fractures", "variants"),
)
_BETWEEN = ";"

# All shares and ranges are plausible choices.
_COVERAGES = (("T6", "L1"), ("T8", "L3"), ("T10", "L5"), ("T7", "L2"))
_SLICES_MM, _SLICE_SHARES = (1.0, 1.5, 2.0, 3.0), (0.4, 0.2, 0.2, 0.2)
_SIZES = (352, 400, 448)
_KVP, _KVP_SHARES = (120.0, 100.0, 140.0), (0.7, 0.15, 0.15)
_TRABECULAR_HU, _NOISE_HU, _BLUR_MM = (35.0, 190.0), (8.0, 32.0), (0.35, 0.85)

#: Scanners of the prospective cohort are newer: thinner slices, sharper kernels.
_NEWER_SLICES_MM, _NEWER_BLUR_MM = (0.8, 1.0), (0.28, 0.5)

#: Fractures a scan: a quarter of all people have none.
_COUNTS, _COUNT_SHARES = (0, 1, 2, 3), (0.25, 0.25, 0.3, 0.2)
_BURST_SHARE = 0.45
_LOSS_PERCENT, _BURST_PERCENT, _RETROPULSION = (22.0, 60.0), (22.0, 55.0), (0.15, 0.6)

#: Burst fractures are those of the thoracolumbar junction and below.
_BURST_FROM = VertebralLevel.T10

#: Fresh fractures have bone that is pressed together, others have healed.
_FRESH_SHARE, _FRESH_HU = 0.6, (60.0, 320.0)

#: Bodies that look like fractures: a little wedged by nature, with a pit, or without a corner. Chances of each body.
_WEDGED_SHARE, _WEDGED_PERCENT = 0.06, (6.0, 15.0)
_VARIANT_SHARE, _VARIANT_MM = 0.09, (3.0, 8.0)


def draw_manifest() -> Iterator[FractureScan]:
    """The scans that `MANIFEST` holds, from its seed."""
    rng = np.random.default_rng(_SEED)
    cohorts = [cohort for cohort, count in SCANS.items() for _ in range(count)]
    for number, cohort in enumerate(cohorts):
        family = Family.SECOND if cohort is Cohort.EXTERNAL else Family.FIRST
        yield FractureScan(number=number, cohort=cohort, family=family, spec=_spec(rng, number, cohort))


def _spec(rng: np.random.Generator, number: int, cohort: Cohort) -> PhantomSpec:
    first, last = (VertebralLevel(name) for name in _COVERAGES[int(rng.integers(len(_COVERAGES)))])
    newer = cohort is Cohort.PROSPECTIVE
    slice_mm = float(rng.choice(_NEWER_SLICES_MM) if newer else rng.choice(_SLICES_MM, p=_SLICE_SHARES))
    blur_mm = rng.uniform(*(_NEWER_BLUR_MM if newer else _BLUR_MM))
    fractures, variants = _changes(rng, USUAL_LEVELS[USUAL_LEVELS.index(first) : USUAL_LEVELS.index(last) + 1])
    return PhantomSpec(
        seed=_FIRST_PERSON + number,
        trabecular_hu=round(float(rng.uniform(*_TRABECULAR_HU)), 1),
        kvp=float(rng.choice(_KVP, p=_KVP_SHARES)),
        slice_mm=slice_mm,
        size=int(rng.choice(_SIZES)),
        noise_hu=round(float(rng.uniform(*_NOISE_HU)), 1),
        blur_mm=round(float(blur_mm), 2),
        first=first,
        last=last,
        fractures=fractures,
        variants=variants,
    )


def _changes(
    rng: np.random.Generator, levels: tuple[VertebralLevel, ...]
) -> tuple[tuple[Fracture, ...], tuple[Variant, ...]]:
    count = int(rng.choice(_COUNTS, p=_COUNT_SHARES))
    broken = {levels[place] for place in rng.permutation(len(levels))[:count].tolist()}
    fractures, variants = [], []
    for level in levels:
        # every draw is made for every level, so that no share hangs on another
        wedged, odd = rng.random() < _WEDGED_SHARE, rng.random() < _VARIANT_SHARE
        percent, mm = float(rng.uniform(*_WEDGED_PERCENT)), float(rng.uniform(*_VARIANT_MM))
        kind = VariantKind(str(rng.choice([str(each) for each in VariantKind])))
        if level in broken:
            fractures.append(_fracture(rng, level))
        elif wedged:
            fractures.append(Fracture(level=level, kind=FractureKind.WEDGE, percent=round(percent, 1)))
        elif odd:
            variants.append(Variant(level=level, kind=kind, mm=round(mm, 1)))
    return tuple(fractures), tuple(variants)


def _fracture(rng: np.random.Generator, level: VertebralLevel) -> Fracture:
    low = USUAL_LEVELS.index(level) >= USUAL_LEVELS.index(_BURST_FROM)
    burst = low and bool(rng.random() < _BURST_SHARE)
    compressions = [kind for kind in FractureKind if kind is not FractureKind.BURST]
    kind = FractureKind.BURST if burst else compressions[int(rng.integers(len(compressions)))]
    percent = rng.uniform(*(_BURST_PERCENT if burst else _LOSS_PERCENT))
    fresh, compacted_hu = bool(rng.random() < _FRESH_SHARE), float(rng.uniform(*_FRESH_HU))
    return Fracture(
        level=level,
        kind=kind,
        percent=round(float(percent), 1),
        compacted_hu=round(compacted_hu) if fresh else 0.0,
        retropulsion=round(float(rng.uniform(*_RETROPULSION)), 2),
    )


def manifest_text(scans: Iterable[FractureScan]) -> str:
    """The list as a file with commas."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for scan in scans:
        spec = scan.spec
        numbers = (spec.slice_mm, spec.size, spec.kvp, spec.noise_hu, spec.blur_mm, spec.trabecular_hu)
        changes = (_BETWEEN.join(map(str, each)) for each in (spec.fractures, spec.variants))
        who = (scan.number, scan.cohort, scan.family, spec.seed, spec.first, spec.last)
        writer.writerow((*who, *(f"{value:g}" for value in numbers), *changes))
    return buffer.getvalue()


def read_manifest(path: Path = MANIFEST) -> tuple[FractureScan, ...]:
    """The scans in a file that `manifest_text` wrote.

    Raises
    ------
    InputRejected
        Where it is none.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            scans = tuple(_parsed(row) for row in csv.DictReader(file))
    except (OSError, KeyError, ValueError) as error:
        raise InputRejected(f"{path.name} is no list of the fracture set: {error}") from error
    if not scans:
        raise InputRejected(f"{path.name} is no list of the fracture set: it has no scan")
    return scans


def _parsed(row: dict[str, str]) -> FractureScan:
    fractures, variants = (filter(None, row[column].split(_BETWEEN)) for column in ("fractures", "variants"))
    return FractureScan(
        number=int(row["number"]),
        cohort=Cohort(row["cohort"]),
        family=Family(row["family"]),
        spec=PhantomSpec(
            seed=int(row["person"]),
            trabecular_hu=float(row["trabecular_hu"]),
            kvp=float(row["kvp"]),
            slice_mm=float(row["slice_mm"]),
            size=int(row["size"]),
            noise_hu=float(row["noise_hu"]),
            blur_mm=float(row["blur_mm"]),
            first=VertebralLevel(row["first"]),
            last=VertebralLevel(row["last"]),
            fractures=tuple(map(Fracture.parse, fractures)),
            variants=tuple(map(Variant.parse, variants)),
        ),
    )
