"""Reading an image between its voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from inr_registration.core.grid import Grid
from inr_registration.numerics.constants import constant


def sample(values: Tensor, unit: Tensor, mode: str = "bilinear") -> Tensor:
    """Trilinear values of ``(C, D, H, W)`` at ``(3, ...)`` unit coordinates (x, y, z; -1 and 1 are the outermost centres).

    Beyond the outermost centres the border value goes on.
    """
    shape = unit.shape[1:]
    grid = unit.reshape(3, 1, 1, -1).permute(1, 2, 3, 0) if unit.dim() != 4 else unit.permute(1, 2, 3, 0)
    out = grid_sample(values[None], grid[None], mode=mode, padding_mode="border", align_corners=True)
    return out[0].reshape(values.shape[0], *shape)


@dataclass(frozen=True)
class Image:
    """A scalar image on the device, with the way from world points to its unit coordinates.

    Args:
        values: ``(1, D, H, W)`` float.
        grid: Its geometry, LPS mm.
    """

    values: Tensor
    grid: Grid

    def world_to_unit(self) -> tuple[np.ndarray, np.ndarray]:
        """Matrix (3, 3) and offset (3,): unit coordinates of a world point (LPS mm) are ``matrix @ p + offset``."""
        half = np.maximum((np.asarray(self.grid.size) - 1) / 2, 0.5)
        matrix = np.linalg.inv(self.grid.affine[:3, :3]) / half[:, None]
        return matrix, -matrix @ self.grid.origin - 1

    def at(self, points: Tensor, mode: str = "bilinear") -> Tensor:
        """Values at ``(3, ...)`` world points (LPS mm), ``(...)``."""
        matrix, offset = (torch.as_tensor(a).to(points) for a in self.world_to_unit())
        unit = (matrix @ points.reshape(3, -1) + offset[:, None]).reshape(points.shape)
        return sample(self.values, unit, mode)[0]


def outside_distance(unit: Tensor, size: tuple[int, int, int]) -> Tensor:
    """How many voxels ``(3, ...)`` unit coordinates lie beyond an image's outer voxel faces, summed over axes, ``(...)``."""
    half = constant(tuple((n - 1) / 2 for n in size), unit).reshape(3, *[1] * (unit.dim() - 1))
    return ((unit.abs() - 1) * half - 0.5).clamp(min=0).sum(dim=0)
