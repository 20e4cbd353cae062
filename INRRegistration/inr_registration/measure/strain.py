"""How much the muscle of the left ventricle stretches or shortens from the fixed to the moving image, by direction.

The Green-Lagrange strain ``E = (J^T J - I) / 2`` (Holzapfel, Nonlinear Solid Mechanics, 2000, section 2.5) of the whole map, its
affine part included: both images show the same heart, and a rotation or shift of it leaves J^T J alone. E_rr, E_cc and E_ll
are its values along the radial, circumferential and longitudinal direction at the point in the fixed image, so the fixed
image is the reference: with the relaxed heart as the fixed image, 0.3 radial is a thickening and -0.2 a shortening. No unit; a
stretch by the factor s is the strain (s^2 - 1) / 2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.problem import Problem
from inr_registration.core.volume import Volume
from inr_registration.fields.geometry.cardiac import around, directions, height, long_axis
from inr_registration.images.cleaning import on_grid
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.numerics.frame import Frame

Array = npt.NDArray[np.float64]

DIRECTIONS = ("radial", "circumferential", "longitudinal")
PARTS = {"basal": (2 / 3, np.inf), "mid": (1 / 3, 2 / 3), "apical": (-np.inf, 1 / 3), "global": (-np.inf, np.inf)}
"""From where to where on the axis, 0 at the apex and 1 at the base; what lies beyond the ends counts to the part there."""


def strain(model: FittedMap, problem: Problem) -> tuple[dict[str, Volume], dict[str, dict[str, float]]]:
    """Strain images and their means, both empty where neither the long axis nor the ventricle was given.

    Args:
        model: Of any method.
        problem: Gives the fixed grid and the anatomy.

    Returns:
        ``strain_radial``, ``strain_circumferential`` and ``strain_longitudinal`` on the fixed grid: inside the segmentation of
        the ventricle, or without one in a cylinder around the axis as wide as long, as far as the fixed mask goes; NaN
        elsewhere, and the first two also close to the axis. And the means of each direction in the thirds of the axis and
        globally, only with a segmentation.
    """
    if problem.long_axis is None and problem.ventricle is None:
        return {}, {}
    grid, frame = problem.fixed.grid, around(long_axis(problem)[0])
    mask = _where(problem, frame)
    points = grid.to_world(np.argwhere(mask)[:, ::-1])
    values = along(green_lagrange(model.jacobian(points)), directions(points, frame))
    maps = {}
    for name, column in zip(DIRECTIONS, values.T, strict=True):
        image = np.full(grid.shape, np.nan, dtype=np.float32)
        image[mask] = column
        maps[f"strain_{name}"] = Volume(image, grid, f"{name} strain")
    return maps, {} if problem.ventricle is None else means(values, height(points, frame))


def green_lagrange(jacobian: Array) -> Array:
    """(J^T J - I) / 2 of (n, 3, 3) Jacobians, (n, 3, 3)."""
    return np.asarray((np.swapaxes(jacobian, 1, 2) @ jacobian - np.eye(3)) / 2)


def along(green: Array, axes: Array) -> Array:
    """The strain tensors (n, 3, 3) along the columns of (n, 3, 3) unit vectors: (n, 3)."""
    return np.asarray(np.einsum("nia,nij,nja->na", axes, green, axes))


def means(values: Array, heights: Array) -> dict[str, dict[str, float]]:
    """Mean of (n, 3) strains by direction and part of the ventricle; parts without a voxel are left out.

    Segments around the circumference would need to know where the right ventricle is attached; nobody tells us.
    """
    found: dict[str, dict[str, float]] = {}
    for name, column in zip(DIRECTIONS, values.T, strict=True):
        known = np.isfinite(column)
        found[name] = {}
        for part, (low, high) in PARTS.items():
            inside = known & (heights >= low) & (heights < high)
            if inside.any():
                found[name][part] = float(column[inside].mean())
    return found


def _where(problem: Problem, frame: Frame) -> npt.NDArray[np.bool_]:
    """Voxels (k, j, i) of the fixed grid to look at."""
    grid = problem.fixed.grid
    if problem.ventricle is not None:
        return on_grid(problem.ventricle, grid)
    mask = np.ones(grid.shape, dtype=bool) if problem.fixed_mask is None else on_grid(problem.fixed_mask, grid)
    for k in range(grid.size[2]):
        unit = frame.to_unit(grid.cropped([0, 0, k], (grid.size[0], grid.size[1], 1)).all_points()[0])
        mask[k] &= (np.abs(unit[..., 2]) <= 1) & (np.hypot(unit[..., 0], unit[..., 1]) <= 1)
    return mask
