"""Chains of bodies as a network would see them that never errs, without any image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.levels.evidence import Evidence
from models.levels.placements import Kind, Place, spine_of
from node.domain.levels import VertebralLevel
from training.levels.chains import TrueChain

#: Height of a body and its disc, mm.
_STEP_MM = 30.0


def body(kind: Kind, *, height_mm: float = 25.0) -> Evidence:
    """A body that shows what its kind does."""
    thoracic = kind in {Kind.FIRST_THORACIC, Kind.THORACIC, Kind.LAST_BUT_ONE_THORACIC, Kind.LAST_THORACIC}
    rib = {Kind.FIRST_THORACIC: 80.0, Kind.LAST_BUT_ONE_THORACIC: 130.0, Kind.LAST_THORACIC: 90.0}.get(kind, 180.0)
    sacral, cervical = kind is Kind.SACRAL, kind is Kind.CERVICAL
    return Evidence(
        lumbar=float(not (thoracic or sacral or cervical)),
        thoracic=float(thoracic),
        cervical=float(cervical),
        sacral=float(sacral),
        rib_mm=(rib, rib) if thoracic else (0.0, 0.0),
        rib_cut=(False, False),
        sacrum_contact=0.2 if sacral else 0.0,
        sacrum_below=0.8 if kind in {Kind.LAST_LUMBAR, Kind.SACRAL} else 0.0,
        centre_mm=(0.0, 100.0, 100.0),
        volume_mm3=height_mm * 900.0,
        length_mm=height_mm,
    )


def places(first: str, last: str, *, thoracic: int = 12, lumbar: int = 5) -> tuple[Place, ...]:
    """The places from one level to another; `C2` to `C7` begin with cervical bodies, `S1` ends with a sacral one."""
    spine = spine_of(thoracic, lumbar)
    levels = [place.level for place in spine]
    above = 8 - int(first[1:]) if first.startswith("C") else 0
    start = levels.index(VertebralLevel.T1) - above if above else levels.index(VertebralLevel(first))
    stop = len(spine) - 1 if last == "S1" else levels.index(VertebralLevel(last)) + 1
    return spine[start:stop]


def chain(shown: tuple[Place, ...]) -> tuple[Evidence, ...]:
    """What bodies at these places show, one below the other."""
    bodies = [body(place.kind) for place in shown]
    return tuple(
        replace(each, centre_mm=(_STEP_MM * (len(bodies) - number), 100.0, 100.0)) for number, each in enumerate(bodies)
    )


def lowered(bodies: Sequence[Evidence], by_mm: float) -> tuple[Evidence, ...]:
    """The bodies so much nearer to the feet."""
    return tuple(replace(each, centre_mm=(each.centre_mm[0] - by_mm, *each.centre_mm[1:])) for each in bodies)


def true_chain(first: str, last: str, *, thoracic: int = 12, lumbar: int = 5) -> TrueChain:
    """A chain and its truth; see `places`."""
    shown = places(first, last, thoracic=thoracic, lumbar=lumbar)
    return TrueChain(evidence=chain(shown), truth=shown, thoracic=thoracic, lumbar=lumbar)
