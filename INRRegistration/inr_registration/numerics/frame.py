"""The coordinates that a field lives in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.numerics import checked

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frame:
    """Unit coordinates xi of a world point p: ``p = centre + axes @ xi`` (LPS mm).

    A displacement in unit coordinates becomes ``axes @ u`` in mm. With axes that are one scalar times a rotation, the
    Jacobian needs no conversion and second derivatives are divided by that scalar.

    Args:
        centre: (3,) LPS mm.
        axes: (3, 3), mm per unit, columns.
    """

    centre: Array
    axes: Array

    @classmethod
    def isotropic(cls, grid: Grid) -> Frame:
        """Along the grid's axes with one scale: half of its longest side."""
        half = (np.asarray(grid.size) * grid.spacing / 2).max()
        return cls(grid.centre, grid.direction * half)

    @classmethod
    def per_axis(cls, grid: Grid) -> Frame:
        """[-1, 1] between the outermost voxel centres along each axis, as the published INR code has it."""
        half = np.maximum(np.asarray(grid.size) - 1, 1) * grid.spacing / 2
        return cls(grid.centre, grid.direction * half)

    @classmethod
    def millimetres(cls, grid: Grid) -> Frame:
        """Along the grid's axes in mm, from the centre of the first voxel."""
        return cls(grid.origin, grid.direction)

    def to_json(self) -> dict[str, list[Any]]:
        """Plain lists; ``from_json`` reads them back to an equal frame."""
        return {"centre": self.centre.tolist(), "axes": self.axes.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Frame:
        """The frame that ``to_json`` wrote; raises KeyError, TypeError or ValueError where it is damaged."""
        axes = checked.numbers(data["axes"], (3, 3), "the axes of the frame")
        if np.linalg.cond(axes) > 1e6:
            raise ValueError(f"the axes of the frame must be independent, got {axes.tolist()}")
        return cls(checked.numbers(data["centre"], (3,), "the centre of the frame"), axes)

    @property
    def scale(self) -> float:
        """Largest number of mm per unit."""
        return float(np.linalg.norm(self.axes, axis=0).max())

    def to_unit(self, points: npt.ArrayLike) -> Array:
        """World points (..., 3) in LPS mm to unit coordinates (..., 3)."""
        return np.asarray((np.asarray(points, dtype=np.float64) - self.centre) @ np.linalg.inv(self.axes).T)

    def to_world(self, unit: npt.ArrayLike) -> Array:
        """Unit coordinates (..., 3) to world points (..., 3) in LPS mm."""
        return np.asarray(np.asarray(unit, dtype=np.float64) @ self.axes.T + self.centre)
