"""The three planes of a grid, laid out as radiologists expect them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid, Part

Array = npt.NDArray[np.float64]
Source = npt.NDArray[np.generic] | Callable[[Part], npt.NDArray[np.generic]]
"""An array (k, j, i, ...) on the fixed grid, or what computes a part of one when it is looked at."""

# Name, anatomical axis (0 L, 1 P, 2 S) across the plane, along columns and along rows, letters left, right, top, bottom.
# Columns run towards L or P, rows towards P or I: patient right (or anterior) on the left, anterior (or superior) up.
_PLANES = (
    ("Axial", 2, 0, 1, ("R", "L", "A", "P")),
    ("Coronal", 1, 0, 2, ("R", "L", "S", "I")),
    ("Sagittal", 0, 1, 2, ("A", "P", "S", "I")),
)


@dataclass(frozen=True)
class View:
    """How to show the slices of a grid that are nearest to one anatomical plane.

    Args:
        name: Axial, Coronal or Sagittal.
        normal: Voxel axis (0 i, 1 j, 2 k) across the slices.
        column: Voxel axis along which the picture's columns run.
        row: Voxel axis along which the picture's rows run.
        flip_column: Whether the columns run against the voxel axis.
        flip_row: Whether the rows run against the voxel axis.
        letters: Patient directions at the left, right, top and bottom edge.
        step: Size (column, row) of a pixel, mm.
        pixels: Number of pixels (columns, rows).
    """

    name: str
    normal: int
    column: int
    row: int
    flip_column: bool
    flip_row: bool
    letters: tuple[str, str, str, str]
    step: tuple[float, float]
    pixels: tuple[int, int]

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of a slice, mm."""
        return self.step[0] * self.pixels[0], self.step[1] * self.pixels[1]

    def cut(self, source: Source, index: tuple[int, int, int]) -> npt.NDArray[np.generic]:
        """The slice through voxel ``index`` (i, j, k) of an array (k, j, i, ...), as a picture (rows, columns, ...)."""
        at = index[self.normal]
        k, j, i = (slice(at, at + 1) if axis == self.normal else slice(None) for axis in (2, 1, 0))
        flat = read(source, (k, j, i)).squeeze(2 - self.normal)
        if self.row < self.column:
            flat = np.swapaxes(flat, 0, 1)
        return np.asarray(flat[:: -1 if self.flip_row else 1, :: -1 if self.flip_column else 1])

    def place(self, index: npt.ArrayLike) -> Array:
        """Where voxel indices (..., 3) in order i, j, k lie in the picture: (..., 2), mm right and down of its corner."""
        at = np.asarray(index, dtype=np.float64)[..., [self.column, self.row]] + 0.5
        flipped = np.where([self.flip_column, self.flip_row], np.asarray(self.pixels) - at, at)
        return np.asarray(flipped * self.step)


def read(source: Source, part: Part) -> npt.NDArray[np.generic]:
    """Part of an array that is there or computed."""
    return source(part) if callable(source) else source[part]


def views(grid: Grid) -> tuple[View, View, View]:
    """Axial, coronal and sagittal view of a grid; oblique grids are shown along their nearest voxel axes."""
    axes = nearest_axes(grid)
    axial, coronal, sagittal = (_view(grid, axes, plane) for plane in _PLANES)
    return axial, coronal, sagittal


def nearest_axes(grid: Grid) -> tuple[int, int, int]:
    """The voxel axis nearest to each of the patient axes L, P and S; each voxel axis is used once."""
    best = max(permutations(range(3)), key=lambda order: sum(abs(grid.direction[n, axis]) for n, axis in enumerate(order)))
    return best[0], best[1], best[2]


def obliqueness(grid: Grid) -> float:
    """Largest angle between a voxel axis and the patient axis that it stands for, degrees."""
    along = [abs(grid.direction[n, axis]) for n, axis in enumerate(nearest_axes(grid))]
    return float(np.degrees(np.arccos(min(min(along), 1.0))))


def _view(grid: Grid, axes: tuple[int, int, int], plane: tuple[str, int, int, int, tuple[str, str, str, str]]) -> View:
    name, across, along, down, letters = plane
    normal, column, row = axes[across], axes[along], axes[down]
    against_column = bool(grid.direction[along, column] < 0)
    towards_superior = down == 2
    against_row = bool(grid.direction[down, row] < 0) != towards_superior
    step = (float(grid.spacing[column]), float(grid.spacing[row]))
    return View(name, normal, column, row, against_column, against_row, letters, step, (grid.size[column], grid.size[row]))
