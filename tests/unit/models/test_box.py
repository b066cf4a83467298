"""Boxes of voxels are moved, grown and joined as their arrays are."""

from models.box import around, corner, grown, shifted, size

BOX = (slice(2, 5), slice(0, 4), slice(7, 9))


def test_a_moved_box_has_its_size_and_another_corner():
    moved = shifted(BOX, by=(1, 2, -3))

    assert moved == (slice(3, 6), slice(2, 6), slice(4, 6))
    assert size(moved) == size(BOX) == (3, 4, 2)
    assert corner(moved) == (3, 2, 4)


def test_a_grown_box_ends_where_the_array_does():
    assert grown(BOX, by=(1, 2, 3), shape=(6, 6, 10)) == (slice(1, 6), slice(0, 6), slice(4, 10))


def test_the_box_around_boxes_holds_every_one():
    assert around([BOX, (slice(4, 9), slice(1, 2), slice(0, 3))]) == (slice(2, 9), slice(0, 4), slice(0, 9))


def test_around_no_boxes_nothing_is_held():
    assert size(around([])) == (0, 0, 0)
