"""From the fitted field to the spline that ITK and Slicer hold natively, and to arrays on a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.grid import Grid
from inr_registration.core.result import SplineTransform
from inr_registration.fields.lattice import Lattice, SplineLattice, evaluate_at_points, evaluate_on_axes
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.maps.model import CHUNK
from inr_registration.numerics import kernels as compiled
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.jet import Jet, jacobian_determinant
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.spline import apply_axes, interpolating_matrix

Array = npt.NDArray[np.float64]

FADE_CELLS = 4
"""Fewest control points over which the displacement fades to zero beyond the fixed image."""
MOST_GROWTH, SMALL = 6, 1_000_000
"""The faded lattice has at most so many times the control points of the lattice, or this many where that is more."""
CHECKED_POINTS = 20000
ALL = slice(None)


def faded(lattice: Lattice) -> SplineLattice:
    """The lattice with more control points around it, over which the displacement fades smoothly to zero.

    Nothing changes within the old valid range. ITK takes the displacement beyond its lattice to be zero; with the fade
    that is no jump, so an image warped onto a larger grid shows no torn or mirrored rim.
    """
    values, knots = lattice.coefficients().detach(), lattice.knots
    rim = max(float(values.select(axis, end).abs().max()) for axis in (1, 2, 3) for end in (0, -1)) / min(knots.step)
    extra = _room(knots, int(max(FADE_CELLS, np.ceil(3 * rim))) + 2)
    grown = torch.nn.functional.pad(values[None], (extra,) * 6, mode="replicate")[0]
    for axis in (1, 2, 3):
        n = grown.shape[axis]
        depth = torch.arange(n, device=grown.device).minimum(n - 1 - torch.arange(n, device=grown.device))
        ramp = (0.5 - 0.5 * torch.cos(torch.pi * ((depth - 2) / (extra - 2)).clamp(0, 1))).to(grown)
        grown = grown * ramp.reshape([-1 if a == axis else 1 for a in range(4)])
    x, y, z = (s - extra * step for s, step in zip(knots.start, knots.step, strict=True))
    i, j, k = (n + 2 * extra for n in knots.count)
    return SplineLattice(Knots((x, y, z), knots.step, (i, j, k)), grown.contiguous())


def _room(knots: Knots, wanted: int) -> int:
    """How many control points a fade may take on each side: fewer than wanted where the lattice would grow out of bounds.

    A short fade of a large displacement may fold, but only where there is no fixed image.
    """
    most = max(MOST_GROWTH * int(np.prod(knots.count)), SMALL)
    extra = wanted
    while extra > FADE_CELLS + 2 and np.prod(np.asarray(knots.count) + 2 * extra) > most:
        extra -= 1
    return extra


def baked(model: FittedMap, grid: Grid, finest: float, tolerance: float, generator: torch.Generator) -> tuple[SplineLattice, float]:
    """A spline in the axes of ``grid`` (mm) that interpolates a map's displacement.

    The lattice starts at four times ``finest`` and is halved until the largest difference at random points of the grid is
    within ``tolerance`` mm, or the spacing reaches ``finest``; or the map is too slow to be asked at more points.

    Returns:
        The lattice, and the largest difference seen, mm.
    """
    frame = Frame.millimetres(grid)
    high = (np.asarray(grid.size) - 0.5) * grid.spacing
    points = grid.to_world(torch.rand(CHECKED_POINTS, 3, generator=generator).double().numpy() * np.asarray(grid.size) - 0.5)
    inside, truth = torch.as_tensor(frame.to_unit(points).T).float(), model.displacement(points)
    volume = float(np.prod(np.asarray(grid.size) * grid.spacing))
    finest = max(finest, (volume / model.most_sites) ** (1 / 3))
    step = 4 * finest
    while True:
        knots = Knots.covering(tuple(-grid.spacing / 2), tuple(high), step)
        lattice = SplineLattice(knots, interpolate(model, frame, knots))
        value = evaluate_at_points(lattice.values.detach(), knots, inside).value.double().numpy().T @ frame.axes.T
        error = float(np.linalg.norm(value - truth, axis=1).max())
        if error <= tolerance or step / 2 < 0.99 * finest:
            return lattice, error
        step /= 2


def interpolate(model: FittedMap, frame: Frame, knots: Knots) -> Tensor:
    """Coefficients (3, nk, nj, ni) of the spline that agrees with a model's displacement at the knots."""
    positions, solvers = [], []
    for d in range(3):
        sites, solve = interpolating_matrix(knots.count[d])
        positions.append((knots.start[d] + sites * knots.step[d]).numpy())
        solvers.append(solve)
    k, j, i = np.meshgrid(*positions[::-1], indexing="ij")
    sampled = model.displacement(frame.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3))) @ np.linalg.inv(frame.axes).T
    values = torch.as_tensor(sampled.T.reshape(3, *i.shape))
    return apply_axes(values, *solvers[::-1]).float().contiguous()


def as_transform(lattice: SplineLattice, frame: Frame, affine: Array, max_error_mm: float) -> SplineTransform:
    """The lattice in world terms. The frame's axes must be orthonormal mm."""
    coefficients = np.einsum("ab,bkji->kjia", frame.axes, lattice.values.detach().cpu().double().numpy())
    origin = frame.to_world(np.asarray(lattice.knots.start))
    return SplineTransform(affine, coefficients.astype(np.float32), origin, np.asarray(lattice.knots.step), frame.axes, max_error_mm)


def sampled(
    lattice: SplineLattice, frame: Frame, affine: Array, grid: Grid, planes: slice = slice(None)
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Displacement and det J of the whole map at the voxel centres of any grid, or of some of its planes k.

    Returns:
        ``(k, j, i, 3)`` deformable displacement in LPS mm, and ``(k, j, i)`` determinant of the map with its affine part.
    """
    step = np.linalg.inv(frame.axes) @ grid.affine[:3, :3]
    aligned = np.abs(step - np.diag(np.diag(step))).max() < 1e-6 * np.abs(step).max()
    volume = float(np.linalg.det(affine[:3, :3]))
    corner = frame.to_unit(grid.origin)
    positions = [corner[d] + step[d, d] * np.arange(n) for d, n in enumerate(grid.size)]
    positions[2] = positions[2][planes]
    values = lattice.values.detach()
    if aligned and compiled.usable(values):
        from inr_registration.numerics.kernels.on_axes import on_axes  # loading the compiler takes a second

        moved, local = on_axes(values.numpy(), lattice.knots, positions, frame.axes)
        assert moved is not None
        local *= np.float32(volume)
        return moved, local
    sites = [torch.as_tensor(x) for x in positions]
    jet = evaluate_on_axes(values, lattice.knots, sites, 1) if aligned else _on_any(lattice, frame, grid.part((planes, ALL, ALL)))
    axes = torch.as_tensor(frame.axes).to(jet.value)
    displacement = torch.einsum("ab,bkji->kjia", axes, jet.value)
    assert jet.first is not None
    det = jacobian_determinant(jet.first) * volume
    return displacement.cpu().numpy(), det.cpu().numpy()


def _on_any(lattice: SplineLattice, frame: Frame, grid: Grid) -> Jet:
    """Point by point, for grids at any angle to the lattice (sheared images)."""
    unit = torch.as_tensor(frame.to_unit(grid.all_points()).reshape(-1, 3).T).float()
    values = lattice.values.detach().cpu()
    parts = [evaluate_at_points(values, lattice.knots, chunk, 1) for chunk in unit.split(CHUNK, dim=1)]
    value = torch.cat([part.value for part in parts], dim=1).reshape(3, *grid.shape)
    first = torch.cat([part.first for part in parts if part.first is not None], dim=2).reshape(3, 3, *grid.shape)
    return Jet(value, first)
