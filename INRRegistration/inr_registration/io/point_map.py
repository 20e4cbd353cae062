"""What ``apply`` and ``evaluate`` ask of a transform, whatever file it came from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.io.itk_map import ItkMap, Turned
from inr_registration.io.transforms import Say, grid_from_json, is_model_file, read_either_way, read_model

Array = npt.NDArray[np.float64]

LOST = 0.1
"""A point has no inverse where the nearest one found maps further away from it than this, in units of the map."""


class PointMap(Protocol):
    """A map from fixed world points to moving world points, LPS mm."""

    @property
    def unit_mm(self) -> float:
        """What counts as one voxel where points are compared."""
        ...

    def map(self, points: npt.ArrayLike) -> Array:
        """phi(p) at (n, 3) points, (n, 3)."""
        ...

    def inverse(self, points: npt.ArrayLike) -> Array:
        """The points (n, 3) that phi takes nearest to given (n, 3) points."""
        ...


@dataclass(frozen=True, eq=False)
class Loaded:
    """A transform from a file.

    Args:
        map: The transform.
        fixed_grid: Of the image that it was made for, where the file says so.
        moving_grid: Likewise.
    """

    map: PointMap
    fixed_grid: Grid | None = None
    moving_grid: Grid | None = None


def load_map(path: str | os.PathLike[str], say: Say = lambda _: None) -> Loaded:
    """Read a model file or any transform; ``say`` takes what was assumed.

    Raises:
        InputError: The file is neither.
    """
    if not is_model_file(path):
        transform, backwards = read_either_way(path, say)
        whole = ItkMap(transform)
        return Loaded(Turned(whole) if backwards else whole)
    from inr_registration.maps.fitted_map import load

    state = read_model(path)
    grids = [grid_from_json(state.metadata[key]) if key in state.metadata else None for key in ("fixed_grid", "moving_grid")]
    return Loaded(load(state), *grids)


@dataclass(frozen=True, eq=False)
class Chain:
    """Several maps, one after another.

    Args:
        maps: The first one takes points of the fixed image, the last one gives points of the moving image.
    """

    maps: tuple[PointMap, ...]

    @property
    def unit_mm(self) -> float:
        """The smallest one."""
        return min(one.unit_mm for one in self.maps)

    def map(self, points: npt.ArrayLike) -> Array:
        """Through all of them, (n, 3)."""
        moved = np.asarray(points, dtype=np.float64)
        for one in self.maps:
            moved = one.map(moved)
        return moved

    def inverse(self, points: npt.ArrayLike) -> Array:
        """Through all of them backwards, (n, 3)."""
        found = np.asarray(points, dtype=np.float64)
        for one in reversed(self.maps):
            found = one.inverse(found)
        return found


def load_chain(paths: Sequence[str], say: Say = lambda _: None) -> Loaded:
    """Several transforms as one, in the order in which they take points of the fixed image.

    Raises:
        InputError: A file is none.
    """
    loaded = [load_map(path, say) for path in paths]
    if len(loaded) == 1:
        return loaded[0]
    return Loaded(Chain(tuple(one.map for one in loaded)), loaded[0].fixed_grid, loaded[-1].moving_grid)


def pull_back(phi: PointMap, points: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Where phi takes from what it takes to (n, 3) moving points, (n, 3), and which of them have no such point, (n,)."""
    found = phi.inverse(points)
    return found, ~(np.linalg.norm(phi.map(found) - points, axis=1) <= LOST * phi.unit_mm)


def displacement_on(grid: Grid, phi: PointMap, inverse: bool = False) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """phi(p) - p at every voxel centre p, or the same of its inverse, slice by slice.

    Returns:
        (k, j, i, 3) LPS mm, and (k, j, i) where the inverse does not exist.
    """
    out = np.empty((*grid.shape, 3), dtype=np.float32)
    lost = np.zeros(grid.shape, dtype=bool)
    for k in range(grid.size[2]):
        index = np.stack(np.meshgrid(np.arange(grid.size[0]), np.arange(grid.size[1]), [k]), axis=-1).reshape(-1, 3)
        points = grid.to_world(index)  # rows run over j, then i
        if inverse:
            moved, missing = pull_back(phi, points)
            lost[k] = missing.reshape(lost[k].shape)
        else:
            moved = phi.map(points)
        out[k] = (moved - points).reshape(out[k].shape)
    return out, lost
