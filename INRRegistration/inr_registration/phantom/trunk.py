"""A CT-like trunk with a known smooth warp: both images are rendered from one continuous function, so nothing is interpolated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.phantom.anatomy import BODY, Phantom

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Triple = tuple[float, float, float]

SIZES = {"full": (1.5, 3.0, 2.0), "small": (3.6, 5.0, 4.0)}
"""In-plane and slice spacing of the fixed image and spacing of the moving image, mm."""


@dataclass(frozen=True, eq=False)
class Warp:
    """A known map from fixed to moving world points: a cubic B-spline lattice along the world's axes, zero far away.

    Args:
        coefficients: (3, nx, ny, nz) displacements of the control points, LPS mm.
        origin: World position of the first control point, (3,) mm.
        spacing: Between control points, mm.
    """

    coefficients: Array
    origin: Array
    spacing: float

    def __call__(self, points: npt.ArrayLike) -> Array:
        """Moving world points (n, 3) of fixed world points (n, 3), LPS mm."""
        p = np.asarray(points, dtype=np.float64)
        index = ((p - self.origin) / self.spacing).T
        shift = [ndimage.map_coordinates(c, index, order=3, mode="constant", prefilter=False) for c in self.coefficients]
        return np.asarray(p + np.stack(shift, axis=1))

    def determinant(self, points: npt.ArrayLike, step: float = 0.5) -> Array:
        """Volume change: det of the map's Jacobian at (n, 3) points by central differences, (n,)."""
        p = np.asarray(points, dtype=np.float64)
        columns = [(self(p + e) - self(p - e)) / (2 * step) for e in step * np.eye(3)]
        return np.asarray(np.linalg.det(np.stack(columns, axis=2)))


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images and the map between them.

    Args:
        fixed: Shows the phantom as seen through the warp.
        moving: Shows the phantom itself.
        warp: Fixed world point to moving world point.
        phantom: The continuous image.
    """

    fixed: Volume
    moving: Volume
    warp: Warp
    phantom: Phantom

    @cached_property
    def inside(self) -> Array:
        """World positions of the fixed voxels that show the body and that the moving image covers too, (n, 3) mm."""
        points = self.fixed.grid.all_points().reshape(-1, 3)
        moved = self.warp(points)
        kept = (self.phantom.depth(moved.astype(np.float32)) > 0) & self.moving.grid.contains(moved, 0.0)
        return points[kept].astype(np.float64)

    def pairs(self, count: int, seed: int = 0) -> tuple[Array, Array]:
        """Random fixed points in the body and where they truly are in the moving image, both (count, 3) LPS mm."""
        points = self.inside[np.random.default_rng([seed, 4]).integers(len(self.inside), size=count)]
        return points, self.warp(points)


def random_warp(seed: int, largest_mm: float = 11.0, spacing: float = 45.0) -> Warp:
    """A smooth random warp of the body whose largest displacement is ``largest_mm`` and whose det J stays within 0.4 to 2.

    It moves more along the body's axis than across, as breathing does; a warp that compresses too much is made smaller.
    """
    count = np.array([10, 8, 8])
    coefficients = np.random.default_rng([seed, 2]).normal(size=(3, *count)) * np.array([0.6, 0.6, 1.0]).reshape(3, 1, 1, 1)
    warp = Warp(coefficients, -(count - 1) / 2 * spacing, spacing)
    points = np.stack(np.meshgrid(*(np.arange(-h, h + 1, 8.0) for h in (*BODY, 90)), indexing="ij"), axis=-1).reshape(-1, 3)
    warp = Warp(coefficients * largest_mm / np.linalg.norm(warp(points) - points, axis=1).max(), warp.origin, spacing)
    while warp.determinant(points).min() < 0.4 or warp.determinant(points).max() > 2:
        warp = Warp(0.9 * warp.coefficients, warp.origin, spacing)
    return warp


def check_size(size: str) -> None:
    """Raise where ``size`` is not a key of ``SIZES``."""
    if size not in SIZES:
        raise InputError(f"there is no demo of size '{size}'; known are {', '.join(SIZES)}")


def make_pair(size: str = "full", seed: int = 0, largest_mm: float = 11.0, noise: float = 12.0, warp: Warp | None = None) -> Pair:
    """Render both images on grids of their own: the fixed one oblique and anisotropic, the moving one nearly isotropic and shifted.

    Args:
        size: A key of ``SIZES``.
        seed: Of texture, vessels, warp and noise.
        largest_mm: Largest displacement.
        noise: Standard deviation of the noise, HU.
        warp: Instead of a random one.
    """
    check_size(size)
    plane, slice_, iso = SIZES[size]
    phantom, warp = Phantom(seed), warp or random_warp(seed, largest_mm)
    angle = np.deg2rad(12)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    fixed = _centred_grid((276, 206, 170), (plane, plane, slice_), (0, 0, 0), turn)
    moving = _centred_grid((292, 216, 214), (iso, iso, 1.1 * iso), (4, -3, 5), np.eye(3))
    generator = np.random.default_rng([seed, 3])
    return Pair(
        _render(fixed, lambda p: phantom.values(warp(p).astype(np.float32)), noise, generator, "fixed.nii.gz"),
        _render(moving, phantom.values, noise, generator, "moving.nii.gz"),
        warp,
        phantom,
    )


def _render(grid: Grid, values: Callable[[Floats], Floats], noise: float, generator: np.random.Generator, name: str) -> Volume:
    out = np.empty(grid.shape, dtype=np.float32)
    for k in range(grid.size[2]):
        points = grid.cropped([0, 0, k], (grid.size[0], grid.size[1], 1)).all_points().reshape(-1, 3)
        out[k] = values(points).reshape(out[k].shape)
    out += generator.normal(scale=noise, size=out.shape).astype(np.float32)
    return Volume(np.clip(np.rint(out), -1024, 3071).astype(np.int16), grid, name)


def _centred_grid(extent: Triple, spacing: Triple, centre: Triple, axes: Array) -> Grid:
    """The grid of about this extent (mm) around a world point."""
    i, j, k = (round(length / step) for length, step in zip(extent, spacing, strict=True))
    first = np.asarray(centre) - axes @ ((np.array([i, j, k]) - 1) / 2 * np.asarray(spacing))
    return Grid.from_geometry((i, j, k), spacing, first, axes)
