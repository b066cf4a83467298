"""Surfaces of bodies between the voxels of a template."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.anatomy.labels import body_label
from training.anatomy.template import Template, build_template
from training.rendering.sample import NO_BONE_MM, looked_up
from training.rendering.surfaces import body_surfaces, depth_between_voxels

L1 = body_label(VertebralLevel.L1)
#: Voxels of the template, mm, and of a sample that is drawn from it.
COARSE_MM, FINE_MM = 3.0, 1.0


@pytest.fixture(scope="module")
def template() -> Template:
    return build_template(np.random.default_rng(5), spacing_mm=COARSE_MM, levels=USUAL_LEVELS, scale=1.0)


def around_l1(template: Template) -> torch.Tensor:
    """Positions of voxels of 1 mm around L1, as indices in the template."""
    centre = next(truth.centre_mm for truth in template.levels if truth.level is VertebralLevel.L1)
    axes = [torch.arange(-30.0, 31.0, FINE_MM) + float(at) for at in centre]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")) / COARSE_MM


def test_a_surface_lies_where_the_shape_says_and_not_at_the_faces_of_voxels(template: Template) -> None:
    positions = around_l1(template)
    labels, _, _ = looked_up(template, positions)
    shape = next(truth.body for truth in template.levels if truth.level is VertebralLevel.L1)

    inside = body_surfaces(template, positions, labels, spacing_mm=FINE_MM)[L1] < 0.0

    # along the axis of the body: less than a fine voxel off, where the template's voxels may be off by three
    middle = inside[:, 30, 30]
    assert float(middle.sum()) == pytest.approx(shape.middle, abs=1.6)
    common = 2 * int((inside & (labels == L1)).sum()) / int(inside.sum() + (labels == L1).sum())
    assert common > 0.88


def test_distances_are_in_millimetres_of_the_sample(template: Template) -> None:
    positions = around_l1(template)
    labels, _, _ = looked_up(template, positions)

    distance = body_surfaces(template, positions, labels, spacing_mm=FINE_MM)[L1]

    column = distance[:, 30, 30]
    near = column.abs() < 4.0
    steps = column.diff().abs()[near[1:] & near[:-1]]
    assert len(steps) > 6
    assert float(steps.median()) == pytest.approx(1.0, abs=0.1)


def test_a_surface_between_voxels_moves_the_depths_beside_it_and_no_others() -> None:
    # voxels of 1 mm, the first bone at index 5; the surface 0.2 mm nearer to the middle than its face
    distance = 4.7 - torch.arange(12.0)
    depth = torch.where(torch.arange(12) >= 5, torch.arange(12) - 4.5, NO_BONE_MM)

    found = depth_between_voxels(depth, [distance], voxel_mm=1.0)

    assert found[3:7].tolist() == pytest.approx([-1.7, -0.7, 0.3, 1.3])
    assert found[:3].tolist() == [NO_BONE_MM] * 3
    assert found[7:].tolist() == depth[7:].tolist()


def test_where_an_arch_begins_there_is_no_surface() -> None:
    depth = torch.full((12,), 6.0)

    assert torch.equal(depth_between_voxels(depth, [4.7 - torch.arange(12.0)], voxel_mm=1.0), depth)
