"""Affine maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.maps.map import Map

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Affine(Map):
    """``phi(p) = A p + t``, fixed world point to moving world point, LPS mm.

    Args:
        matrix: (4, 4), last row 0 0 0 1.

    Raises:
        InputError: It is no such matrix.
    """

    matrix: Array

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.allclose(matrix[3], [0, 0, 0, 1]):
            raise InputError(f"an affine map is a finite 4x4 matrix with last row 0 0 0 1, got {matrix.tolist()}")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @property
    def inverted(self) -> Affine:
        return Affine(np.asarray(np.linalg.inv(self.matrix), dtype=np.float64))

    def map(self, points: npt.ArrayLike) -> Array:
        return np.asarray(np.asarray(points, dtype=np.float64) @ self.matrix[:3, :3].T + self.matrix[:3, 3])

    def jacobian(self, points: npt.ArrayLike) -> Array:
        return np.broadcast_to(self.matrix[:3, :3], (len(np.asarray(points)), 3, 3)).copy()

    def inverse(self, points: npt.ArrayLike) -> Array:
        return np.asarray((np.asarray(points, dtype=np.float64) - self.matrix[:3, 3]) @ np.linalg.inv(self.matrix[:3, :3]).T)
