"""Each body on its own fine grid, and back on the grid of the scan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor, nn

from models.bodies import found_bodies
from models.chain import chain_of
from models.fine import Painting, paint_bodies, touches_edge
from models.instances import Instances, find_instances
from models.refine import WINDOW, FineBody, refine_bodies
from models.resample import OUTSIDE_HU
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.volume import Volume
from tests.builders.spine_classes import SPACING_MM, Built, Scene, build
from tests.builders.spine_network import A_RULE, painted_model

FRAME = Uid("1.2.3")


class Watching(nn.Module):
    """Sees a body where it is pointed at, or nothing; keeps what it was shown."""

    def __init__(self, *, believes: bool) -> None:
        super().__init__()
        self.believes = believes
        self.shown: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        """Image and pointer (n, 2, k, j, i) to logits (n, 2, k, j, i)."""
        self.shown.extend(image)
        body = 5.0 * image[:, 1] if self.believes else torch.full_like(image[:, 1], -5.0)
        return torch.stack((-body, body), dim=1)


class Denting(Watching):
    """Sees a body where it is pointed at, but for a slot of 4 mm."""

    def __init__(self) -> None:
        super().__init__(believes=True)
        self.dent = torch.zeros(WINDOW.shape, dtype=torch.bool)
        self.dent[WINDOW.shape[0] // 2 - 2 : WINDOW.shape[0] // 2 + 2, : WINDOW.shape[1] // 2] = True

    def forward(self, image: Tensor) -> Tensor:
        """See `Watching`."""
        logits = super().forward(image)
        return torch.where(self.dent, logits.new_tensor((5.0, -5.0))[:, None, None, None], logits)


class Leaning(nn.Module):
    """Sees a body where it is pointed at, and is surer of its left half."""

    def forward(self, image: Tensor) -> Tensor:
        """See `Watching`."""
        sure = torch.ones(WINDOW.shape)
        sure[..., WINDOW.shape[2] // 2 :] = 5.0
        body = torch.where(image[:, 1] > 0.0, sure, -5.0)
        return torch.stack((-body, body), dim=1)


@pytest.fixture(scope="module")
def built() -> Built:
    return build(Scene())


@pytest.fixture(scope="module")
def instances(built: Built) -> Instances:
    found = find_instances(built.probabilities, SPACING_MM)
    assert found is not None
    return found


def refined(
    built: Built, instances: Instances, volume: Volume, network: nn.Module, numbers: tuple[int, ...]
) -> dict[int, FineBody]:
    bundle = replace(painted_model().body, network=network)
    chain = chain_of(found_bodies(built.probabilities, built.affine, instances), A_RULE)
    return refine_bodies(volume, chain, numbers=numbers, bundle=bundle)


def a_scan(built: Built, *, slices: slice = slice(None)) -> Volume:
    """A scan whose CT number is its height in mm, on the grid of the scene or on some slices of it."""
    heights = built.affine.to_lps(np.argwhere(np.ones((built.tissue.shape[0], 1, 1))))[:, 2]
    hu = np.broadcast_to(heights[:, None, None], built.tissue.shape).astype(np.float32)[slices]
    affine = built.affine.shifted((slices.start or 0, 0, 0))
    return Volume(hu=np.ascontiguousarray(hu), affine=affine, frame_of_reference=FRAME)


def coarse_mask(instances: Instances, number: int) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = instances.labels == number
    return mask


def test_the_network_is_shown_the_scan_around_each_body_in_its_middle(built: Built, instances: Instances) -> None:
    network = Watching(believes=True)

    bodies = refined(built, instances, a_scan(built), network, (2, 3, 5))

    assert list(bodies) == [2, 3, 5]
    # Two at once with their mirror images, and each of them twice.
    assert len(network.shown) == 12
    for (number, body), image in zip(bodies.items(), (*network.shown[:2], network.shown[8]), strict=True):
        assert image.shape == (2, *WINDOW.shape)
        middle = built.affine.to_lps(np.argwhere(coarse_mask(instances, number)).mean(0))
        np.testing.assert_allclose(body.affine.to_lps((np.array(WINDOW.shape) - 1) / 2.0), middle, atol=1e-6)
        # CT numbers are heights, and marrow is scaled linearly.
        height = body.affine.to_lps(np.array((10.0, 0.0, 0.0)))[2]
        assert float(image[0, 10].mean()) * 300.0 == pytest.approx(height, abs=0.5)


def test_the_pointer_is_the_coarse_body_alone(built: Built, instances: Instances) -> None:
    network = Watching(believes=True)

    bodies = refined(built, instances, a_scan(built), network, (3,))

    body = bodies[3]
    inside = np.argwhere(body.probability > 0.5)
    places = np.rint(built.affine.to_index(body.affine.to_lps(inside))).astype(int)
    assert (instances.labels[tuple(places.T)] == 3).mean() > 0.9
    assert body.agrees
    volume = len(inside) * body.affine.voxel_volume_mm3
    assert volume == pytest.approx(coarse_mask(instances, 3).sum() * built.affine.voxel_volume_mm3, rel=0.1)


def test_where_the_scan_ends_there_is_air(built: Built, instances: Instances) -> None:
    network = Watching(believes=True)
    first = int(np.argwhere(coarse_mask(instances, 2))[:, 0].mean())

    bodies = refined(built, instances, a_scan(built, slices=slice(0, first + 1)), network, (2,))

    image = network.shown[0][0]
    ends = bodies[2].affine.to_index(built.affine.to_lps(np.array((first + 0.5, 0.0, 0.0))))[0]
    air = max(OUTSIDE_HU, -400.0) / 300.0
    assert torch.allclose(image[int(np.ceil(ends)) + 1 :], torch.tensor(air))
    assert float(image[: int(ends) - 1].min()) > air


def test_a_body_that_the_second_network_does_not_see_keeps_its_coarse_mask_and_is_disputed(
    built: Built, instances: Instances
) -> None:
    network = Watching(believes=False)

    denied = refined(built, instances, a_scan(built), network, (4,))[4]

    assert not denied.agrees
    pointer = 0.5 * (network.shown[0][1].numpy() + 1.0)
    assert (pointer > 0.5).sum() > 1000
    np.testing.assert_allclose(denied.probability, pointer, atol=1e-6)


def test_the_network_is_asked_again_about_its_own_answer_without_the_dents(built: Built, instances: Instances) -> None:
    network = Denting()

    body = refined(built, instances, a_scan(built), network, (3,))[3]

    first, second = (image[1].numpy() > 0.0 for image in network.shown[::2])
    dented = first & ~network.dent.numpy()
    assert dented.sum() < 0.95 * first.sum()
    # Closed: nothing of the first answer is lost, and all but the rim of the dent is there again.
    assert not (dented & ~second).any()
    assert (second & first).sum() > 0.99 * first.sum()
    # What counts is the second answer.
    np.testing.assert_array_equal(body.probability > 0.5, second & ~network.dent.numpy())


def test_what_is_said_of_a_body_and_of_its_mirror_image_counts_alike(built: Built, instances: Instances) -> None:
    seen = refined(built, instances, a_scan(built), Leaning(), (3,))[3].probability

    middle = seen[tuple(slice(size // 2 - 4, size // 2 + 4) for size in WINDOW.shape)]
    surer, less_sure = special.expit((10.0, 2.0))
    np.testing.assert_allclose(middle, 0.5 * (surer + less_sure), atol=1e-3)


def a_ball(radius: float, *, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> FineBody:
    """A ball in the patient's coordinates (x, y, z), on a grid of 1 mm around the origin."""
    affine = Affine.from_spacing((1.0, 1.0, 1.0), (-35.5, -31.5, -31.5))
    places = affine.to_lps(np.argwhere(np.ones(WINDOW.shape)))
    away = np.linalg.norm(places - np.array(at), axis=1).reshape(WINDOW.shape)
    return FineBody(probability=np.clip(radius - away + 0.5, 0.0, 1.0).astype(np.float32), affine=affine, agrees=True)


def an_empty_scan() -> Volume:
    affine = Affine.from_spacing((2.0, 0.8, 0.8), (-40.0, -40.0, -40.0))
    return Volume(hu=np.zeros((40, 100, 100), dtype=np.float32), affine=affine, frame_of_reference=FRAME)


def whole(painting: Painting, volume: Volume) -> NDArray[np.uint8]:
    labels = np.zeros(volume.shape, dtype=np.uint8)
    labels[painting.around] = painting.labels
    return labels


def test_a_ball_has_its_volume_and_place_on_the_grid_of_the_scan() -> None:
    volume = an_empty_scan()

    painting = paint_bodies({7: a_ball(14.0, at=(3.0, -2.0, 1.0))}, volume)

    places = volume.affine.to_lps(np.argwhere(whole(painting, volume) == 7))
    np.testing.assert_allclose(places.mean(0), (3.0, -2.0, 1.0), atol=0.1)
    ball = 4.0 / 3.0 * np.pi * 14.0**3
    assert len(places) * volume.affine.voxel_volume_mm3 == pytest.approx(ball, rel=0.02)


def test_a_voxel_that_two_bodies_claim_is_that_of_the_likelier_one() -> None:
    volume = an_empty_scan()
    sure, faint = a_ball(12.0), a_ball(12.0, at=(6.0, 0.0, 0.0))

    painting = paint_bodies({1: replace(faint, probability=0.8 * faint.probability), 2: sure}, volume)

    labels = whole(painting, volume)
    shared = np.linalg.norm(volume.affine.to_lps(np.argwhere(labels > 0)), axis=1) < 10.0
    assert (labels[labels > 0][shared] == 2).all()
    assert (labels == 1).any()


def test_a_hole_is_filled_and_a_splinter_is_dropped() -> None:
    volume = an_empty_scan()
    ball, hole, splinter = a_ball(14.0), a_ball(3.0), a_ball(3.0, at=(25.0, 0.0, 0.0))
    probability = np.maximum(ball.probability - hole.probability, splinter.probability)

    painting = paint_bodies({1: replace(ball, probability=probability)}, volume)

    expected = paint_bodies({1: ball}, volume)
    np.testing.assert_array_equal(whole(painting, volume), whole(expected, volume))


def test_a_tooth_of_one_voxel_is_smoothed_away() -> None:
    ball = a_ball(12.0)
    volume = Volume(hu=np.zeros(WINDOW.shape, dtype=np.float32), affine=ball.affine, frame_of_reference=FRAME)
    k, j, i = np.rint(ball.affine.to_index(np.array((0.0, 0.0, 0.0)))).astype(int)
    toothed = ball.probability.copy()
    toothed[k + 12 : k + 17, j, i] = 1.0

    painting = paint_bodies({1: replace(ball, probability=toothed)}, volume)

    # Of five voxels no more than one is left, where the tooth meets the ball.
    expected = paint_bodies({1: ball}, volume)
    assert np.argwhere(whole(painting, volume))[:, 0].max() <= np.argwhere(whole(expected, volume))[:, 0].max() + 1


def test_a_body_without_a_voxel_is_not_painted() -> None:
    nothing = replace(a_ball(5.0), probability=np.zeros(WINDOW.shape, dtype=np.float32))

    painting = paint_bodies({1: nothing}, an_empty_scan())

    assert painting.boxes == {}


def test_a_body_near_the_end_of_the_scan_touches_it() -> None:
    whole_scan = an_empty_scan()
    volume = replace(whole_scan, hu=whole_scan.hu[:30])

    painting = paint_bodies({1: a_ball(10.0, at=(0.0, 0.0, -15.0)), 2: a_ball(10.0, at=(0.0, 0.0, 8.0))}, volume)

    # The scan reaches from -41 to 19 mm along z.
    assert touches_edge(painting, volume, within_mm=3.0) == {1: False, 2: True}
