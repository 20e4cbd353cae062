"""MIND features of both images of a level, on parallel axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.grid import Grid
from inr_registration.numerics.sampling import Image, sample
from inr_registration.terms.mind import mind

Array = npt.NDArray[np.float64]

REACH_MM = 60.0
"""How far beyond the fixed image features of the moving one are kept; further off they go on as at the border."""


@dataclass(frozen=True, eq=False)
class Features:
    """What MIND compares.

    They take 24 numbers per voxel of the level (fixed and moving), about 100 bytes.

    Args:
        fixed: ``(12, D, H, W)`` on the voxels of the fixed image.
        moving: ``(12, ...)`` on axes that the affine makes parallel to those of the fixed image.
        matrix: (3, 3), and
        offset: (3,), from unit coordinates of the moving image to those of its features.
    """

    fixed: Tensor
    moving: Image
    matrix: Tensor
    offset: Tensor

    @classmethod
    def of(cls, fixed: Image, moving: Image, affine: Array) -> Features:
        """Compute them for a level.

        The channels stand for directions and distances, so the moving image is first read at the voxels of the fixed
        image's lattice, continued, under the affine: however its own axes lie, channel p then looks the same way in both.
        """
        turned = parallel(moving, aligned_grid(fixed.grid, moving.grid, affine, REACH_MM))
        to_unit, shift = turned.world_to_unit()
        own, own_shift = moving.world_to_unit()
        matrix = to_unit @ np.linalg.inv(own)
        offset = shift - matrix @ own_shift
        like = fixed.values
        seen = Image(mind(turned.values[0]), turned.grid)
        return cls(mind(fixed.values[0]), seen, torch.as_tensor(matrix).to(like), torch.as_tensor(offset).to(like))

    def unit(self, moving_unit: Tensor) -> Tensor:
        """Unit coordinates ``(3, ...)`` of the features at those of the moving image."""
        return torch.einsum("ab,b...->a...", self.matrix, moving_unit) + self.offset.reshape(3, *[1] * (moving_unit.dim() - 1))


def aligned_grid(fixed: Grid, moving: Grid, affine: Array, reach_mm: float) -> Grid:
    """The fixed grid's lattice of voxels, continued or cropped to what it shares with the moving image, seen through the affine.

    Args:
        fixed: Gives the axes and the spacing.
        moving: Gives the extent, as far as it lies within ``reach_mm`` of the fixed grid.
        affine: (4, 4), fixed to moving world.
        reach_mm: How far the motion may lead beyond the fixed grid.
    """
    corners = fixed.to_index((moving.corners() - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T)
    most = np.ceil(reach_mm / fixed.spacing)
    last = np.asarray(fixed.size) - 1
    low = np.clip(np.ceil(corners.min(axis=0)), -most, last)
    high = np.clip(np.floor(corners.max(axis=0)), 0, last + most)
    i, j, k = (int(n) for n in np.maximum(high - low, 0) + 1)
    part = fixed.cropped(low, (i, j, k))
    return Grid(part.size, affine @ part.affine)


def parallel(image: Image, grid: Grid) -> Image:
    """An image read linearly at the voxels of another grid; beyond its border it goes on."""
    matrix, offset = image.world_to_unit()
    whole = matrix @ grid.affine[:3]
    axes = [torch.arange(n, dtype=image.values.dtype, device=image.values.device) for n in grid.size]
    linear = torch.as_tensor(whole).to(image.values)
    shift = linear[:, 3] + torch.as_tensor(offset).to(image.values)
    unit = (
        linear[:, 0, None, None, None] * axes[0]
        + linear[:, 1, None, None, None] * axes[1][:, None]
        + linear[:, 2, None, None, None] * axes[2][:, None, None]
        + shift[:, None, None, None]
    )
    return Image(sample(image.values, unit), grid)
