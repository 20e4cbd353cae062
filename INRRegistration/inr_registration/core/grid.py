"""Where the voxels of an image lie in the world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError

Array = npt.NDArray[np.float64]
Part = tuple[slice, slice, slice]
"""Some of the voxels of an array (k, j, i) on a grid."""

SHEAR_TOLERANCE = 1e-4
"""Largest cosine between two voxel axes that still counts as a right angle (ITK's own tolerance for headers)."""


HALVES = 3
"""Decimals of a voxel index that decide which voxel is nearest."""
FARTHEST_MM = 1e12
"""A position that is farther away is none: squares of such numbers lose every digit that counts."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A lattice of voxel centres in LPS millimetres: oblique, left-handed and sheared ones are all legal.

    Args:
        size: Number of voxels along i, j, k. Arrays on this grid have the shape ``(k, j, i)``.
        affine: ``(4, 4)`` matrix from voxel index (i, j, k) to world LPS mm; index 0 is the first voxel's centre.

    Raises:
        InputError: The size is not positive, or the affine is not finite, not affine or not invertible.

    >>> Grid((4, 5, 6), np.diag([1.0, 1.0, 3.0, 1.0])).spacing.tolist()
    [1.0, 1.0, 3.0]
    """

    size: tuple[int, int, int]
    affine: Array

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if len(self.size) != 3 or min(self.size) < 1:
            raise InputError(f"a grid needs three positive sizes, got {tuple(self.size)}; use a 3D image")
        if affine.shape != (4, 4) or not (np.abs(affine) <= FARTHEST_MM).all() or not np.allclose(affine[3], [0, 0, 0, 1]):
            raise InputError(f"a grid needs a finite 4x4 affine with last row 0 0 0 1, got {affine.tolist()}; repair the header")
        norms = np.linalg.norm(affine[:3, :3], axis=0)
        if norms.min() <= 0 or abs(np.linalg.det(affine[:3, :3] / np.where(norms > 0, norms, 1))) < 1e-6:
            raise InputError(f"voxel axes must be independent and of positive spacing, got spacing {norms.tolist()} mm; repair the header")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "size", tuple(int(n) for n in self.size))

    @classmethod
    def from_geometry(cls, size: tuple[int, int, int], spacing: npt.ArrayLike, origin: npt.ArrayLike, direction: npt.ArrayLike) -> Grid:
        """Build a grid the ITK way: spacing (3,) mm, origin (3,) LPS mm, direction (3, 3) or (9,), columns are axes."""
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(direction, dtype=np.float64).reshape(3, 3) * np.asarray(spacing, dtype=np.float64)
        affine[:3, 3] = origin
        return cls(size, affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (k, j, i) of an array on this grid."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return int(np.prod(self.size, dtype=np.int64))

    @cached_property
    def spacing(self) -> Array:
        """Length of the voxel axes, (3,) mm."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @cached_property
    def direction(self) -> Array:
        """Unit voxel axes as columns, (3, 3); not orthogonal where the grid is sheared."""
        return np.asarray(self.affine[:3, :3] / self.spacing)

    @property
    def origin(self) -> Array:
        """World position of the first voxel's centre, (3,) LPS mm."""
        return np.asarray(self.affine[:3, 3])

    @cached_property
    def centre(self) -> Array:
        """World position of the middle of the grid, (3,) LPS mm."""
        return self.to_world((np.asarray(self.size) - 1) / 2)

    @cached_property
    def is_sheared(self) -> bool:
        """Whether the voxel axes are not at right angles, which ITK images cannot hold."""
        return bool(np.abs(self.direction.T @ self.direction - np.eye(3)).max() > SHEAR_TOLERANCE)

    def to_world(self, index: npt.ArrayLike) -> Array:
        """Map voxel indices (..., 3) in order i, j, k to world points (..., 3) in LPS mm."""
        return np.asarray(np.asarray(index, dtype=np.float64) @ self.affine[:3, :3].T + self.origin)

    def to_index(self, points: npt.ArrayLike) -> Array:
        """Map world points (..., 3) in LPS mm to continuous voxel indices (..., 3) in order i, j, k."""
        inverse = np.linalg.inv(self.affine[:3, :3])
        return np.asarray((np.asarray(points, dtype=np.float64) - self.origin) @ inverse.T)

    def corners(self) -> Array:
        """The eight outer corners of the outermost voxels, (8, 3) LPS mm."""
        ends = np.stack([np.full(3, -0.5), np.asarray(self.size) - 0.5])
        picks = np.indices((2, 2, 2)).reshape(3, -1).T
        return self.to_world(ends[picks, np.arange(3)])

    def contains(self, points: npt.ArrayLike, margin: float = 0.5) -> npt.NDArray[np.bool_]:
        """Whether world points (..., 3) lie inside the grid, up to ``margin`` voxels beyond the outermost centres."""
        index = self.to_index(points)
        return np.asarray(((index >= -margin) & (index <= np.asarray(self.size) - 1 + margin)).all(axis=-1))

    def nearest(self, points: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Indices i, j, k (..., 3) of the voxels nearest to world points (..., 3), LPS mm, and which of them lie in the grid.

        Half way between two voxels it is the one with the higher index, as in ITK: rounding to even numbers would take every other
        plane of an image that is shifted by half a voxel, and leave the rest out. Headers and float32 displacements are off by less
        than a thousandth of a voxel, which decides nothing.
        """
        index = np.floor(np.round(self.to_index(points), HALVES) + 0.5).astype(np.int64)
        return index, np.asarray(((index >= 0) & (index < np.asarray(self.size))).all(axis=-1))

    def all_points(self) -> npt.NDArray[np.float32]:
        """World position of every voxel centre, (k, j, i, 3) LPS mm."""
        k, j, i = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in self.shape), indexing="ij")
        return self.to_world(np.stack([i, j, k], axis=-1)).astype(np.float32)

    def cropped(self, first: npt.ArrayLike, size: tuple[int, int, int]) -> Grid:
        """The sub-grid of ``size`` voxels that starts at index ``first`` (i, j, k)."""
        affine = self.affine.copy()
        affine[:3, 3] = self.to_world(first)
        return Grid(size, affine)

    def part(self, part: Part) -> Grid:
        """The grid of the voxels that slices (k, j, i) pick out of an array on this grid; steps forwards only."""
        k, j, i = (range(n)[along] for n, along in zip(self.shape, part, strict=True))
        affine = self.affine @ np.diag([i.step, j.step, k.step, 1.0])
        affine[:3, 3] = self.to_world([i.start, j.start, k.start])
        return Grid((len(i), len(j), len(k)), affine)

    def orthogonal(self, spacing: float | None = None) -> Grid:
        """The grid with right-angled axes nearest to this one that covers all of it.

        Args:
            spacing: Isotropic spacing in mm; by default this grid's own spacing along each axis.
        """
        left, _, right = np.linalg.svd(self.direction)
        axes = left @ right  # polar decomposition: the rotation (or reflection) nearest to the voxel axes
        steps = self.spacing if spacing is None else np.full(3, float(spacing))
        local = self.corners() @ axes
        low, extent = local.min(axis=0), np.ptp(local, axis=0)
        counts = np.maximum(np.ceil(extent / steps - 1e-6), 1).astype(int)
        first = low + extent / 2 - (counts - 1) / 2 * steps
        size = (int(counts[0]), int(counts[1]), int(counts[2]))
        return Grid.from_geometry(size, steps, axes @ first, axes)

    def is_same(self, other: Grid, tolerance: float = 1e-3) -> bool:
        """Whether the other grid has the same voxels, to within ``tolerance`` of the shortest side of a voxel at its corners."""
        allowed = tolerance * float(self.spacing.min())
        return self.size == other.size and bool(np.abs(self.corners() - other.corners()).max() <= allowed)
