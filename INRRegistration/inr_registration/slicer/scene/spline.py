"""The spline's displacement sampled on a grid along its own axes; pure numpy.

``u(p) = sum_n B(x_n) c_n`` with the uniform cubic B-spline as a tensor product (Rueckert et al., "Nonrigid registration using
free-form deformations", IEEE TMI 18(8), 1999, eq. 1), so each axis is a small matrix of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.core.result import SplineTransform

Array = npt.NDArray[np.float64]

MAX_NODES = 3_000_000
"""A sampled grid has at most about this many nodes: 36 MB in memory, twice that once it was read from a file."""


@dataclass(frozen=True, eq=False)
class DisplacementGrid:
    """Displacement vectors on a grid.

    Args:
        grid: Where they are.
        values: (k, j, i, 3) LPS mm, float32.
    """

    grid: Grid
    values: npt.NDArray[np.float32]


def sample(transform: SplineTransform, spacing: float) -> DisplacementGrid:
    """The displacement before the affine part, over all of the lattice: the fixed image and the rim in which it fades to zero.

    Args:
        transform: The spline.
        spacing: Between the nodes wanted, mm; larger where there would be more than ``MAX_NODES``.
    """
    counts = np.array(transform.coefficients.shape[2::-1])
    extent = transform.spacing * (counts - 1)
    spacing = max(spacing, float(np.cbrt(np.prod(extent) / MAX_NODES)))
    cells = np.maximum(np.ceil(extent / spacing - 1e-6), 1).astype(int)
    places = [np.linspace(0, counts[d] - 1, cells[d] + 1) for d in range(3)]
    values = transform.coefficients.astype(np.float64)
    for axis, d in ((0, 2), (1, 1), (2, 0)):
        values = np.moveaxis(np.tensordot(axis_matrix(places[d], counts[d]), values, axes=(1, axis)), 0, axis)
    i, j, k = (int(n) + 1 for n in cells)
    grid = Grid.from_geometry((i, j, k), extent / cells, transform.origin, transform.direction)
    return DisplacementGrid(grid, np.ascontiguousarray(values, dtype=np.float32))


def axis_matrix(places: Array, count: int) -> Array:
    """Weights (places, count) of control points 0 to count - 1 at positions given in control points; those beyond count as zero."""
    distance = np.abs(places[:, None] - np.arange(count))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = (2 - distance) ** 3 / 6
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
