"""A deformable map as displacements on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Displacements:
    """Where the points of a grid go: fixed world point p to moving world point p + d(p), LPS mm.

    Args:
        values: (k, j, i, 3) finite displacements d, LPS mm.
        grid: Where they lie.

    Raises:
        InputError: The shapes do not fit, or a value is not finite.
    """

    values: npt.NDArray[np.floating]
    grid: Grid

    def __post_init__(self) -> None:
        if self.values.shape != (*self.grid.shape, 3):
            raise InputError(f"displacements of shape {self.values.shape} do not fit the grid's {(*self.grid.shape, 3)} (k, j, i, 3)")
        if not np.isfinite(self.values).all():
            raise InputError("the initial transform is not finite everywhere in the fixed image; repair it, or leave it out")

    @cached_property
    def linear(self) -> Array:
        """The affine map (4, 4) that comes nearest to this one at the points of the grid, by least squares."""
        points = self.grid.all_points().reshape(-1, 3).astype(np.float64)
        ones = np.column_stack([points, np.ones(len(points))])
        matrix = np.eye(4)
        matrix[:3] = np.linalg.lstsq(ones, points + self.values.reshape(-1, 3), rcond=None)[0].T
        matrix.setflags(write=False)
        return matrix
