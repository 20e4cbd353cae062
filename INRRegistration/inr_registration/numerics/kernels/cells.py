"""Regularity terms of a spline's first derivatives at one position in every cell, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from inr_registration.numerics.kernels.jit import Doubles, Floats, Ints, Scalar, called, compiled, inlined, parts, run
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.spline import basis

DIFFUSION, SYMMETRIC = 0, 1
TERMS = {"diffusion": DIFFUSION, "symmetric_jacobian": SYMMETRIC}
"""What can be compiled; the formulas are those of ``terms.regularity``."""
FLOOR = np.float32(0.1)


@compiled
def densities(
    ranges: Ints, which: int, step: int, values: Floats, at: Floats, slope: Floats, term: int, bend: Scalar, totals: Doubles, shares: Floats
) -> None:
    """The sum of a term over cells, and its derivative.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        values: (3, nk, nj, ni) coefficients of the spline.
        at: (3, 4) weights of the four control points that reach a position in a cell, along x, y, z.
        slope: (3, 4) those for the derivative.
        term: Which one.
        bend: 1 / knee^2 of diffusion; 0 without a knee.
        totals: (parts,), out.
        shares: (parts, 3, n, nj, ni), out: derivative of the sum by the coefficients from plane ``start`` on.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        nj, ni = values.shape[2], values.shape[3]
        out = shares[number]
        out[:] = 0
        plane, plane_z = np.empty((3, nj, ni), np.float32), np.empty((3, nj, ni), np.float32)
        back, back_z = np.empty((3, nj, ni), np.float32), np.empty((3, nj, ni), np.float32)
        lines, pulls, first = np.empty((9, ni), np.float32), np.empty((9, ni), np.float32), np.empty((9, ni - 3), np.float32)
        total = 0.0
        for k in range(start, end):
            blend_planes(values[:, k : k + 4], at[2], slope[2], plane, plane_z)
            back[:] = 0
            back_z[:] = 0
            for j in range(nj - 3):
                blend_lines(plane[:, j : j + 4], plane_z[:, j : j + 4], at[1], slope[1], lines)
                pulls[:] = 0
                total += _along_line(lines, at[0], slope[0], term, bend, first, pulls)
                for c in range(4):
                    for a in range(3):
                        _add_scaled(back[a, j + c], at[1, c], pulls[a])
                        _add_scaled(back[a, j + c], slope[1, c], pulls[3 + a])
                        _add_scaled(back_z[a, j + c], at[1, c], pulls[6 + a])
            for c in range(4):
                for a in range(3):
                    for j in range(nj):
                        _add_scaled(out[a, k - start + c, j], at[2, c], back[a, j])
                        _add_scaled(out[a, k - start + c, j], slope[2, c], back_z[a, j])
        totals[number] = total


@inlined
def blend_planes(four: Floats, at: Floats, slope: Floats, plane: Floats, plane_z: Floats) -> None:
    """Value and derivative along z of the spline in one plane of cells, from four planes of control points."""
    for a in range(plane.shape[0]):
        for j in range(plane.shape[1]):
            for i in range(plane.shape[2]):
                v0, v1, v2, v3 = four[a, 0, j, i], four[a, 1, j, i], four[a, 2, j, i], four[a, 3, j, i]
                plane[a, j, i] = at[0] * v0 + at[1] * v1 + at[2] * v2 + at[3] * v3
                plane_z[a, j, i] = slope[0] * v0 + slope[1] * v1 + slope[2] * v2 + slope[3] * v3


@inlined
def blend_lines(plane: Floats, plane_z: Floats, at: Floats, slope: Floats, lines: Floats) -> None:
    """Value (0 to 2), derivative along y (3 to 5) and along z (6 to 8) of three components in one line of cells."""
    for a in range(3):
        for i in range(lines.shape[1]):
            v0, v1, v2, v3 = plane[a, 0, i], plane[a, 1, i], plane[a, 2, i], plane[a, 3, i]
            lines[a, i] = at[0] * v0 + at[1] * v1 + at[2] * v2 + at[3] * v3
            lines[3 + a, i] = slope[0] * v0 + slope[1] * v1 + slope[2] * v2 + slope[3] * v3
            lines[6 + a, i] = at[0] * plane_z[a, 0, i] + at[1] * plane_z[a, 1, i] + at[2] * plane_z[a, 2, i] + at[3] * plane_z[a, 3, i]


@inlined
def _along_line(lines: Floats, at: Floats, slope: Floats, term: int, bend: Scalar, first: Floats, pulls: Floats) -> Scalar:
    """The sum of a term over one line of cells; ``pulls`` gets its derivative by ``lines``; ``first`` is room to work in."""
    count = first.shape[1]
    for b in range(9):
        w0, w1, w2, w3 = (slope[0], slope[1], slope[2], slope[3]) if b < 3 else (at[0], at[1], at[2], at[3])
        for i in range(count):
            first[b, i] = w0 * lines[b, i] + w1 * lines[b, i + 1] + w2 * lines[b, i + 2] + w3 * lines[b, i + 3]
    total = _diffusion(first, bend) if term == DIFFUSION else _symmetric(first)
    for b in range(9):
        for c in range(4):
            w = slope[c] if b < 3 else at[c]
            _add_scaled(pulls[b, c : c + count], w, first[b])
    return total


@called
def _add_scaled(to: Floats, factor: Scalar, values: Floats) -> None:
    for i in range(to.shape[0]):
        to[i] += factor * values[i]


@called
def _diffusion(first: Floats, bend: Scalar) -> Scalar:
    """The sum of squared derivatives, with a knee where ``bend`` is not 0; they are replaced by the derivative of the sum."""
    one, two = np.float32(1), np.float32(2)
    total: Scalar = np.float32(0)
    for i in range(first.shape[1]):
        square = np.float32(0)
        for b in range(9):
            square += first[b, i] * first[b, i]
        root = np.sqrt(one + bend * square)
        total += two * square / (one + root)
        for b in range(9):
            first[b, i] = two / root * first[b, i]
    return total


@called
def _symmetric(first: Floats) -> Scalar:
    """The sum of the symmetric Jacobian term of du/dx (x, y, z derivatives of three components each), replaced by its derivative."""
    one, two = np.float32(1), np.float32(2)
    below = one - one / (FLOOR * FLOOR)
    total = np.float32(0)
    for i in range(first.shape[1]):
        xx, yx, zx = one + first[0, i], first[1, i], first[2, i]
        xy, yy, zy = first[3, i], one + first[4, i], first[5, i]
        xz, yz, zz = first[6, i], first[7, i], one + first[8, i]
        c0, c1, c2 = yy * zz - yz * zy, yz * zx - yx * zz, yx * zy - yy * zx
        det = xx * c0 + xy * c1 + xz * c2
        safe = max(det, FLOOR)
        inverse = one / safe
        by = one - inverse * inverse if det > FLOOR else below
        total += safe + inverse - two + below * min(det - FLOOR, np.float32(0))
        first[0, i], first[3, i], first[6, i] = by * c0, by * c1, by * c2
        first[1, i], first[4, i], first[7, i] = by * (xz * zy - xy * zz), by * (xx * zz - xz * zx), by * (xy * zx - xx * zy)
        first[2, i], first[5, i], first[8, i] = by * (xy * yz - xz * yy), by * (xz * yx - xx * yz), by * (xx * yy - xy * yx)
    return total


def mean_density(name: str, coefficients: Tensor, knots: Knots, offset: tuple[float, float, float], knee: float = 0.0) -> Tensor:
    """A regularity term of the spline at one position in every cell of its lattice, as a mean over the cells.

    Args:
        name: One of ``TERMS``.
        coefficients: ``(3, nk, nj, ni)`` float32 on the CPU.
        knots: Where they are.
        offset: Position in the cell along x, y, z, 0 to 1.
        knee: Of diffusion; 0 for none.
    """
    t = torch.tensor(offset)
    at, slope = basis(t).numpy(), (basis(t, 1) / torch.tensor(knots.step)[:, None]).numpy()
    bend = np.float32(1 / knee**2 if knee > 0 else 0)
    mean: Tensor = _MeanDensity.apply(coefficients, at.astype(np.float32), slope.astype(np.float32), TERMS[name], bend)
    return mean


class _MeanDensity(torch.autograd.Function):
    """A term to automatic differentiation; the derivative is made along with the value."""

    @staticmethod
    def forward(ctx: Any, coefficients: Tensor, at: Floats, slope: Floats, term: int, bend: Scalar) -> Tensor:
        values = np.ascontiguousarray(coefficients.detach().numpy())
        cells = np.asarray(values.shape[1:]) - 3
        ranges = parts(int(cells[0]), int(cells.prod()))
        totals = np.zeros(len(ranges))
        depth = int((ranges[:, 1] - ranges[:, 0]).max()) + 3
        shares = np.empty((len(ranges), 3, depth, *values.shape[2:]), np.float32)
        run(densities, ranges, values, at, slope, term, bend, totals, shares)
        ctx.shares, ctx.ranges, ctx.count, ctx.shape = shares, ranges, int(cells.prod()), values.shape
        return coefficients.new_tensor(totals.sum() / ctx.count)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None, None]:
        total = np.zeros(ctx.shape, np.float32)
        for share, (start, end) in zip(ctx.shares, ctx.ranges, strict=True):
            total[:, start : end + 3] += share[:, : end + 3 - start]
        total *= np.float32(float(grads[0]) / ctx.count)
        return torch.from_numpy(total), None, None, None, None
