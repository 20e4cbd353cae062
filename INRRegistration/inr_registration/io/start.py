"""The transform that a registration starts from, of any kind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.displacements import Displacements
from inr_registration.core.grid import Grid
from inr_registration.io.point_map import displacement_on, load_map
from inr_registration.io.transforms import Say, is_model_file, linear_matrix, read_either_way

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
    if not is_model_file(path):
        transform, backwards = read_either_way(path, say)
        if transform.IsLinear() and not backwards:
            return {"initial": linear_matrix(transform)}
    over = coarse(grid)
    displacement, _ = displacement_on(over, load_map(path, lambda _: None).map)
    return {"initial_displacement": Displacements(displacement, over)}


def coarse(grid: Grid) -> Grid:
    """A grid of at most ``NODES`` points from the first to the last voxel of each axis."""
    factor = max((np.prod(grid.size) / NODES) ** (1 / 3), 1.0)
    i, j, k = (max(int(np.ceil((n - 1) / factor)) + 1, 2) if n > 1 else 1 for n in grid.size)
    steps = [(n - 1) / (m - 1) if m > 1 else 1.0 for n, m in zip(grid.size, (i, j, k), strict=True)]
    return Grid((i, j, k), grid.affine @ np.diag([*steps, 1.0]))
