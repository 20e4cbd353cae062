"""Regularity terms of a spline's first derivatives at one position in every cell, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from INRRegistrationLib.engine.compiled.jit import Doubles, Floats, Scalar, compiled, parts, run
from INRRegistrationLib.engine.fields.lattice import Knots
from INRRegistrationLib.engine.fields.spline import basis

DIFFUSION, SYMMETRIC = 0, 1
TERMS = {"diffusion": DIFFUSION, "symmetric_jacobian": SYMMETRIC}
"""What can be compiled; the formulas are those of ``terms.regularity``."""
FLOOR = np.float32(0.1)


@compiled
def densities(
    number: int, start: int, end: int, values: Floats, at: Floats, slope: Floats, term: int, totals: Doubles, shares: Floats
) -> None:
    """The sum of a term over cells in planes ``start`` to ``end``, and its derivative.

    Args:
        number: Of the part.
        start: First plane of cells.
        end: One after the last plane.
        values: (3, nk, nj, ni) coefficients of the spline.
        at: (3, 4) weights of the four control points that reach a position in a cell, along x, y, z.
        slope: (3, 4) those for the derivative.
        term: Which one.
        totals: (parts,), out.
        shares: (parts, 3, n, nj, ni), out: derivative of the sum by the coefficients from plane ``start`` on.
    """
    nj, ni = values.shape[2], values.shape[3]
    out = shares[number]
    out[:] = 0
    plane, plane_z = np.empty((3, nj, ni), np.float32), np.empty((3, nj, ni), np.float32)
    back, back_z = np.empty((3, nj, ni), np.float32), np.empty((3, nj, ni), np.float32)
    lines, pulls = np.empty((9, ni), np.float32), np.empty((9, ni), np.float32)
    total = 0.0
    for k in range(start, end):
        _blend_planes(values[:, k : k + 4], at[2], slope[2], plane, plane_z)
        back[:] = 0
        back_z[:] = 0
        for j in range(nj - 3):
            _blend_lines(plane[:, j : j + 4], plane_z[:, j : j + 4], at[1], slope[1], lines)
            pulls[:] = 0
            total += _along_line(lines, at[0], slope[0], term, pulls)
            for c in range(4):
                for a in range(3):
                    for i in range(ni):
                        back[a, j + c, i] += at[1, c] * pulls[a, i] + slope[1, c] * pulls[3 + a, i]
                        back_z[a, j + c, i] += at[1, c] * pulls[6 + a, i]
        for c in range(4):
            for a in range(3):
                for j in range(nj):
                    for i in range(ni):
                        out[a, k - start + c, j, i] += at[2, c] * back[a, j, i] + slope[2, c] * back_z[a, j, i]
    totals[number] = total


@compiled
def _blend_planes(four: Floats, at: Floats, slope: Floats, plane: Floats, plane_z: Floats) -> None:
    """Value and derivative along z of the spline in one plane of cells, from four planes of control points."""
    for a in range(plane.shape[0]):
        for j in range(plane.shape[1]):
            for i in range(plane.shape[2]):
                v0, v1, v2, v3 = four[a, 0, j, i], four[a, 1, j, i], four[a, 2, j, i], four[a, 3, j, i]
                plane[a, j, i] = at[0] * v0 + at[1] * v1 + at[2] * v2 + at[3] * v3
                plane_z[a, j, i] = slope[0] * v0 + slope[1] * v1 + slope[2] * v2 + slope[3] * v3


@compiled
def _blend_lines(plane: Floats, plane_z: Floats, at: Floats, slope: Floats, lines: Floats) -> None:
    """Value (0 to 2), derivative along y (3 to 5) and along z (6 to 8) of three components in one line of cells."""
    for a in range(3):
        for i in range(lines.shape[1]):
            v0, v1, v2, v3 = plane[a, 0, i], plane[a, 1, i], plane[a, 2, i], plane[a, 3, i]
            lines[a, i] = at[0] * v0 + at[1] * v1 + at[2] * v2 + at[3] * v3
            lines[3 + a, i] = slope[0] * v0 + slope[1] * v1 + slope[2] * v2 + slope[3] * v3
            lines[6 + a, i] = at[0] * plane_z[a, 0, i] + at[1] * plane_z[a, 1, i] + at[2] * plane_z[a, 2, i] + at[3] * plane_z[a, 3, i]


@compiled
def _along_line(lines: Floats, at: Floats, slope: Floats, term: int, pulls: Floats) -> Scalar:
    """The sum of a term over one line of cells; ``pulls`` gets its derivative by ``lines``."""
    total = 0.0
    first, push = np.empty(9, np.float32), np.empty(9, np.float32)
    for i in range(lines.shape[1] - 3):
        for a in range(3):
            first[a] = slope[0] * lines[a, i] + slope[1] * lines[a, i + 1] + slope[2] * lines[a, i + 2] + slope[3] * lines[a, i + 3]
        for b in range(3, 9):
            first[b] = at[0] * lines[b, i] + at[1] * lines[b, i + 1] + at[2] * lines[b, i + 2] + at[3] * lines[b, i + 3]
        if term == DIFFUSION:
            for b in range(9):
                total += first[b] * first[b]
                push[b] = 2 * first[b]
        else:
            total += _symmetric(first, push)
        for c in range(4):
            for a in range(3):
                pulls[a, i + c] += slope[c] * push[a]
            for b in range(3, 9):
                pulls[b, i + c] += at[c] * push[b]
    return total


@compiled
def _symmetric(first: Floats, push: Floats) -> Scalar:
    """The symmetric Jacobian term of du/dx (x, y, z derivatives of three components each) and its derivative."""
    one = np.float32(1)
    xx, yx, zx = one + first[0], first[1], first[2]
    xy, yy, zy = first[3], one + first[4], first[5]
    xz, yz, zz = first[6], first[7], one + first[8]
    c0, c1, c2 = yy * zz - yz * zy, yz * zx - yx * zz, yx * zy - yy * zx
    det = xx * c0 + xy * c1 + xz * c2
    if det > FLOOR:
        value, by = det + one / det - np.float32(2), one - one / (det * det)
    else:
        by = one - one / (FLOOR * FLOOR)
        value = FLOOR + one / FLOOR - np.float32(2) + by * (det - FLOOR)
    push[0], push[3], push[6] = by * c0, by * c1, by * c2
    push[1], push[4], push[7] = by * (xz * zy - xy * zz), by * (xx * zz - xz * zx), by * (xy * zx - xx * zy)
    push[2], push[5], push[8] = by * (xy * yz - xz * yy), by * (xz * yx - xx * yz), by * (xx * yy - xy * yx)
    return value


def mean_density(name: str, coefficients: Tensor, knots: Knots, offset: tuple[float, float, float]) -> Tensor:
    """A regularity term of the spline at one position in every cell of its lattice, as a mean over the cells.

    Args:
        name: One of ``TERMS``.
        coefficients: ``(3, nk, nj, ni)`` float32 on the CPU.
        knots: Where they are.
        offset: Position in the cell along x, y, z, 0 to 1.
    """
    t = torch.tensor(offset)
    at, slope = basis(t).numpy(), (basis(t, 1) / torch.tensor(knots.step)[:, None]).numpy()
    mean: Tensor = _MeanDensity.apply(coefficients, at.astype(np.float32), slope.astype(np.float32), TERMS[name])
    return mean


class _MeanDensity(torch.autograd.Function):
    """A term to automatic differentiation; the derivative is made along with the value."""

    @staticmethod
    def forward(ctx: Any, coefficients: Tensor, at: Floats, slope: Floats, term: int) -> Tensor:
        values = np.ascontiguousarray(coefficients.detach().numpy())
        cells = np.asarray(values.shape[1:]) - 3
        ranges = parts(int(cells[0]), int(cells.prod()))
        totals = np.zeros(len(ranges))
        depth = int((ranges[:, 1] - ranges[:, 0]).max()) + 3
        shares = np.empty((len(ranges), 3, depth, *values.shape[2:]), np.float32)
        run(densities, ranges, values, at, slope, term, totals, shares)
        ctx.shares, ctx.ranges, ctx.count, ctx.shape = shares, ranges, int(cells.prod()), values.shape
        return coefficients.new_tensor(totals.sum() / ctx.count)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        total = np.zeros(ctx.shape, np.float32)
        for share, (start, end) in zip(ctx.shares, ctx.ranges, strict=True):
            total[:, start : end + 3] += share[:, : end + 3 - start]
        total *= np.float32(float(grads[0]) / ctx.count)
        return torch.from_numpy(total), None, None, None
