"""The list of the frozen screening set: written down before any classifier was trained, and not changed since."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from node.domain.errors import InputRejected
from training.heldout.screening.spec import BMD_MG_CM3, Fault, Phase, Reach, ScreeningSpec, Sharpness

#: The list that comes along.
MANIFEST = Path(__file__).with_name("manifest.csv")

#: Scans that are to be evaluated, and those that are to be refused.
IN_SCOPE, OUT_OF_SCOPE = 240, 60

_SEED = 20_261_123
_COLUMNS = ("number", "fault", "bmd_mg_cm3", "reach", "kvp", "phase", "sharpness", "slice_mm", "calibrated")

# A third each; the middle one is shared by two.
_SLICES_MM = (1.0, 5.0, 2.0, 1.0, 5.0, 3.0)
_KVP, _KVP_SHARES = (120.0, 100.0, 140.0), (0.6, 0.2, 0.2)
_VENOUS_SHARE, _CALIBRATED_SHARE = 0.25, 0.6
_REACHES = (Reach.CHEST, Reach.UPPER_ABDOMEN, Reach.ABDOMEN)
_THICK_MM = (8.0, 10.0)


def draw_manifest() -> Iterator[ScreeningSpec]:
    """The specifications that `MANIFEST` holds, from its seed."""
    rng = np.random.default_rng(_SEED)
    # one density in each of equal steps, in a random order: uniform, without gaps
    step = (BMD_MG_CM3[1] - BMD_MG_CM3[0]) / IN_SCOPE
    densities = BMD_MG_CM3[0] + step * (rng.permutation(IN_SCOPE) + rng.random(IN_SCOPE))
    for number, density in enumerate(densities):
        yield _spec(rng, number, float(density), Fault.NONE)
    faults = [fault for fault in Fault if fault is not Fault.NONE]
    for number in range(IN_SCOPE, IN_SCOPE + OUT_OF_SCOPE):
        fault = faults[(number - IN_SCOPE) % len(faults)]
        yield _spec(rng, number, float(rng.uniform(*BMD_MG_CM3)), fault)


def _spec(rng: np.random.Generator, number: int, density: float, fault: Fault) -> ScreeningSpec:
    kvp = float(rng.choice(_KVP, p=_KVP_SHARES))
    phase = Phase.VENOUS if rng.random() < _VENOUS_SHARE else Phase.NATIVE
    calibrated = bool(rng.random() < _CALIBRATED_SHARE)
    thick_mm = float(rng.choice(_THICK_MM))
    # every sharpness with every thickness, and both with every reach
    sharpness = tuple(Sharpness)[number // len(_SLICES_MM) % len(Sharpness)]
    reach = _REACHES[number // (len(_SLICES_MM) * len(Sharpness)) % len(_REACHES)]
    return ScreeningSpec(
        number=number,
        fault=fault,
        bmd_mg_cm3=round(density, 1),
        reach=Reach.ABOVE_L1 if fault is Fault.NO_L1 else reach,
        kvp=80.0 if fault is Fault.LOW_TUBE_VOLTAGE else kvp,
        phase=Phase.ARTERIAL if fault is Fault.ARTERIAL_PHASE else phase,
        sharpness=sharpness,
        slice_mm=thick_mm if fault is Fault.TOO_THICK else _SLICES_MM[number % len(_SLICES_MM)],
        calibrated=calibrated,
    )


def manifest_text(specs: Iterator[ScreeningSpec]) -> str:
    """The list as a file with commas."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for spec in specs:
        yes = "yes" if spec.calibrated else "no"
        numbers = (f"{spec.kvp:g}", spec.phase, spec.sharpness, f"{spec.slice_mm:g}", yes)
        writer.writerow((spec.number, spec.fault, f"{spec.bmd_mg_cm3:.1f}", spec.reach, *numbers))
    return buffer.getvalue()


def read_manifest(path: Path = MANIFEST) -> tuple[ScreeningSpec, ...]:
    """The specifications in a file that `manifest_text` wrote.

    Raises
    ------
    InputRejected
        Where it is none.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        return tuple(_parsed(row) for row in rows)
    except (KeyError, ValueError) as error:
        raise InputRejected(f"{path.name} is no list of the screening set: {error}") from error


def _parsed(row: dict[str, str]) -> ScreeningSpec:
    return ScreeningSpec(
        number=int(row["number"]),
        fault=Fault(row["fault"]),
        bmd_mg_cm3=float(row["bmd_mg_cm3"]),
        reach=Reach(row["reach"]),
        kvp=float(row["kvp"]),
        phase=Phase(row["phase"]),
        sharpness=Sharpness(row["sharpness"]),
        slice_mm=float(row["slice_mm"]),
        calibrated=row["calibrated"] == "yes",
    )
