"""Where an uncertainty is computed: both images, aligned, on a level of bounded size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.grid import Grid
from inr_registration.core.settings import Settings
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.methods.prepared import Prepared
from inr_registration.numerics.sampling import Image

Array = npt.NDArray[np.float64]

MOST_SITES = 50_000
"""An uncertainty varies slowly: it is computed at about this many points at most, whatever the size of the image."""
LEAST_STRAIN = 0.02
"""The strain of the fitted displacement is never taken to vary less than this."""

Tick = Callable[[float], None]
"""Told the share of an estimate that is done; may raise to end it."""


@dataclass(frozen=True, eq=False)
class Sites:
    """A level of the fixed image, its points, and both images there.

    Args:
        grid: Of the level, right-angled axes, LPS mm.
        spacing: mm.
        counted: (D, H, W), 1 where the fixed image counts and the fitted map reaches the moving image where that counts.
        fixed: (D, H, W) intensities.
        moving: (D, H, W) intensities under the fitted map.
        mapped: (n, 3) where the fitted map takes the points, LPS mm; n = D * H * W.
    """

    grid: Grid
    spacing: float
    counted: Tensor
    fixed: Tensor
    moving: Tensor
    mapped: Array

    @property
    def points(self) -> Array:
        """(n, 3) LPS mm, in the order of the array."""
        return self.grid.all_points().reshape(-1, 3).astype(np.float64)


def fitted_spacing(prepared: Prepared, settings: Settings) -> float:
    """Spacing of the finest level that was fitted, mm: what is smaller was never looked at."""
    return prepared.usable_stages(settings)[-1].shrink * prepared.spacing


def sites(prepared: Prepared, model: FittedMap, finest: float, most: int = MOST_SITES) -> Sites:
    """Lay about ``most`` sites over the fixed image, but none closer than ``finest`` mm, and bring the moving image there."""
    volume = float(np.prod(np.asarray(prepared.fixed.grid.size) * prepared.fixed.grid.spacing))
    spacing = max(finest, float(np.cbrt(volume / most)))
    fixed, weight, moving, moving_weight = prepared.level_pair(spacing)
    grid = fixed.grid
    mapped = model.map(grid.all_points().reshape(-1, 3))
    at = torch.as_tensor(mapped.T.reshape(3, *grid.shape), dtype=torch.float32, device=prepared.device)
    inside = torch.as_tensor(moving.grid.contains(mapped).reshape(grid.shape), device=prepared.device)
    counted = weight * inside * (Image(moving_weight, moving.grid).at(at) > 0.5)
    return Sites(grid, float(grid.spacing.mean()), counted, fixed.values[0], moving.at(at), mapped)


def smoothed(values: Tensor, counted: Tensor, sigma: float = 1.0) -> Tensor:
    """Gaussian mean over counted neighbours of ``(D, H, W)`` or ``(C, D, H, W)`` values; sigma in sites."""
    reach = int(np.ceil(3 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=values.device) / sigma) ** 2).to(values)
    stack = values if values.dim() == 4 else values[None]
    weight = _blurred(counted.to(stack), kernel).clamp_(min=1e-6)
    mean = torch.empty_like(stack)
    for channel, one in enumerate(stack):  # convolved together they would take several times the memory
        torch.div(_blurred(one * counted, kernel), weight, out=mean[channel])
    return mean if values.dim() == 4 else mean[0]


def _blurred(values: Tensor, kernel: Tensor) -> Tensor:
    out = values[None, None]
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = len(kernel)
        padding = [0, 0, 0]
        padding[axis] = len(kernel) // 2
        out = torch.nn.functional.conv3d(out, kernel.reshape(shape), padding=padding)
    return out[0, 0]


def strain_of(model: FittedMap, where: Sites) -> float:
    """Standard deviation of the strain of the fitted displacement between neighbouring counted sites, no unit.

    All raw estimates are proportional to it: on known warps the error grows with how much the displacement varies.
    """
    counted = (where.counted > 0).cpu().numpy()
    u = model.displacement(where.points).reshape(*where.grid.shape, 3)
    squares = []
    for axis in range(3):
        last = counted.shape[axis]
        both = counted.take(range(last - 1), axis) & counted.take(range(1, last), axis)
        squares.append((np.diff(u, axis=axis)[both] ** 2).ravel() / where.spacing**2)
    joined = np.concatenate(squares)
    return max(float(np.sqrt(joined.mean())) if joined.size else 0.0, LEAST_STRAIN)
