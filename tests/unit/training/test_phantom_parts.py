"""The parts that a synthetic chest CT is put together from."""

from __future__ import annotations

import numpy as np
import pytest

from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.anatomy.labels import RIBS, Part
from training.phantom.noise import NoiseSource
from training.phantom.scene import Grid, Scene, body_range, build_scene
from training.phantom.spec import PhantomSpec
from training.phantom.tissues import mineral_gain, soft_table
from training.phantom.truth import core_mask


def grid(size: int = 128, pixel: float = 0.8) -> Grid:
    """A grid of one slice."""
    return Grid(origin_mm=(0.0, 0.0, 0.0), spacing_mm=(2.0, pixel, pixel), shape=(1, size, size))


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A person whose scan has large voxels."""
    return build_scene(PhantomSpec(size=64, slice_mm=8.0))


def test_noise_has_its_standard_deviation_in_the_middle_and_no_mean() -> None:
    source = NoiseSource(grid(), 20.0, np.random.default_rng(1), blur_mm=0.55)

    slices = np.stack([source.draw() for _ in range(20)])

    middle = slices[:, 54:74, 54:74]
    assert float(middle.std()) == pytest.approx(20.0, rel=0.1)
    assert abs(float(middle.mean())) < 1.0


def test_noise_is_grainy_and_not_white() -> None:
    source = NoiseSource(grid(), 20.0, np.random.default_rng(1), blur_mm=0.55)

    noise = np.stack([source.draw() for _ in range(20)])

    neighbours = float((noise[:, :, 1:] * noise[:, :, :-1]).mean() / (noise**2).mean())
    assert 0.2 < neighbours < 0.95


def test_a_sharper_kernel_has_finer_noise_of_the_same_size() -> None:
    soft, sharp = (
        NoiseSource(grid(), 20.0, np.random.default_rng(1), blur_mm=blur_mm).draw() for blur_mm in (0.9, 0.35)
    )

    alike = [float(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) for noise in (soft, sharp)]
    assert alike[1] < alike[0] - 0.1
    assert float(sharp.std()) == pytest.approx(float(soft.std()), rel=0.05)


def test_mineral_gets_darker_with_the_tube_voltage() -> None:
    assert mineral_gain(120.0) == 1.0
    assert mineral_gain(80.0) == mineral_gain(100.0) > mineral_gain(110.0) > 1.0 > mineral_gain(140.0)


def test_every_soft_tissue_has_a_ct_number_and_bone_has_none() -> None:
    table = soft_table(np.random.default_rng(1), 120.0)

    assert not np.isnan(table[[Part.FAT, Part.MUSCLE, Part.AORTA, Part.LIVER, Part.CANAL, Part.CARTILAGE]]).any()
    assert np.isnan(table[[Part.AIR, Part.LUNG, *RIBS, VertebralLevel.L1.number]]).all()
    assert table[Part.AORTA] == pytest.approx(44.0, abs=12.0)


def test_the_core_begins_four_millimetres_below_the_surface() -> None:
    body = np.zeros((24, 24, 24), dtype=np.bool_)
    body[2:22, 2:22, 2:22] = True

    core = core_mask(body, (1.0, 1.0, 1.0))

    assert core.sum() == 12**3
    assert core[6, 6, 6]
    assert not core[5, 6, 6]


def test_a_body_cut_by_the_end_of_the_scan_keeps_its_core_up_to_the_cut() -> None:
    body = np.zeros((10, 24, 24), dtype=np.bool_)
    body[:, 2:22, 2:22] = True

    core = core_mask(body, (1.0, 1.0, 1.0))

    assert core[0, 12, 12]
    assert core[-1, 12, 12]


def test_the_scan_holds_the_whole_bodies_that_were_asked_for_and_not_the_next_ones(scene: Scene) -> None:
    floor, roof = scene.grid.ends_mm

    whole = [
        level for level, placed in scene.spine.named if floor <= body_range(placed)[0] < body_range(placed)[1] <= roof
    ]

    first, last = (USUAL_LEVELS.index(level) for level in (VertebralLevel.T6, VertebralLevel.L3))
    assert whole == list(USUAL_LEVELS[first : last + 1])


def test_the_trunk_has_every_part_of_a_chest(scene: Scene) -> None:
    present = set(np.unique(scene.canvas.labels).tolist())

    parts = {Part.SKIN, Part.FAT, Part.MUSCLE, Part.LUNG, Part.HEART, Part.AORTA, Part.STERNUM, Part.LIVER, Part.CANAL}
    assert {int(part) for part in parts} <= present
    assert len(present & set(RIBS)) >= 12


def test_settings_of_the_scan_leave_the_person_alone(scene: Scene) -> None:
    other = build_scene(PhantomSpec(size=64, slice_mm=4.0, kvp=100.0, trabecular_hu=60.0))

    bodies = [[placed.shape.body for placed in each.spine.vertebrae] for each in (scene, other)]

    assert bodies[0] == bodies[1]


def test_nothing_lies_outside_the_field_of_view(scene: Scene) -> None:
    body = (scene.canvas.labels != Part.AIR).any(0)
    step = scene.canvas.spacing_mm
    rows, columns = (np.flatnonzero(body.any(axis)) * step for axis in (1, 0))

    for axis, extent in ((1, rows), (2, columns)):
        centres = scene.grid.centres(axis)
        assert centres[0] < extent[0]
        assert extent[-1] < centres[-1]
