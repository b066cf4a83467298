"""Memory is given again when nothing looks into it any more, and only then."""

import weakref

import numpy as np
import torch

from workers.voxel_memory import VoxelMemory

SHAPE = (4, 8, 8)


def address(voxels: np.ndarray) -> int:
    return voxels.__array_interface__["data"][0]


def test_an_array_has_the_wanted_shape_and_can_be_written():
    voxels = VoxelMemory()(SHAPE)
    voxels[:] = 7.0

    assert (voxels.shape, voxels.dtype, float(voxels.sum())) == (SHAPE, np.float32, 7.0 * 4 * 8 * 8)


def test_the_next_volume_gets_the_memory_of_one_that_is_gone():
    memory = VoxelMemory()
    first = memory(SHAPE)
    place = address(first)
    del first

    assert address(memory((2, 8, 8))) == place


def test_two_volumes_that_live_at_the_same_time_share_nothing():
    memory = VoxelMemory()
    first, second = memory(SHAPE), memory(SHAPE)

    assert not np.shares_memory(first, second)


def test_memory_that_only_a_piece_of_a_gone_volume_looks_into_is_not_given_again():
    memory = VoxelMemory()
    voxels = memory(SHAPE)
    voxels[:] = 1.0
    piece = voxels.transpose(2, 1, 0)[1:3]
    del voxels
    memory(SHAPE)[:] = 2.0

    assert (piece == 1.0).all()


def test_memory_that_only_a_tensor_looks_into_is_not_given_again():
    memory = VoxelMemory()
    voxels = memory(SHAPE)
    voxels[:] = 1.0
    tensor = torch.from_numpy(voxels)[None]
    del voxels
    memory(SHAPE)[:] = 2.0

    assert bool((tensor == 1.0).all())


def test_a_larger_volume_gets_larger_memory():
    memory = VoxelMemory()
    memory((2, 8, 8))
    larger = memory(SHAPE)
    place = address(larger)
    assert larger.shape == SHAPE
    del larger

    assert address(memory(SHAPE)) == place


def test_a_volume_beyond_the_limit_gets_memory_that_goes_with_it():
    memory = VoxelMemory(most_kept_bytes=4 * 4 * 8 * 8)
    large = memory((5, 8, 8))
    gone = weakref.ref(large)
    owns = large.base is None
    del large

    assert owns
    assert gone() is None
