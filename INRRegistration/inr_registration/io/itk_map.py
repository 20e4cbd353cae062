"""Any ITK transform as a map of arrays of points, fast where its parts are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from inr_registration.core.grid import Grid
from inr_registration.io.transforms import linear_matrix
from inr_registration.maps.affine import Affine
from inr_registration.maps.map import CLOSE, Map
from inr_registration.maps.newton import newton

Array = npt.NDArray[np.float64]

STEP = 0.05
"""Of the finite differences, in units of the map: far above rounding, far below any lattice's spacing."""
POINTS_APART = 8.0
"""A spline's control points lie about so many voxels apart."""


@dataclass(frozen=True, eq=False)
class Displaced:
    """Displacements on a grid; zero beyond it, as in ITK.

    Args:
        values: (3, k, j, i): spline coefficients, or displacements for order 1; LPS mm.
        grid: Where they lie.
        order: Of the spline between them.
        margin: How far the valid range reaches beyond the outermost values, in cells; negative where it ends before them.
    """

    values: Array
    grid: Grid
    order: int
    margin: float

    @property
    def unit_mm(self) -> float:
        """About the side of a voxel of the image that it was made for."""
        return float(self.grid.spacing.min()) / (POINTS_APART if self.order > 1 else 1.0)

    def __call__(self, points: Array) -> Array:
        """Map (n, 3) points."""
        out = points.copy()
        inside = self.grid.contains(points, self.margin)
        index = self.grid.to_index(points[inside])[:, ::-1].T
        for axis, values in enumerate(self.values):
            out[inside, axis] += ndimage.map_coordinates(values, index, order=self.order, mode="nearest", prefilter=False)
        return out


class ItkMap(Map):
    """An ITK transform: fixed world point to moving world point, LPS mm.

    Args:
        transform: Of any kind.

    Attributes:
        transform: As given.
    """

    def __init__(self, transform: sitk.Transform) -> None:
        self.transform = transform
        self.steps = _parts(transform)

    @property
    def unit_mm(self) -> float:
        return min([1.0, *(part.unit_mm for part in self.steps if isinstance(part, Displaced))])

    def map(self, points: npt.ArrayLike) -> Array:
        """phi(p) at (n, 3) points, (n, 3)."""
        moved = np.asarray(points, dtype=np.float64)
        for part in self.steps:
            moved = part(moved)
        return moved

    def jacobian(self, points: npt.ArrayLike) -> Array:
        """Derivative d phi / d p at (n, 3) points by central differences, (n, 3, 3)."""
        p = np.asarray(points, dtype=np.float64)
        step = STEP * self.unit_mm
        return np.stack([(self.map(p + e) - self.map(p - e)) / (2 * step) for e in step * np.eye(3)], axis=2)

    def inverse(self, points: npt.ArrayLike) -> Array:
        """The points (n, 3) that phi takes to given (n, 3) points, as near as damped Newton steps come."""
        target = np.asarray(points, dtype=np.float64)
        guess = target
        for part in reversed(self.steps):
            guess = part.inverse(guess) if isinstance(part, Affine) else 2 * guess - part(guess)
        return np.asarray(newton(self.map, self.jacobian, target, guess, tolerance_mm=CLOSE * self.unit_mm))


def _parts(transform: sitk.Transform) -> list[Callable[[Array], Array]]:
    """The transform in steps, in the order in which they are applied."""
    if transform.IsLinear():
        return [Affine(linear_matrix(transform))]
    if isinstance(transform, sitk.CompositeTransform):
        count = transform.GetNumberOfTransforms()
        return [part for n in reversed(range(count)) for part in _parts(transform.GetNthTransform(n))]
    if isinstance(transform, sitk.BSplineTransform):
        images = transform.GetCoefficientImages()
        values = np.stack([sitk.GetArrayFromImage(image) for image in images]).astype(np.float64)
        order = transform.GetOrder()
        return [Displaced(values, _grid(images[0]), order, -(order - 1) / 2)]
    if isinstance(transform, sitk.DisplacementFieldTransform):
        field = transform.GetDisplacementField()
        return [Displaced(np.moveaxis(sitk.GetArrayFromImage(field), -1, 0).astype(np.float64), _grid(field), 1, 0.5)]
    return [lambda points: np.array([transform.TransformPoint(p) for p in points.tolist()]).reshape(-1, 3)]


def _grid(image: sitk.Image) -> Grid:
    return Grid.from_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
