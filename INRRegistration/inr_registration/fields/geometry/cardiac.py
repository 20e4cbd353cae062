"""Coordinates around the long axis of the left ventricle: the axis itself, and smooth functions of a point around it.

Everything lives in the unit coordinates (x, y, z) of a ``Frame``: z is -1 at the apex and 1 at the base, x and y are across,
in the same unit. With r the distance from the axis and eps a small core radius, the coordinates that a network sees are

    (z, rho, k x / rho, k y / rho),   rho = sqrt(r^2 + eps^2),

which far from the axis are the distance and k times the cosine and sine of the angle, have no seam where the angle jumps,
and are infinitely smooth at the axis, where an angle means nothing. The factor k below 1 is what the network is told about
hearts: around the axis the motion changes slowly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.problem import Problem
from inr_registration.core.volume import Volume
from inr_registration.numerics.frame import Frame

Array = npt.NDArray[np.float64]

CORE = 1 / 15
"""Core radius in units of half the axis: 3 mm in a ventricle of 90 mm."""
ANGULAR = 0.35
"""The factor k: the muscle, about 0.7 from the axis, then looks half as long around as along."""
RIGHT, FRONT = np.array([-1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0])
CLEAR_TAIL = 0.01
"""Third moment over the trace of the second to the power 3/2, from which on a shape has a narrower end."""
ELONGATED = 1.3
"""Largest over middle variance, from which on a shape without a narrower end still has a long axis."""
AGREEING = np.cos(np.deg2rad(30))
SAME_WIDTH = 0.9
"""Width of the apical over that of the basal quarter, from which on the two ends are hard to tell apart."""


def long_axis(problem: Problem) -> tuple[Array, list[str]]:
    """Apex and base of the left ventricle, (2, 3) LPS mm: the given points, or from its segmentation.

    Returns:
        The axis, and warnings in plain words.
    """
    if problem.long_axis is not None:
        return np.asarray(problem.long_axis, dtype=np.float64), []
    assert problem.ventricle is not None
    return axis_of(problem.ventricle)


def axis_of(ventricle: Volume) -> tuple[Array, list[str]]:
    """The long axis of a segmented left ventricle, wall alone or filled, from its moments in world millimetres.

    A body of revolution has its third moment ``mean(|x|^2 x)`` along its axis, towards the thin end, and one principal axis
    of its second moments there too, not always the longest one: a ventricle may be as wide as long. So the principal axis
    that the third moment points along is taken; where none does because all variances are alike, the third moment itself;
    and without a third moment the longest principal axis. The apex is the end that is narrower.

    Returns:
        Apex and base, (2, 3) LPS mm, and warnings in plain words where the shape leaves the axis open.
    """
    points = ventricle.grid.to_world(np.argwhere(ventricle.inside())[:, ::-1])
    centre = points.mean(axis=0)
    x = points - centre
    voxel = ventricle.grid.affine[:3, :3]
    direction, warnings = _direction(x, x.T @ x / len(x) + voxel @ voxel.T / 12, ventricle.name)
    along = x @ direction
    across = np.linalg.norm(x - along[:, None] * direction, axis=1)
    half = np.abs(direction @ voxel).sum() / 2  # the outermost voxels end half a voxel beyond their centres
    low, high = float(along.min() - half), float(along.max() + half)
    first, last = (float(across[end].mean()) for end in (along < low + (high - low) / 4, along > high - (high - low) / 4))
    if min(first, last) > SAME_WIDTH * max(first, last):
        warnings.append(f"{ventricle.name}: both ends are equally wide, apex and base may be exchanged; give them as two points")
    ends = (low, high) if first <= last else (high, low)
    return np.array([centre + end * direction for end in ends]), warnings


def _direction(x: Array, second: Array, name: str) -> tuple[Array, list[str]]:
    """Unit vector along the axis of (n, 3) centred points with the second moments (3, 3)."""
    variances, principal = np.linalg.eigh(second)
    tail = ((x**2).sum(axis=1)[:, None] * x).mean(axis=0)
    strength = float(np.linalg.norm(tail))
    unclear = [f"{name}: its shape is too round to tell the long axis well; give apex and base as two points"]
    if strength < CLEAR_TAIL * variances.sum() ** 1.5:
        return principal[:, 2], [] if variances[2] > ELONGATED * variances[1] else unclear
    cosines = np.abs(tail @ principal) / strength
    best = int(cosines.argmax())
    if cosines[best] > AGREEING:
        return principal[:, best], []
    return tail / strength, unclear


def around(axis: Array) -> Frame:
    """The unit coordinates of an axis (2, 3): x towards the patient's right, as far as that is across the axis, z to the base.

    In a heart where it usually lies the right is roughly the side of the septum. Where the axis itself runs right to left
    (within about 25 degrees), x is towards the front.
    """
    apex, base = np.asarray(axis, dtype=np.float64)
    half = float(np.linalg.norm(base - apex)) / 2
    up = (base - apex) / (2 * half)
    across = RIGHT if abs(up @ RIGHT) < 0.9 else FRONT
    e1 = across - (across @ up) * up
    e1 /= np.linalg.norm(e1)
    return Frame((apex + base) / 2, half * np.column_stack([e1, np.cross(up, e1), up]))


def directions(points: npt.ArrayLike, frame: Frame) -> Array:
    """Radial (away from the axis), circumferential and longitudinal (apex to base) unit vectors, the columns of (n, 3, 3).

    Right-handed in the order longitudinal, radial, circumferential. NaN in the core around the axis, where only the
    longitudinal direction is known.
    """
    unit = frame.to_unit(points)
    axes = frame.axes / np.linalg.norm(frame.axes, axis=0)
    r = np.hypot(unit[:, 0], unit[:, 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine, sine = np.where(r >= CORE, unit[:, :2].T / r, np.nan)
    radial = cosine[:, None] * axes[:, 0] + sine[:, None] * axes[:, 1]
    turned = cosine[:, None] * axes[:, 1] - sine[:, None] * axes[:, 0]
    return np.stack([radial, turned, np.broadcast_to(axes[:, 2], radial.shape)], axis=2)


def height(points: npt.ArrayLike, frame: Frame) -> Array:
    """How far along the axis (n, 3) world points are: 0 at the apex, 1 at the base, (n,)."""
    return np.asarray((frame.to_unit(points)[:, 2] + 1) / 2)


def coordinates(unit: Tensor) -> tuple[Tensor, Tensor]:
    """The four coordinates at ``(3, n)`` unit points, (4, n), and their derivatives, (4, 3, n)."""
    x, y, z = unit
    rho = (x**2 + y**2 + CORE**2).sqrt()
    c, s = x / rho, y / rho
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    slopes = [
        torch.stack([zero, zero, one]),
        torch.stack([c, s, zero]),
        torch.stack([(1 - c * c) / rho, -c * s / rho, zero]),
        torch.stack([-c * s / rho, (1 - s * s) / rho, zero]),
    ]
    factors = unit.new_tensor([1.0, 1.0, ANGULAR, ANGULAR])
    return factors[:, None] * torch.stack([z, rho, c, s]), factors[:, None, None] * torch.stack(slopes)


def vectors(values: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """The five directions of a displacement at points with these coordinates, (3, 5, n), and their derivatives, (3, 5, 3, n).

    Radial and circumferential ones fade towards the axis as r / rho; along x and y there are two more, which are
    (eps / rho)^2 long and so take over there: together they reach every vector everywhere.

    Args:
        values: (4, n), of ``coordinates``.
        slopes: (4, 3, n), of ``coordinates``.
    """
    c, s = values[2:] / ANGULAR
    dc, ds = slopes[2:] / ANGULAR
    core, dcore = 1 - c * c - s * s, -2 * (c * dc + s * ds)
    zero, dzero = torch.zeros_like(c), torch.zeros_like(dc)
    value = [[c, -s, zero, core, zero], [s, c, zero, zero, core], [zero, zero, zero + 1, zero, zero]]
    slope = [[dc, -ds, dzero, dcore, dzero], [ds, dc, dzero, dzero, dcore], [dzero] * 5]
    return torch.stack([torch.stack(row) for row in value]), torch.stack([torch.stack(row) for row in slope])


def is_wall(ventricle: Volume, axis: Array) -> bool:
    """Whether a segmentation is of the muscle alone: most of the axis, between its ends, then runs through the cavity."""
    apex, base = axis
    points = apex + np.linspace(0.3, 0.9, 25)[:, None] * (base - apex)
    index, inside = ventricle.grid.nearest(points)
    i, j, k = index[inside].T
    return bool(ventricle.inside()[k, j, i].sum() < len(points) / 2)
