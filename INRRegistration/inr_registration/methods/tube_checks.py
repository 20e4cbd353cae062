"""Whether tubes suit the images and the motion in them: what is refused, and what the user should know."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Geometry
from inr_registration.fields.geometry.smooth import smoothed
from inr_registration.fields.geometry.tube import Tubes

Array = npt.NDArray[np.float64]

THICK, TOO_THICK = 0.7, 0.95
"""Radius times curvature from which on the user is warned, and from which on tube coordinates would overlap."""
SHORT_MM = 100.0
"""The method was published for pieces at least so long."""
RIGID_SHARE = 0.6
"""Share of the displacement energy explained by a rigid motion from which on that motion dominates."""
MOTION_VOXELS = 0.5
"""Less median motion than this is no motion."""
AMBIGUOUS_SHARE = 0.01


def tubes_of(problem: Problem, geometry: Geometry) -> Tubes:
    """The tubes around the smoothed centrelines of a problem.

    Raises:
        InputError: There is no centreline, one is unusable or outside the image, or a bend is too tight for the radius.
    """
    if not problem.centrelines:
        raise InputError("the method 'geometry' needs a centreline; give one along the tube in the fixed image, or choose another method")
    lines = tuple(smoothed(points, geometry.smoothing_mm) for points in problem.centrelines)
    for number, line in enumerate(lines):
        if not problem.fixed.grid.contains(line.points).any():
            raise InputError(f"{_name(number, len(lines))} lies outside the fixed image; check that it is in the same space (LPS mm)")
    tubes = Tubes(lines, geometry.radius_mm)
    if tubes.thickness > TOO_THICK:
        largest = np.floor(10 * TOO_THICK * tubes.radius / tubes.thickness) / 10
        raise InputError(
            f"a tube of radius {tubes.radius:g} mm is too thick for the tightest bend of its centreline "
            f"(radius times curvature {tubes.thickness:.2f}, at most {TOO_THICK} can be used); "
            f"take a radius of {largest:g} mm or less, or smooth the centreline more"
        )
    return tubes


def about_tubes(tubes: Tubes, fixed: Grid) -> list[str]:
    """What to know before the fit."""
    said = []
    for number, line in enumerate(tubes.centrelines):
        name = _name(number, len(tubes.centrelines))
        outside = 1 - fixed.contains(line.points).mean()
        if outside > 0:
            said.append(f"{name} leaves the fixed image with {100 * outside:.0f} % of its length; only the part inside can be registered")
        if line.length < SHORT_MM:
            said.append(
                f"{name} is {line.length:.0f} mm long, less than {SHORT_MM:g} mm: tube coordinates bring little on short pieces; "
                "follow the tube further, or use a plain method"
            )
    if tubes.thickness > THICK:
        said.append(
            f"the tube is thick for its tightest bend (radius times curvature {tubes.thickness:.2f}, better below {THICK}); "
            f"a radius of {np.floor(10 * THICK * tubes.radius / tubes.thickness) / 10:g} mm or less would be safe"
        )
    return said


def about_motion(tubes: Tubes, points: Array, displacement: Array, voxel_mm: float, combined: bool) -> list[str]:
    """What to know after the fit.

    Args:
        tubes: The coordinates.
        points: (n, 3) world points in the tubes, LPS mm.
        displacement: (n, 3) fitted there, mm.
        voxel_mm: Of the finest level.
        combined: Whether a plain field was fitted beside.
    """
    said = []
    place = tubes.locate(points)
    ambiguous = float(place.ambiguous.double().mean()) if len(place.inside) else 0.0
    if ambiguous > AMBIGUOUS_SHARE:
        said.append(
            f"{100 * ambiguous:.0f} % of the tube (more than {100 * AMBIGUOUS_SHARE:g} %) is about as near to another piece of a "
            f"centreline; there the motion along the tube fades out {'into the plain field' if combined else 'to none'}; "
            "take a smaller radius"
        )
    core = place.inside[place.weight == 1].numpy()
    median = float(np.median(np.linalg.norm(displacement[core], axis=1))) if len(core) else 0.0
    if median < MOTION_VOXELS * voxel_mm:
        said.append(
            f"hardly anything moves in the tube (median {median:.2g} mm, less than {MOTION_VOXELS} voxels of {voxel_mm:.3g} mm): "
            "tube coordinates bring no benefit; a plain method does as well"
        )
        return said
    rigid = rigid_share(points[core], displacement[core])
    if rigid > RIGID_SHARE:
        advice = "compare with a plain method" if combined else "use the combined model (method 'geometry') or a plain method"
        said.append(
            f"a rigid motion explains {100 * rigid:.0f} % of the motion in the tube (more than {100 * RIGID_SHARE:.0f} %), "
            f"so breathing or a shift of the body dominates; {advice}, or align the images rigidly first"
        )
    return said


def rigid_share(points: Array, displacement: Array) -> float:
    """Share of the summed squares of (n, 3) displacements that the best rigid motion of (n, 3) points explains.

    The motion is found by the singular vectors of the covariance (Arun, Huang and Blostein, IEEE PAMI 9(5), 1987).
    """
    start, end = points - points.mean(axis=0), points + displacement
    left, _, right = np.linalg.svd(start.T @ (end - end.mean(axis=0)))
    turn = left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
    missed = end - (start @ turn + end.mean(axis=0))
    return float(1 - (missed**2).sum() / max((displacement**2).sum(), 1e-12))


def _name(number: int, of: int) -> str:
    return "the centreline" if of == 1 else f"centreline {number + 1}"
