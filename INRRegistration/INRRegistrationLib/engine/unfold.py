"""A spline that folds at a few isolated places, smoothed there until it does not."""

from __future__ import annotations

import torch
from torch import Tensor

from INRRegistrationLib.engine.fields.jet import jacobian_determinant
from INRRegistrationLib.engine.fields.lattice import SplineLattice, evaluate_at_points, evaluate_on_cells

FLOOR = 0.05
"""Smallest determinant of the deformable part that is left as it is."""
SUSPECT = 0.4
"""A cell with a smaller determinant in its middle is looked at in more places."""
PLACES = (0.0, 0.5, 1.0)
"""Along each axis of a cell; its faces belong to it."""
ISOLATED = 1e-3
"""Share of the cells up to which places are taken to be isolated. Where more fold, the regularity is too weak for the images, which a
repair would hide."""
ROUNDS = 30


def unfolded(lattice: SplineLattice) -> tuple[SplineLattice, int]:
    """The spline with every determinant above 0.05 where few are below, looked at in 27 places of a cell.

    The control points that reach such a cell, and fading out around them, are smoothed until none is left; all others keep
    their values. The determinant is that of the deformable part, without the affine one.

    Returns:
        The spline, and how many cells were mended; the given spline and 0 where nothing folds or too much does.
    """
    values = lattice.values.detach()
    first = bad = _bad_cells(values, lattice)
    count = int(first.sum())
    if count == 0 or count > max(ISOLATED * first.numel(), 8):
        return lattice, 0
    touched = torch.zeros_like(first)
    for _ in range(ROUNDS):
        touched |= bad
        share = _reach(touched, values)
        values = (1 - share) * values + share * _smoothed(values)
        bad = _bad_cells(values, lattice)
        if not bool(bad.any()):
            return SplineLattice(lattice.knots, values.contiguous()), count
    return lattice, 0


def _bad_cells(values: Tensor, lattice: SplineLattice) -> Tensor:
    """(ck, cj, ci), whether a determinant in a cell is below the floor."""
    knots = lattice.knots
    middle = evaluate_on_cells(values, knots, (0.5, 0.5, 0.5), 1).first
    assert middle is not None
    bad = torch.zeros(middle.shape[2:], dtype=torch.bool, device=values.device)
    cells = torch.nonzero(jacobian_determinant(middle) < SUSPECT)  # k, j, i
    if len(cells) == 0:
        return bad
    within = torch.cartesian_prod(*[torch.tensor(PLACES, device=values.device)] * 3)
    at = 1 + cells.flip(1)[:, None] + within[None]  # x, y, z in steps from the first control point
    start, step = torch.tensor(knots.start, device=values.device), torch.tensor(knots.step, device=values.device)
    points = (start + at * step).reshape(-1, 3).T.to(values).contiguous()
    least = torch.cat([_least(values, lattice, chunk) for chunk in points.split(27 * 4000, dim=1)])
    bad[tuple(cells[least < FLOOR].T)] = True
    return bad


def _least(values: Tensor, lattice: SplineLattice, points: Tensor) -> Tensor:
    """The smallest determinant over each 27 points."""
    first = evaluate_at_points(values, lattice.knots, points, 1).first
    assert first is not None
    return jacobian_determinant(first).reshape(-1, 27).amin(dim=1)


def _reach(cells: Tensor, values: Tensor) -> Tensor:
    """1 at control points that reach these cells, falling to 0 over two more; (nk, nj, ni)."""
    share = cells.to(values)[None, None]
    share = torch.nn.functional.max_pool3d(torch.nn.functional.pad(share, (3,) * 6), 4, stride=1)
    wide = torch.nn.functional.max_pool3d(share, 3, stride=1, padding=1)
    return torch.maximum(share, _smoothed(wide[0]))[0]


def _smoothed(values: Tensor) -> Tensor:
    """(C, nk, nj, ni) averaged with the neighbours along each axis by 1/4, 1/2, 1/4; the border value goes on."""
    for axis in (1, 2, 3):
        n = values.shape[axis]
        first, last = values.narrow(axis, 0, 1), values.narrow(axis, n - 1, 1)
        before = torch.cat([first, values.narrow(axis, 0, n - 1)], dim=axis)
        after = torch.cat([values.narrow(axis, 1, n - 1), last], dim=axis)
        values = values / 2 + (before + after) / 4
    return values
