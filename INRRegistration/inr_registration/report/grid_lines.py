"""The warp grid: a regular grid of the fixed space, each crossing drawn where the deformation takes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.report.panels import round_length
from inr_registration.report.raster import finite
from inr_registration.report.views import Source, View

Array = npt.NDArray[np.float64]

LINES = 12
"""At least about this many lines along the longer side."""

STRAIGHT = 1e-3
"""Second differences of vertices below this, in mm, are no bend."""

VERTICES = 120
"""Vertices of each line."""


def line_distance(shown: Sequence[View]) -> float:
    """Distance between the grid's lines in all of these planes, a round number of mm."""
    return min(round_length(max(view.size_mm) / LINES) for view in shown)


def warp_grid(view: View, grid: Grid, displacement: Source, index: tuple[int, int, int], distance: float) -> str:
    """The grid as one SVG path.

    Args:
        view: Which plane.
        grid: The fixed grid.
        displacement: (k, j, i, 3) LPS mm on ``grid``.
        index: Voxel (i, j, k) through which the plane is cut.
        distance: Between lines, mm.

    Returns:
        SVG in mm right and down of the slice's corner.
    """
    moved = in_plane(view, grid, np.asarray(view.cut(displacement, index), dtype=np.float64))
    wide, tall = view.size_mm
    columns, rows = (np.arange((size % distance) / 2, size + 1e-6, distance) for size in (wide, tall))
    along_x, along_y = np.linspace(0, wide, VERTICES), np.linspace(0, tall, VERTICES)
    lines = [np.stack([along_x, np.full(VERTICES, row)], axis=1) for row in rows]
    lines += [np.stack([np.full(VERTICES, column), along_y], axis=1) for column in columns]
    return f'<path class="grid" d="{"".join(_path(line + read(moved, line / view.step)) for line in lines)}"/>'


def in_plane(view: View, grid: Grid, displacement: Array) -> Array:
    """The part of displacements (rows, columns, 3) LPS mm within a plane: (rows, columns, 2), mm right and down."""
    voxels = finite(displacement) @ np.linalg.inv(grid.affine[:3, :3]).T
    sign = np.where([view.flip_column, view.flip_row], -1.0, 1.0)
    return np.asarray(voxels[..., [view.column, view.row]] * sign * view.step)


def read(field: Array, places: Array) -> Array:
    """Bilinear values (n, 2) of a field (rows, columns, 2) at places (n, 2): pixels right and down of the picture's corner."""
    size = np.array(field.shape[1::-1])
    at = np.clip(places - 0.5, 0, size - 1)
    first = np.minimum(at.astype(int), np.maximum(size - 2, 0))
    (x, y), (x1, y1) = first.T, np.minimum(first + 1, size - 1).T
    along, down = (at - first).T[..., None]
    upper = field[y, x] * (1 - along) + field[y, x1] * along
    lower = field[y1, x] * (1 - along) + field[y1, x1] * along
    return np.asarray(upper * (1 - down) + lower * down)


def _path(line: Array) -> str:
    """A polyline (n, 2) as SVG path data; vertices on a straight run are left out."""
    bent = np.pad(np.abs(np.diff(line, 2, axis=0)).max(axis=1) > STRAIGHT, 2)
    kept = bent[2:] | bent[1:-1] | bent[:-2]
    kept[[0, -1]] = True
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in line[kept])
