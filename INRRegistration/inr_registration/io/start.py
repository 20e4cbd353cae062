"""The transform that a registration starts from, of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core.displacements import Displacements
from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.itk_map import ItkMap
from inr_registration.io.maps import load_map
from inr_registration.io.transforms import Say, linear_matrix
from inr_registration.maps.affine import Affine
from inr_registration.maps.map import Map

NODES = 64**3
"""At most about so many displacements are read; the coarse lattice on which a fit begins holds fewer."""


def read_start(path: str, grid: Grid, say: Say) -> dict[str, npt.NDArray[np.float64] | Displacements]:
    """What a ``Problem`` takes as its start: a linear transform as a matrix, any other one as displacements over the fixed image.

    Args:
        path: A transform file of any kind, fixed to moving points.
        grid: Of the fixed image.
        say: Takes what was assumed.

    Raises:
        InputError: It cannot be read.
    """
    return as_start(load_map(path, say), grid)


def as_start(given: Any, grid: Grid) -> dict[str, npt.NDArray[np.float64] | Displacements]:
    """The same of a (4, 4) matrix or a map.

    Raises:
        InputError: It is neither.
    """
    if isinstance(given, Affine):
        return {"initial": given.matrix}
    if isinstance(given, ItkMap) and given.transform.IsLinear():
        return {"initial": linear_matrix(given.transform)}
    if isinstance(given, Map):
        over = coarse(grid)
        return {"initial_displacement": Displacements(given.displacement_on(over), over)}
    matrix = np.asarray(given)
    if matrix.shape != (4, 4) or matrix.dtype.kind not in "iuf":
        raise InputError(f"an initial transform is a file, a 4x4 matrix to LPS mm or a Map, got {type(given).__name__}")
    return {"initial": matrix.astype(np.float64)}


def coarse(grid: Grid) -> Grid:
    """A grid of at most ``NODES`` points from the first to the last voxel of each axis."""
    factor = max((np.prod(grid.size) / NODES) ** (1 / 3), 1.0)
    i, j, k = (max(int(np.ceil((n - 1) / factor)) + 1, 2) if n > 1 else 1 for n in grid.size)
    steps = [(n - 1) / (m - 1) if m > 1 else 1.0 for n, m in zip(grid.size, (i, j, k), strict=True)]
    return Grid((i, j, k), grid.affine @ np.diag([*steps, 1.0]))
