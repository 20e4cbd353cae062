"""Tensors of an image as arrays for compiled loops."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from inr_registration.numerics.kernels.jit import Floats, Signs


def arrays_of(moving: Tensor, weight: Tensor) -> tuple[Floats, Floats]:
    """A (1, D, H, W) moving image and its weight as arrays (D, H, W); the weight is of size 0 where it is 1 everywhere."""
    everywhere = bool((weight == 1).all())
    return moving[0].contiguous().numpy(), np.empty((0, 0, 0), np.float32) if everywhere else weight[0].contiguous().numpy()


def sure_cells(weight: Floats) -> Signs:
    """Which cells, by their first voxel, have weight 1 at all corners: flat, 0 in the last voxel along each axis."""
    sure = np.zeros(weight.shape, np.int8)
    one = weight == 1
    for axis in range(3):
        length = one.shape[axis]
        one = np.logical_and(one.take(range(max(length - 1, 0)), axis), one.take(range(1, length), axis)) if length else one
    sure[tuple(slice(0, n) for n in one.shape)] = one
    return sure.ravel()
