"""The question: which image to bring onto which, and what is known besides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.displacements import Displacements
from inr_registration.core.errors import InputError
from inr_registration.core.grid import FARTHEST_MM
from inr_registration.core.labels import looks_like_labels
from inr_registration.core.landmark_check import check_landmarks
from inr_registration.core.mask_check import check_mask
from inr_registration.core.slices import disordered
from inr_registration.core.volume import LARGEST, Volume

FEWEST_STEPS = 8
"""An image of fewer different values, once it is in single precision, has nothing to align."""
SMALLEST_RANGE = 1e-32
"""Below, single precision has fewer and fewer digits."""
LONG_AXIS_MM = (2.0, 200.0)
"""Length of the long axis of a left ventricle, from a mouse's to more than an athlete's."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Two images in one world, with optional masks, landmark pairs and labels.

    Args:
        fixed: The image that stays; the result is defined on its space.
        moving: The image that is warped onto ``fixed``.
        fixed_mask: Positive where the fixed image counts; any grid.
        moving_mask: Positive where the moving image counts; any grid.
        initial: ``(4, 4)`` matrix, fixed world point to moving world point (LPS mm), to start from.
        fixed_landmarks: ``(n, 3)`` LPS mm; they measure, and steer where ``Settings.landmark_weight`` is above 0.
        moving_landmarks: ``(n, 3)`` LPS mm, row i corresponds to row i of ``fixed_landmarks``.
        fixed_labels: Integer labels, for quality only.
        moving_labels: Integer labels of the same meaning.
        centrelines: Each ``(n, 3)`` ordered points in the fixed image, LPS mm, for tube coordinates.
        long_axis: ``(2, 3)`` apex and base of the left ventricle in the fixed image, LPS mm, for cardiac coordinates.
        notes: What was noticed while the images were read, in sentences; it is in every report as a warning.
        ventricle: Positive in the left ventricle of the fixed image; the long axis is found from it where none is given.
        initial_displacement: A deformable map to start from, in place of ``initial``.
    """

    fixed: Volume
    moving: Volume
    fixed_mask: Volume | None = None
    moving_mask: Volume | None = None
    initial: npt.NDArray[np.float64] | None = None
    fixed_landmarks: npt.NDArray[np.float64] | None = None
    moving_landmarks: npt.NDArray[np.float64] | None = None
    fixed_labels: Volume | None = None
    moving_labels: Volume | None = None
    centrelines: tuple[npt.NDArray[np.float64], ...] = ()
    long_axis: npt.NDArray[np.float64] | None = None
    ventricle: Volume | None = None
    notes: tuple[str, ...] = ()
    initial_displacement: Displacements | None = None

    def check(self) -> tuple[str, ...]:
        """Make sure that the images can be registered.

        Returns:
            Warnings in plain words: what was seen and what it may mean, also while the images were read.

        Raises:
            InputError: Something makes a registration impossible; the text says what, the value seen and the remedy.
        """
        warnings = [*self.notes, *_check_image(self.fixed), *_check_image(self.moving)]
        warnings += _check_labels(self.fixed, self.moving)
        for mask, image in ((self.fixed_mask, self.fixed), (self.moving_mask, self.moving)):
            if mask is not None:
                warnings += check_mask(mask, image)
        _check_initial(self)
        _check_pairs(self)
        if self.fixed_landmarks is not None and self.moving_landmarks is not None:
            warnings += check_landmarks(self.fixed_landmarks, self.moving_landmarks, self.fixed.grid, self.moving.grid)
        if self.ventricle is not None:
            warnings += check_mask(self.ventricle, self.fixed)
        _check_long_axis(self.long_axis)
        warnings += _check_overlap(self)
        return tuple(warnings)

    def linear_start(self) -> npt.NDArray[np.float64]:
        """The (4, 4) map to start from, fixed to moving world: the headers', the given one, or the linear part of a deformable one."""
        if self.initial_displacement is not None:
            return np.array(self.initial_displacement.linear)
        return np.eye(4) if self.initial is None else np.array(self.initial, np.float64)


def finite_range(volume: Volume) -> tuple[float, float]:
    """Smallest and largest defined value of a volume; (nan, nan) where there is none."""
    values = volume.values
    if values.dtype.kind == "f":
        values = values[volume.defined()]
    return (float(values.min()), float(values.max())) if values.size else (float("nan"), float("nan"))


def _check_image(image: Volume) -> list[str]:
    thin = min(image.grid.size)
    if thin < 4:
        raise InputError(f"{image.name}: {image.grid.size} voxels is too thin for a 3D registration; at least 4 along each axis are needed")
    low, high = finite_range(image)
    lost, too_large = _undefined(image)
    what = f"not finite or beyond {LARGEST:g}" if too_large else "not finite"
    if not np.isfinite(low):
        nothing = f"all its values are {what}" if too_large else "no voxel has a finite value"
        raise InputError(f"{image.name}: {nothing}; choose another image")
    if low == high:
        raise InputError(f"{image.name}: every voxel has the value {low:g}; a constant image has nothing to align, choose another one")
    _check_steps(image.name, low, high)
    left_out = [f"{image.name}: {lost} voxels are {what} and are left out"] if lost else []
    return left_out + _mixed_up(image)


def _mixed_up(image: Volume) -> list[str]:
    axis = disordered(image)
    said = f"{image.name}: neighbouring slices along {axis} are no more alike than distant ones; they may be in a wrong order"
    return [said] if axis else []


def _check_labels(*images: Volume) -> list[str]:
    """One label map among two images is a mistake; two may well be meant."""
    alike = [image.name for image in images if looks_like_labels(image)]
    said = "has few whole values in flat patches, like a label map; give the image itself, and the label map as labels or as a mask"
    return [f"{alike[0]}: {said}"] if len(alike) == 1 else []


def _undefined(image: Volume) -> tuple[int, int]:
    """How many voxels are not defined, and how many of them only because they are too large."""
    if image.values.dtype.kind != "f":
        return 0, 0
    lost = int((~image.defined()).sum())
    return lost, lost - int((~np.isfinite(image.values)).sum()) if lost else 0


def _check_steps(name: str, low: float, high: float) -> None:
    """Images are compared in single precision, which tells apart about 17 million values on either side of 0."""
    step = float(np.spacing(np.float32(max(abs(low), abs(high)))))
    if high - low < max(FEWEST_STEPS * step, SMALLEST_RANGE):
        raise InputError(
            f"{name}: its values, {low:.10g} to {low:.10g} + {high - low:.3g}, lie too close together to be told apart in single precision "
            f"(steps of {step:.2g}); subtract the smallest one, or multiply them by a large number"
        )


def _check_initial(problem: Problem) -> None:
    if problem.initial is not None and problem.initial_displacement is not None:
        raise InputError("two initial transforms were given, a linear and a deformable one; give one of them")
    initial = problem.linear_start()
    affine = initial.shape == (4, 4) and np.isfinite(initial).all() and np.allclose(initial[3], [0, 0, 0, 1])
    if not affine or abs(np.linalg.det(initial)) < 1e-6:
        raise InputError(f"the initial transform must be an invertible 4x4 matrix with last row 0 0 0 1, got {initial.tolist()}")


def _check_pairs(problem: Problem) -> None:
    fixed, moving = problem.fixed_landmarks, problem.moving_landmarks
    if (fixed is None) != (moving is None):
        raise InputError("landmarks were given for one image only; give them for both, or for none")
    if fixed is not None and moving is not None:
        if any(points.ndim != 2 or points.shape[1] != 3 for points in (fixed, moving)):
            raise InputError(f"landmarks must have three coordinates each, got arrays of shape {fixed.shape} and {moving.shape}")
        if len(fixed) != len(moving):
            raise InputError(f"landmarks must come in pairs: {len(fixed)} fixed and {len(moving)} moving points were given")
        if not all((np.abs(points) <= FARTHEST_MM).all() for points in (fixed, moving)):
            raise InputError("landmarks must have finite coordinates in mm; remove the undefined points")
    if (problem.fixed_labels is None) != (problem.moving_labels is None):
        raise InputError("labels were given for one image only; give them for both, or for none")


def _check_long_axis(axis: npt.NDArray[np.float64] | None) -> None:
    if axis is None:
        return
    if axis.shape != (2, 3) or not np.isfinite(axis).all():
        raise InputError(f"the long axis must be two points of three finite coordinates, apex first; got {axis.tolist()}")
    length = float(np.linalg.norm(axis[1] - axis[0]))
    if not LONG_AXIS_MM[0] <= length <= LONG_AXIS_MM[1]:
        low, high = LONG_AXIS_MM
        raise InputError(f"apex and base are {length:.3g} mm apart, a long axis has {low:g} to {high:g} mm; place the points again")


def _check_overlap(problem: Problem) -> list[str]:
    """Images that share no part of the world, under the initial transform where there is one, cannot be compared; masks may yet meet."""
    start = problem.linear_start()
    gap = _gap(problem.fixed.grid.corners(), problem.moving.grid.corners(), start)
    if gap.max() > 0:
        axis = int(gap.argmax())
        raise InputError(
            f"fixed and moving do not overlap in world space (gap {gap[axis]:.0f} mm along {'LPS'[axis]}); "
            "centre them or give an initial transform"
        )
    if problem.fixed_mask is None or problem.moving_mask is None:
        return []
    apart = _gap(_corners_inside(problem.fixed_mask), _corners_inside(problem.moving_mask), start).max()
    if apart <= 0:
        return []
    by_headers = problem.initial is None and problem.initial_displacement is None
    where = "the headers place them" if by_headers else "the initial transform places them"
    return [
        f"{problem.fixed_mask.name} and {problem.moving_mask.name} are {apart:.0f} mm apart where {where}; look whether they mark the same"
    ]


def _gap(fixed: npt.NDArray[np.float64], moving: npt.NDArray[np.float64], start: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far the boxes around two sets of corners (n, 3) are apart along each axis, (3,) mm; 0 where they overlap."""
    fixed = fixed @ start[:3, :3].T + start[:3, 3]
    return np.asarray(np.maximum(np.maximum(fixed.min(axis=0) - moving.max(axis=0), moving.min(axis=0) - fixed.max(axis=0)), 0))


def _corners_inside(mask: Volume) -> npt.NDArray[np.float64]:
    """The corners of the voxels' box around what is inside a mask, (8, 3) LPS mm."""
    inside = mask.inside()
    ends = [np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))[[0, -1]] for axis in (2, 1, 0)]
    first = [int(low) for low, _ in ends]
    i, j, k = (int(high - low + 1) for low, high in ends)
    return mask.grid.cropped(first, (i, j, k)).corners()
