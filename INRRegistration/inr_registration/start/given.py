"""A deformable start that the user gives, as what is left of it beside an affine map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.displacements import Displacements
from inr_registration.maps.affine import Affine

Array = npt.NDArray[np.float64]

ROUNDS = 30
"""Of the inverse; each shrinks what is left by how far the map is from its affine part."""


@dataclass(frozen=True, eq=False)
class Given:
    """The displacements beside an affine map A, in both directions; beyond their grid they go on as at its edge.

    Args:
        displacements: Fixed world point p to moving world point T(p).
        affine: A, fixed to moving world, applied after the displacement of the fit.
    """

    displacements: Displacements
    affine: Affine

    def map(self, points: Array) -> Array:
        """T(p) at (n, 3) fixed world points."""
        index = self.displacements.grid.to_index(points)[:, ::-1].T
        values = np.moveaxis(self.displacements.values, -1, 0)
        moved = [ndimage.map_coordinates(component, index, order=1, mode="nearest", output=np.float64) for component in values]
        return np.asarray(points + np.stack(moved, axis=1))

    def forward(self, points: Array) -> Array:
        """u(p) in mm at (n, 3) fixed world points: ``A(p + u(p)) = T(p)``."""
        return self.affine.inverse(self.map(points)) - points

    def backward(self, points: Array) -> Array:
        """u(q) in mm at (n, 3) moving world points: ``A^-1(q + u(q))`` is the point that T takes nearest to q, by fixed-point steps."""
        target = found = self.affine.inverse(points)
        for _ in range(ROUNDS):
            found = found + target - self.affine.inverse(self.map(found))
        return self.affine.map(found) - points
