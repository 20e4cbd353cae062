"""Images and labels read where a map takes the voxels of a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.grid import HALVES, Grid
from inr_registration.core.volume import Volume

Array = npt.NDArray[np.float64]

ORDERS = {"nearest": 0, "linear": 1, "cubic": 3}
SHARE = 1e-4
"""Of an undefined voxel in a value: less is rounding."""


def pull_image(volume: Volume, grid: Grid, displacement: npt.NDArray[np.float32], interpolation: str = "linear") -> npt.NDArray[np.generic]:
    """Values of ``volume`` at p + displacement(p) for every voxel centre p of ``grid``: (k, j, i) float32.

    Beyond the image its lowest value goes on. In an image with undefined voxels (NaN) these stand for "not known": so NaN goes on beyond
    it, and comes out wherever one of them would have a share in a value between two voxels.

    Args:
        volume: The image.
        grid: Of the output.
        displacement: (k, j, i, 3) LPS mm, to where the image is read.
        interpolation: ``linear``, ``nearest`` or ``cubic`` (a spline, which may go a little beyond the values of the image).
    """
    from inr_registration.maps.resample import warp  # what reads points and transforms alone does without torch

    out = warp(volume, grid, np.eye(4), displacement)
    if interpolation != "linear":
        out = _splined(volume, grid, displacement, ORDERS[interpolation], out)
    defined = np.isfinite(volume.single())
    if not defined.all():
        known = warp(Volume(defined.astype(np.float32), volume.grid), grid, np.eye(4), displacement)  # 0 beyond the image
        out[known < 1 - SHARE] = np.nan
    return out


def _splined(
    volume: Volume, grid: Grid, displacement: npt.NDArray[np.float32], order: int, linear: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Another spline where the image is, plane by plane; beyond it what ``linear`` has."""
    values = volume.single()
    lowest = values[np.isfinite(values)].min()
    values = ndimage.spline_filter(np.nan_to_num(values, nan=lowest), output=np.float32) if order > 1 else np.nan_to_num(values, nan=lowest)
    out = linear.copy()
    for k in range(grid.size[2]):
        points = grid.part((slice(k, k + 1), slice(None), slice(None))).all_points()[0].astype(np.float64) + displacement[k]
        index = volume.grid.to_index(points)
        index = np.round(index, HALVES) if order == 0 else index
        read = ndimage.map_coordinates(values, np.moveaxis(index, -1, 0)[::-1], order=order, mode="nearest", prefilter=False)
        inside = volume.grid.contains(points)
        out[k][inside] = read[inside]
    return out


def background(values: npt.NDArray[np.generic]) -> float:
    """What stands where there is nothing: the lowest value, or NaN in an image with undefined voxels."""
    return float(values.min())  # NaN where there is one


def pull_labels(volume: Volume, grid: Grid, displacement: npt.NDArray[np.float32]) -> npt.NDArray[np.generic]:
    """Nearest labels of ``volume`` at p + displacement(p), (k, j, i) in its own pixel type; 0 outside."""
    points = grid.all_points().astype(np.float64) + displacement
    return nearest_labels(volume.values, volume.grid, points).astype(volume.values.dtype)


def nearest_labels(labels: npt.NDArray[np.generic], grid: Grid, points: Array) -> npt.NDArray[np.generic]:
    """Nearest-neighbour values of a label image at (..., 3) world points (LPS mm), see ``Grid.nearest``; 0 outside."""
    index, inside = grid.nearest(points)
    i, j, k = np.moveaxis(np.clip(index, 0, np.asarray(grid.size) - 1), -1, 0)
    return np.asarray(np.where(inside, labels[k, j, i], 0))
