"""From points placed by hand to a smooth centreline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import splev, splprep

from inr_registration.core.centreline import Centreline, ordered_points

DENSE = 64
"""Points of the smooth curve per sample, to measure its arc length."""
FEWEST_STEPS = 16


def smoothed(points: npt.ArrayLike, stray_mm: float, step_mm: float = 1.0) -> Centreline:
    """A smoothing cubic spline along ordered points, sampled at equal steps of its arc length.

    Args:
        points: (n, 3) LPS mm, at least four different ones, at any distances.
        stray_mm: Root mean square distance by which the curve may stray from the points; 0 goes through all of them.
        step_mm: Largest step.

    Raises:
        InputError: The points make no curve.
    """
    given = ordered_points(points)
    spline, _ = splprep(given.T, s=len(given) * stray_mm**2, k=3)
    length = np.linalg.norm(np.diff(given, axis=0), axis=1).sum()
    parameter = np.linspace(0, 1, DENSE * max(int(length / step_mm), FEWEST_STEPS))
    curve = np.stack(splev(parameter, spline), axis=1)
    arc = np.concatenate([[0.0], np.linalg.norm(np.diff(curve, axis=0), axis=1).cumsum()])
    steps = max(int(np.ceil(arc[-1] / step_mm)), FEWEST_STEPS)
    at = np.interp(np.linspace(0, arc[-1], steps + 1), arc, parameter)
    return Centreline.along(np.stack(splev(at, spline), axis=1), float(arc[-1]) / steps)
