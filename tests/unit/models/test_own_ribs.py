"""The ribs of single vertebrae: which are looked at, and how much of a rib is seen at either side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.bodies import FoundBodies, found_bodies
from models.bundle import Bundle
from models.instances import find_instances
from models.network import Architecture
from models.own_ribs import WINDOW, look_at_ribs
from models.views import views
from node.domain.volume import Volume
from tests.builders.spine_classes import SPACING_MM, Scene, build
from tests.builders.spine_network import network_card, painted_volume

_SPACING_MM = 1.5


class SeesBox(nn.Module):
    """Is sure of a rib in a box of its window, and of none elsewhere."""

    def __init__(self, box: tuple[slice, slice, slice], probability: float = 1.0) -> None:
        super().__init__()
        self.rib = torch.zeros(WINDOW.shape)
        self.rib[box] = probability

    def forward(self, image: Tensor) -> Tensor:
        """Image and pointer (n, 2, k, j, i) to logits (n, 2, k, j, i); mirrored images come second."""
        half = len(image) // 2
        seen = torch.cat((self.rib.expand(half, -1, -1, -1), self.rib.flip(-1).expand(half, -1, -1, -1)))
        return torch.stack(((1.0 - seen).clamp(min=1e-9).log(), seen.clamp(min=1e-9).log()), dim=1)


@pytest.fixture(scope="module")
def scan() -> Volume:
    return painted_volume(build(Scene()))


@pytest.fixture(scope="module")
def bodies() -> FoundBodies:
    built = build(Scene())
    instances = find_instances(built.probabilities, SPACING_MM)
    assert instances is not None
    return found_bodies(built.probabilities, built.affine, instances)


def bundle(network: nn.Module) -> Bundle:
    card = replace(network_card("box", "see a box", Architecture.UNET_24_96_RIBS), spacing_mm=(_SPACING_MM,) * 3)
    return Bundle(card=card, network=network.eval(), device=torch.device("cpu"))


def looked_at(found: FoundBodies) -> list[int]:
    return [index for index, body in enumerate(found.evidence) if body.own_ribs is not None]


@pytest.mark.parametrize(("probability", "share"), [(0.55, 1.0), (0.45, 0.0)])
def test_what_is_likelier_a_rib_than_not_is_told_by_side_as_its_volume(
    scan: Volume, bodies: FoundBodies, probability: float, share: float
) -> None:
    box = (slice(30, 34), slice(20, 30), slice(60, 75))

    found = look_at_ribs(scan, bodies, bundle(SeesBox(box, probability=probability)))

    ribs = [body.own_ribs for body in found.evidence if body.own_ribs is not None]
    for each in ribs:
        right, left = each.volume_mm3
        assert right == pytest.approx(0.0, abs=0.1)
        assert left == pytest.approx(share * 4 * 10 * 15 * _SPACING_MM**3, rel=1e-3)
        assert each.cut == (False, False)
    assert ribs


def test_the_right_side_of_the_patient_comes_first(scan: Volume, bodies: FoundBodies) -> None:
    found = look_at_ribs(scan, bodies, bundle(SeesBox((slice(30, 34), slice(20, 30), slice(5, 20)))))

    right, left = next(body.own_ribs.volume_mm3 for body in found.evidence if body.own_ribs is not None)
    assert right > 1000.0
    assert left < 1.0


def test_bodies_around_the_last_one_that_looks_thoracic_are_looked_at(scan: Volume, bodies: FoundBodies) -> None:
    """The scene shows T7 to S1: T12 is the sixth."""
    found = look_at_ribs(scan, bodies, bundle(SeesBox((slice(0), slice(0), slice(0)))))

    assert looked_at(found) == [4, 5, 6, 7, 8]


def test_where_nothing_looks_thoracic_the_uppermost_are_looked_at(scan: Volume, bodies: FoundBodies) -> None:
    lumbar = tuple(replace(body, thoracic=0.0, lumbar=1.0) for body in bodies.evidence)

    found = look_at_ribs(scan, replace(bodies, evidence=lumbar), bundle(SeesBox((slice(0), slice(0), slice(0)))))

    assert looked_at(found) == [0, 1, 2]


def test_a_few_votes_in_the_neck_are_no_end_of_the_thoracic_spine(scan: Volume, bodies: FoundBodies) -> None:
    """A cervical body has hardly any votes for thoracic or lumbar, and it does not matter which of them has more."""
    first, *rest = bodies.evidence
    neck = (replace(first, cervical=0.99, lumbar=0.008, thoracic=0.002), *rest)

    found = look_at_ribs(scan, replace(bodies, evidence=neck), bundle(SeesBox((slice(0), slice(0), slice(0)))))

    assert looked_at(found) == [4, 5, 6, 7, 8]


def test_a_rib_that_reaches_the_end_of_the_scan_is_cut(scan: Volume, bodies: FoundBodies) -> None:
    middle = bodies.affine.to_lps(np.array(bodies.evidence[5].centre_mm) / bodies.instances.spacing_mm)
    end = int(np.rint(scan.affine.to_index(middle + np.array((20.0, 0.0, 0.0)))[2]))
    narrow = Volume(
        hu=np.ascontiguousarray(scan.hu[..., :end]), affine=scan.affine, frame_of_reference=scan.frame_of_reference
    )

    found = look_at_ribs(narrow, bodies, bundle(SeesBox((slice(30, 34), slice(20, 30), slice(45, 75)))))

    ribs = found.evidence[5].own_ribs
    assert ribs is not None
    assert ribs.cut == (False, True)


def test_a_rib_that_is_faint_at_the_very_end_is_cut_by_it(scan: Volume, bodies: FoundBodies) -> None:
    """The last voxels of a scan show less of a rib than lies beyond them: one beside the end counts as cut."""
    middle = bodies.affine.to_lps(np.array(bodies.evidence[5].centre_mm) / bodies.instances.spacing_mm)
    end = int(np.rint(scan.affine.to_index(middle + np.array((20.0, 0.0, 0.0)))[2]))
    narrow = Volume(
        hu=np.ascontiguousarray(scan.hu[..., :end]), affine=scan.affine, frame_of_reference=scan.frame_of_reference
    )
    (view,) = next(views(narrow, bodies, [6], window=WINDOW, spacing_mm=(_SPACING_MM,) * 3))
    first_beyond = int(np.flatnonzero(view.beyond[32, 24])[0])

    found = look_at_ribs(narrow, bodies, bundle(SeesBox((slice(30, 34), slice(20, 30), slice(45, first_beyond)))))

    ribs = found.evidence[5].own_ribs
    assert ribs is not None
    assert ribs.cut == (False, True)


def test_ribs_of_the_first_body_may_begin_outside_of_the_scan(scan: Volume, bodies: FoundBodies) -> None:
    lumbar = tuple(replace(body, thoracic=0.0, lumbar=1.0) for body in bodies.evidence)

    found = look_at_ribs(scan, replace(bodies, evidence=lumbar), bundle(SeesBox((slice(0), slice(0), slice(0)))))

    cuts = [body.own_ribs.cut for body in found.evidence if body.own_ribs is not None]
    assert cuts == [(True, True), (False, False), (False, False)]


def test_a_window_lies_behind_the_middle_of_its_body(scan: Volume, bodies: FoundBodies) -> None:
    (view,) = next(views(scan, bodies, [6], window=WINDOW, spacing_mm=(_SPACING_MM,) * 3))

    body = bodies.affine.to_lps(np.array(bodies.evidence[5].centre_mm) / bodies.instances.spacing_mm)
    middle = view.grid.to_lps(0.5 * (np.array(WINDOW.shape) - 1.0))
    # y of LPS grows backwards
    assert middle - body == pytest.approx([0.0, 10.0, 0.0], abs=0.1)
