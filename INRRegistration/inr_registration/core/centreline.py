"""A curve along the middle of a tube, with a frame that goes along without twisting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import FARTHEST_MM

Array = npt.NDArray[np.float64]

FEWEST_POINTS = 4
"""A cubic curve needs as many."""
FEWEST_SAMPLES = 5
"""The differences along a sampled curve reach two samples to either side."""


@dataclass(frozen=True, eq=False)
class Centreline:
    """Samples of a curve at equal steps of its arc length, each with a right-handed orthonormal frame (tangent, first, second).

    The frame has the least twist possible: ``first' = -k1 tangent``, ``second' = -k2 tangent``, ``tangent' = k1 first + k2 second``.
    It is made of the samples alone, so that a curve which was saved as points gives the same coordinates again.

    Args:
        points: (n, 3) LPS mm.
        step: Arc length between two samples, mm.
        tangents: (n, 3) unit vectors along the curve.
        first: (n, 3) unit vectors across it.
        second: (n, 3) ``tangent x first``.
        curvature: (n, 2) k1 and k2, per mm.
    """

    points: Array
    step: float
    tangents: Array
    first: Array
    second: Array
    curvature: Array

    @classmethod
    def along(cls, points: npt.ArrayLike, step: float) -> Centreline:
        """The centreline through (n, 3) samples (LPS mm) at equal steps of arc length, in mm.

        Raises:
            InputError: There are fewer than five samples.
        """
        samples = np.asarray(points, dtype=np.float64)
        if len(samples) < FEWEST_SAMPLES:
            raise InputError(f"a centreline needs at least {FEWEST_SAMPLES} samples, got {len(samples)}; take smaller steps along it")
        tangents = _unit(_derivative(samples, step))
        first = _without_twist(samples, tangents)
        second = np.cross(tangents, first)
        bend = _derivative(tangents, step)
        curvature = np.stack([(bend * first).sum(axis=1), (bend * second).sum(axis=1)], axis=1)
        return cls(samples, step, tangents, first, second, curvature)

    @property
    def length(self) -> float:
        """Arc length, mm."""
        return (len(self.points) - 1) * self.step

    @property
    def max_curvature(self) -> float:
        """Largest curvature per mm: one over the smallest radius of a bend."""
        return float(np.linalg.norm(self.curvature, axis=1).max())


def ordered_points(points: npt.ArrayLike) -> Array:
    """The points of a curve as given, (n, 3) LPS mm, without those that repeat the one before.

    Raises:
        InputError: They are not points in space, not finite, or too few of them differ.
    """
    given = np.asarray(points, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 3:
        raise InputError(f"a centreline must be a list of points with three coordinates each, got an array of shape {given.shape}")
    if not (np.abs(given) <= FARTHEST_MM).all():
        raise InputError("a centreline must have finite coordinates; remove the undefined points")
    moved = np.linalg.norm(np.diff(given, axis=0), axis=1) > 1e-6
    kept = given[np.concatenate([[True], moved])] if len(given) else given
    if len(kept) < FEWEST_POINTS:
        raise InputError(f"a centreline needs at least {FEWEST_POINTS} different points, got {len(kept)}; place more along the tube")
    return kept


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _derivative(values: Array, step: float) -> Array:
    """Derivative of (n, ...) samples at equal steps, of fourth order in the step everywhere."""
    inner = (values[:-4] - 8 * values[1:-3] + 8 * values[3:-1] - values[4:]) / 12
    ends = np.array([[-25, 48, -36, 16, -3], [-3, -10, 18, -6, 1]]) / 12
    return np.concatenate([ends @ values[:5], inner, -(ends @ values[::-1][:5])[::-1]]) / step


def _without_twist(points: Array, tangents: Array) -> Array:
    """Unit vectors across the curve by double reflection (Wang et al., ACM Transactions on Graphics 27(1), 2008, table I).

    The first one is orthogonal to the tangent and to the world axis that lies most across it.
    """
    across = np.cross(tangents[0], np.eye(3)[np.abs(tangents[0]).argmin()])
    vectors = [across / np.linalg.norm(across)]
    for i in range(len(points) - 1):
        along = points[i + 1] - points[i]
        mirrored = _reflected(vectors[-1], along)
        across = _reflected(mirrored, tangents[i + 1] - _reflected(tangents[i], along))
        across = across - (across @ tangents[i + 1]) * tangents[i + 1]  # rounding only: the reflections keep the right angle
        vectors.append(across / np.linalg.norm(across))
    return np.stack(vectors)


def _reflected(vector: Array, normal: Array) -> Array:
    """The mirror image of a vector in the plane across ``normal``."""
    return np.asarray(vector - 2 * (vector @ normal) / (normal @ normal) * normal)
