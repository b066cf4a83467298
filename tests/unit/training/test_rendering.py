"""From labels to CT numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.tissues import Tissue
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.anatomy.labels import Part, body_label
from training.anatomy.template import Template, build_template
from training.rendering.deformation import draw_deformation
from training.rendering.materials import Materials, draw_materials
from training.rendering.sample import NO_BONE_MM, draw_sample
from training.rendering.scanner import Scanner, draw_scanner
from training.rendering.texture import blurred, linear_between, smooth_noise, white_noise
from training.rendering.tissue import cortex_added, textured

SMALL = (32, 32, 32)


@pytest.fixture(scope="module")
def template() -> Template:
    return build_template(np.random.default_rng(5), spacing_mm=6.0, levels=USUAL_LEVELS, scale=1.0)


def a_material() -> Materials:
    """Dense, thin cortex; every tissue of 100 HU."""
    return Materials(
        mean_hu=torch.full((256,), 100.0),
        grain_hu=torch.full((256,), 5.0),
        cortex_hu=650.0,
        cortex_mm=0.9,
        end_plate_share=0.8,
    )


def test_a_blur_keeps_what_is_constant() -> None:
    image = torch.full((8, 9, 10), 42.0)

    assert torch.allclose(blurred(image, (1.0, 2.0, 0.5)), image)


def test_a_blurred_point_has_the_variance_of_the_kernel_along_each_axis() -> None:
    image = torch.zeros(41, 41, 41)
    image[20, 20, 20] = 1.0

    spread = blurred(image, (1.0, 2.0, 0.0))

    offsets = torch.arange(41) - 20.0
    assert float(spread.sum()) == pytest.approx(1.0, abs=1e-4)
    # The kernel ends at 2.5 sigma, which takes a tenth off its variance.
    assert float((spread.sum((1, 2)) * offsets**2).sum()) == pytest.approx(1.0, rel=0.15)
    assert float((spread.sum((0, 2)) * offsets**2).sum()) == pytest.approx(4.0, rel=0.15)
    assert float((spread.sum((0, 1)) * offsets**2).sum()) == 0.0


def test_noise_follows_its_generator() -> None:
    first, second = (smooth_noise(SMALL, 5.0, torch.Generator().manual_seed(3)) for _ in range(2))

    assert torch.equal(first, second)


def test_values_between_knots_are_those_of_trilinear_interpolation() -> None:
    knots = torch.randn((3, 5, 4, 7), generator=torch.Generator().manual_seed(3))

    between = linear_between(knots, (40, 33, 48))

    expected = functional.interpolate(knots[None], size=(40, 33, 48), mode="trilinear", align_corners=True)[0]
    torch.testing.assert_close(between, expected, rtol=0.0, atol=1e-5)


def test_neighbours_are_alike_in_smooth_noise_only() -> None:
    smooth = smooth_noise((64, 64, 64), 8.0, torch.Generator().manual_seed(3))
    white = white_noise((64, 64, 64), torch.Generator().manual_seed(3))

    assert float(smooth.diff(dim=0).std()) < 0.5 * float(smooth.std())
    assert float(white.diff(dim=0).std()) > float(white.std())


def test_a_scanners_noise_has_the_chosen_size() -> None:
    scanner = Scanner(in_plane_mm=0.5, slice_mm=0.0, noise_hu=30.0, noise_grain=(0.5, 0.5, 0.5), sharpening=0.0)

    scan = scanner.scanned(torch.zeros(32, 32, 32), (1.0, 1.0, 1.0), np.random.default_rng(1))

    assert float(scan.std()) == pytest.approx(30.0, rel=0.01)


def test_thick_slices_blur_along_the_body_axis_alone() -> None:
    image = torch.zeros(33, 33, 33)
    image[16] = 100.0
    scanner = Scanner(in_plane_mm=0.1, slice_mm=5.0, noise_hu=0.0, noise_grain=(0.0, 0.0, 0.0), sharpening=0.0)

    across = scanner.scanned(image, (1.0, 1.0, 1.0), np.random.default_rng(1))
    along = scanner.scanned(image.permute(1, 0, 2).contiguous(), (1.0, 1.0, 1.0), np.random.default_rng(1))

    # A slab of 1 mm under a Gaussian of 5 mm full width keeps about 1 / (2.507 * 5 / 2.355) of its height.
    assert float(across[16].mean()) == pytest.approx(100.0 / (2.507 * 5.0 / 2.355), rel=0.05)
    assert float(along[:, 16].mean()) == pytest.approx(100.0)


def test_sharpening_overshoots_at_an_edge() -> None:
    image = torch.zeros(16, 16, 16)
    image[..., 8:] = 100.0
    scanner = Scanner(in_plane_mm=0.8, slice_mm=0.0, noise_hu=0.0, noise_grain=(0.0, 0.0, 0.0), sharpening=1.0)

    scan = scanner.scanned(image, (1.0, 1.0, 1.0), np.random.default_rng(1))

    assert float(scan.max()) > 101.0
    assert float(scan.min()) < -1.0


def test_drawn_materials_stay_within_what_ct_shows() -> None:
    for seed in range(50):
        materials = draw_materials(np.random.default_rng(seed))

        assert float(materials.mean_hu.min()) >= -1000.0
        assert float(materials.mean_hu.max()) <= 1000.0
        assert float(materials.mean_hu[Part.FAT]) < float(materials.mean_hu[Part.BOWEL_WALL]) + 200.0
        assert float(materials.grain_hu.min()) > 0.0


def test_drawn_marrow_reaches_from_osteoporotic_to_dense() -> None:
    label = body_label(VertebralLevel.L1)

    marrow = [float(draw_materials(np.random.default_rng(seed)).mean_hu[label]) for seed in range(60)]

    assert min(marrow) < 50.0
    assert max(marrow) > 220.0


def test_the_cortex_is_bright_at_the_surface_and_gone_in_the_core() -> None:
    labels = torch.full((2, 1, 1), body_label(VertebralLevel.L1))
    depth = torch.tensor((0.25, 8.0))[:, None, None]

    image = cortex_added(torch.full((2, 1, 1), 100.0), labels, depth, a_material(), voxel_mm=0.5)

    assert float(image[0]) > 400.0
    assert float(image[1]) == pytest.approx(100.0, abs=0.01)


@pytest.mark.parametrize("voxel_mm", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("surface", [0.0, 0.3, 0.5, 0.9])
def test_a_cortex_is_as_much_bone_in_any_voxels_wherever_the_surface_cuts_them(voxel_mm: float, surface: float) -> None:
    count = round(12.0 / voxel_mm)
    labels = torch.full((count, 1, 1), body_label(VertebralLevel.L1))
    depth = ((torch.arange(count) - 1.0 - surface) * voxel_mm)[:, None, None]

    image = cortex_added(torch.full((count, 1, 1), 100.0), labels, depth, a_material(), voxel_mm=voxel_mm)

    # The area under exp(-(x / 0.9)^2) is 0.45 times the root of pi; 550 HU above the marrow, 0.8 of it in bodies.
    area = 0.45 * math.sqrt(math.pi) * 0.8 * 550.0
    assert float((image - 100.0).sum()) * voxel_mm == pytest.approx(area, rel=1e-3)


def test_soft_tissue_has_no_cortex() -> None:
    labels = torch.full((2, 2, 2), int(Part.LIVER))

    image = cortex_added(
        torch.full((2, 2, 2), 60.0), labels, torch.full((2, 2, 2), NO_BONE_MM), a_material(), voxel_mm=1.5
    )

    assert bool((image == 60.0).all())


def test_texture_repeats_with_its_seed() -> None:
    labels = torch.randint(0, 188, (12, 12, 12), generator=torch.Generator().manual_seed(1))
    depth = torch.full((12, 12, 12), 0.75)

    first, second = (textured(labels, depth, a_material(), np.random.default_rng(4), voxel_mm=1.5) for _ in range(2))

    assert torch.equal(first, second)
    assert bool(torch.isfinite(first).all())


def test_a_deformation_keeps_the_order_of_the_slices(template: Template) -> None:
    for seed in range(6):
        positions = draw_deformation(template, np.random.default_rng(seed)).positions(template, SMALL, 3.0)

        heights = positions[0, :, 16, 16]
        assert bool((heights.diff() > 0).all()), seed


def test_a_deformations_centre_lies_at_its_anchor(template: Template) -> None:
    deformation = draw_deformation(template, np.random.default_rng(8))

    centre = deformation.positions(template, (33, 33, 33), 3.0)[0, 16, 16, 16] * template.spacing_mm

    # Offset, bend and elastic warp move it by some millimetres.
    assert float(centre) == pytest.approx(deformation.anchor_mm, abs=35.0)


def test_a_sample_repeats_with_its_seed(template: Template) -> None:
    first, second = (draw_sample(template, np.random.default_rng(9), SMALL) for _ in range(2))

    assert torch.equal(first.hu, second.hu)
    assert torch.equal(first.shares, second.shares)


def test_the_shares_of_a_voxel_are_the_whole_voxel(template: Template) -> None:
    for seed in range(4):
        sample = draw_sample(template, np.random.default_rng(seed), SMALL)

        total = sample.shares.to(torch.int32).sum(0)
        # Eight fine voxels share 255, so that rounding can take or give a little.
        assert int((total - 255).abs().max()) <= 3


def test_what_was_not_scanned_is_air_and_background(template: Template) -> None:
    samples = [draw_sample(template, np.random.default_rng(seed), SMALL) for seed in range(12)]

    outside = [(sample.hu == -1024).flatten(1).all(1) for sample in samples]
    cut = [(sample, rows) for sample, rows in zip(samples, outside, strict=True) if bool(rows.any())]
    assert cut
    for sample, rows in cut:
        assert bool((sample.shares[Tissue.BACKGROUND][rows] == 255).all())


def test_bone_is_brighter_than_its_surroundings_in_most_samples(template: Template) -> None:
    brighter = []
    for seed in range(8):
        sample = draw_sample(template, np.random.default_rng(seed), SMALL)
        bone = sample.shares[Tissue.POSTERIOR_ELEMENTS] > 200
        if int(bone.sum()) > 20:
            brighter.append(float(sample.hu[bone].float().mean()) > float(sample.hu.float().mean()))

    assert sum(brighter) >= 0.8 * len(brighter) > 0


def test_drawn_scanners_are_ones_that_exist() -> None:
    for seed in range(50):
        scanner = draw_scanner(np.random.default_rng(seed))

        assert 0.4 <= scanner.in_plane_mm <= 1.3
        assert scanner.slice_mm in {0.0, 1.0, 1.5, 2.0, 3.0, 5.0}
        assert 3.0 < scanner.noise_hu <= 100.0
