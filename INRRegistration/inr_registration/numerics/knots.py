"""Where the control points of a lattice lie."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SPARE = 1e-3
"""Share of a step by which a box may stick out of its last cell: lengths from headers are rounded, and must not decide on a cell."""


@dataclass(frozen=True)
class Knots:
    """Where the control points lie, in the lattice's own axes (x, y, z).

    Args:
        start: Coordinate of the first control point.
        step: Distance between control points.
        count: Number of control points.
    """

    start: tuple[float, float, float]
    step: tuple[float, float, float]
    count: tuple[int, int, int]

    @classmethod
    def covering(cls, low: tuple[float, ...], high: tuple[float, ...], step: float) -> Knots:
        """The fewest knots with this step whose valid range covers [low, high], but for a ``SPARE``, and starts at ``low``."""
        cells = [max(int(-(-(b - a - SPARE * step) // step)), 1) for a, b in zip(low, high, strict=True)]
        return cls((low[0] - step, low[1] - step, low[2] - step), (step,) * 3, (cells[0] + 3, cells[1] + 3, cells[2] + 3))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (nk, nj, ni) of the coefficients."""
        return self.count[2], self.count[1], self.count[0]

    def sites(self, axis: int, offset: float | Tensor, like: Tensor) -> Tensor:
        """One position in every cell of the valid range along an axis, ``offset`` (0 to 1) into the cell."""
        cells = torch.arange(1, self.count[axis] - 2, dtype=like.dtype, device=like.device)
        return self.start[axis] + (cells + offset) * self.step[axis]
