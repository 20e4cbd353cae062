"""Squared correlation in the window around each voxel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.float32]


def match(a: Floats, b: Floats, radius: int) -> Floats:
    """Squared correlation of two images in the window around each voxel, (k, j, i), from 0 to 1; 0 where one is constant.

    Args:
        a: (k, j, i), with a range of about 1.
        b: The same.
        radius: The window is ``2 * radius + 1`` voxels wide; at the border the outermost values go on.
    """

    def mean(values: Floats) -> Floats:
        return np.asarray(ndimage.uniform_filter(values, 2 * radius + 1, mode="nearest"))

    mean_a, mean_b = mean(a), mean(b)
    spread = (mean(a * a) - mean_a**2).clip(min=0) * (mean(b * b) - mean_b**2).clip(min=0)
    return np.asarray((mean(a * b) - mean_a * mean_b) ** 2 / (spread + 1e-8))
