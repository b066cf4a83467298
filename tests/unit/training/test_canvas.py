"""Painting on a grid, against volumes in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from training.anatomy.canvas import Canvas, Column, Frame

BONE, FAT = 7, 9


def volume_mm3(canvas: Canvas, label: int) -> float:
    return float((canvas.labels == label).sum()) * canvas.spacing_mm**3


def test_a_local_box_covers_its_points_wherever_the_frame_leans() -> None:
    canvas = Canvas((60.0, 60.0, 60.0), 0.5)
    frame = Frame.leaning(np.array((30.0, 28.0, 31.0)), 0.5)

    region = canvas.region(frame, (-10.0, -5.0, -8.0), (10.0, 5.0, 8.0))
    canvas.paint(region, (abs(region.up) < 10) & (abs(region.back) < 5) & (abs(region.left) < 8), BONE)

    assert volume_mm3(canvas, BONE) == pytest.approx(20 * 10 * 16, rel=0.05)
    assert 0.5 * np.argwhere(canvas.labels == BONE).mean(0) == pytest.approx((30, 28, 31), abs=0.2)


def test_a_frame_that_leans_forward_has_its_upper_end_in_front() -> None:
    frame = Frame.leaning(np.zeros(3), np.deg2rad(40.0))

    up, back, _ = frame.to_template(np.array((10.0, 0.0, 0.0)))

    assert up == pytest.approx(10.0 * np.cos(np.deg2rad(40.0)))
    assert back == pytest.approx(-10.0 * np.sin(np.deg2rad(40.0)))


def test_paint_goes_over_the_named_labels_only() -> None:
    canvas = Canvas((10.0, 10.0, 10.0), 1.0)
    canvas.labels[:5] = FAT
    region = canvas.region(Frame.leaning(np.full(3, 5.0), 0.0), (-6, -6, -6), (6, 6, 6))

    canvas.paint(region, np.ones(region.up.shape, dtype=bool), BONE, over=(FAT,))

    assert (canvas.labels[:5] == BONE).all()
    assert (canvas.labels[5:] == 0).all()


def test_a_column_has_the_area_of_its_ellipses() -> None:
    canvas = Canvas((20.0, 60.0, 60.0), 0.5)
    slices = canvas.labels.shape[0]
    half_depth = np.where(canvas.heights < 10.0, 12.0, 0.0)

    canvas.paint_column(
        Column(
            back=np.full(slices, 30.0),
            left=np.full(slices, 25.0),
            half_depth=half_depth,
            half_width=np.full(slices, 20.0),
        ),
        BONE,
    )

    assert volume_mm3(canvas, BONE) == pytest.approx(np.pi * 12.0 * 20.0 * 10.0, rel=0.01)


def test_a_ball_has_its_volume_and_a_rod_that_of_a_capsule() -> None:
    canvas = Canvas((60.0, 40.0, 40.0), 0.5)
    start, end = np.array((15.0, 20.0, 20.0)), np.array((45.0, 20.0, 20.0))

    canvas.stamp_rod(start, end, (6.0, 6.0), BONE)

    assert volume_mm3(canvas, BONE) == pytest.approx(np.pi * 36.0 * 30.0 + 4.0 / 3.0 * np.pi * 216.0, rel=0.05)


def test_a_flat_stamp_is_thin_along_its_normal() -> None:
    canvas = Canvas((30.0, 30.0, 30.0), 0.5)

    canvas.stamp(np.full((1, 3), 15.0), np.array(((0.0, 0.0, 1.0),)), np.array(((2.0, 8.0),)), BONE)

    extent = np.ptp(np.argwhere(canvas.labels == BONE), axis=0) * 0.5
    assert extent[2] == pytest.approx(4.0, abs=1.0)
    assert extent[0] == pytest.approx(16.0, abs=1.0)


def test_what_lies_outside_the_grid_is_left_out() -> None:
    canvas = Canvas((10.0, 10.0, 10.0), 1.0)

    canvas.stamp_rod(np.array((5.0, 5.0, -20.0)), np.array((5.0, 5.0, 30.0)), (2.0, 2.0), BONE)

    assert (canvas.labels[5, 5] == BONE).all()
    assert canvas.labels[0, 0].sum() == 0
