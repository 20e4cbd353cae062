"""The same pair with other arrays, grids, intensities or worlds; each says how the map has to follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from inr_registration.core import Grid, Volume

Array = npt.NDArray[np.float64]
Map = Callable[[Array], Array]
Pair = tuple[Volume, Volume]
Change = Callable[[Volume], Volume]

SHIFT = np.array([1000.0, -1000.0, 1000.0])
PADDING = 6
"""Voxels added at every side."""


def unchanged(volume: Volume) -> Volume:
    return volume


@dataclass(frozen=True, eq=False)
class Variation:
    """A way to ask the same question again.

    Args:
        name: For the table.
        fixed: What happens to the fixed image.
        moving: What happens to the moving image.
        world: (4, 4), old world point to new world point of both images.
    """

    name: str
    fixed: Change = unchanged
    moving: Change = unchanged
    world: Array = field(default_factory=lambda: np.eye(4))

    def __call__(self, pair: Pair) -> Pair:
        """The new pair; the old one is not changed."""
        return self.fixed(pair[0]), self.moving(pair[1])

    def back(self, phi: Map) -> Map:
        """The new pair's map as one between the old world's points."""
        away = np.linalg.inv(self.world)
        return lambda points: carried(away, phi(carried(self.world, points)))


def carried(matrix: Array, points: Array) -> Array:
    """(n, 3) points through a (4, 4) matrix."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def permuted(volume: Volume, order: tuple[int, int, int] = (2, 0, 1)) -> Volume:
    """The voxel axes in another order: new axis n is old axis ``order[n]``; every voxel stays where it is."""
    values = volume.values.transpose([2 - axis for axis in order[::-1]])
    a, b, c = (volume.grid.size[axis] for axis in order)
    return Volume(np.ascontiguousarray(values), Grid((a, b, c), volume.grid.affine[:, [*order, 3]]), volume.name)


def flipped(volume: Volume, axes: tuple[int, ...] = (0,)) -> Volume:
    """Voxel axes that run the other way; every voxel stays where it is. An odd number of them changes the handedness."""
    affine = volume.grid.affine.copy()
    for axis in axes:
        affine[:3, 3] += (volume.grid.size[axis] - 1) * affine[:3, axis]
        affine[:3, axis] *= -1
    values = np.flip(volume.values, [2 - axis for axis in axes])
    return Volume(np.ascontiguousarray(values), Grid(volume.grid.size, affine), volume.name)


def moved(matrix: Array) -> Change:
    """The image at another place of the world."""
    return lambda volume: Volume(volume.values, Grid(volume.grid.size, matrix @ volume.grid.affine), volume.name)


def scaled(gain: float, offset: float) -> Change:
    """Intensities in another unit, as float32."""
    return lambda volume: Volume((volume.values.astype(np.float64) * gain + offset).astype(np.float32), volume.grid, volume.name)


def stored_as(kind: npt.DTypeLike) -> Change:
    """The same intensities in another pixel type."""
    return lambda volume: Volume(volume.values.astype(kind), volume.grid, volume.name)


def padded(volume: Volume, count: int = PADDING) -> Volume:
    """More background around the image: the median of its outermost voxels."""
    shell = np.ones(volume.values.shape, bool)
    shell[1:-1, 1:-1, 1:-1] = False
    background = np.median(volume.values[shell]).astype(volume.values.dtype)
    grid = volume.grid.cropped([-count] * 3, tuple(n + 2 * count for n in volume.grid.size))
    return Volume(np.pad(volume.values, count, constant_values=background), grid, volume.name)


def matrix(linear: npt.ArrayLike | None = None, offset: npt.ArrayLike = 0.0) -> Array:
    """A (4, 4) affine matrix."""
    whole = np.eye(4)
    whole[:3, :3] = np.eye(3) if linear is None else linear
    whole[:3, 3] = offset
    return whole


def turned(degrees: float = 37.0) -> Array:
    """A rotation of the world about an oblique axis (Rodrigues' formula)."""
    x, y, z = np.array([1.0, 2.0, -1.5]) / np.linalg.norm([1.0, 2.0, -1.5])
    cross, angle = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]), np.deg2rad(degrees)
    return matrix(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def same_world(name: str, change: Change) -> list[Variation]:
    """A change of the fixed, of the moving and of both images that leaves the map as it is."""
    return [
        Variation(f"fixed: {name}", fixed=change),
        Variation(f"moving: {name}", moving=change),
        Variation(f"both: {name}", change, change),
    ]


def new_world(name: str, world: Array) -> Variation:
    """Both images at another place; the map goes along."""
    return Variation(f"world: {name}", moved(world), moved(world), world)


def in_memory() -> list[Variation]:
    """All that need no file."""
    return [
        *same_world("voxel axes permuted", permuted),
        *same_world("one voxel axis reversed (left-handed)", flipped),
        *same_world("all voxel axes reversed", lambda volume: flipped(volume, (0, 1, 2))),
        *same_world("intensities times 1000 plus 500", scaled(1000.0, 500.0)),
        *same_world("intensities divided by 10000", scaled(1e-4, 0.0)),
        *same_world("pixels as float64", stored_as(np.float64)),
        *same_world(f"{PADDING} voxels of background added", padded),
        new_world("shifted by 1 m along each axis", matrix(offset=SHIFT)),
        new_world("turned by 37 degrees", turned()),
        new_world("mirrored", matrix(np.diag([-1.0, 1.0, 1.0]))),
    ]
