"""Uniform cubic B-splines in one dimension, as matrices, and their tensor product in three.

Rueckert et al., "Nonrigid registration using free-form deformations", IEEE TMI 18(8), 1999, eq. 1-3.
A control point c_n sits at ``start + n * step``; its basis function reaches two steps to either side.
"""

from __future__ import annotations

import torch
from torch import Tensor


def basis(t: Tensor, derivative: int = 0) -> Tensor:
    """The four cubic B-spline pieces at ``t`` in [0, 1), stacked last: ``(..., 4)``, or their derivatives in t."""
    if derivative == 0:
        pieces = [(1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6]
    elif derivative == 1:
        pieces = [-((1 - t) ** 2) / 2, (3 * t**2 - 4 * t) / 2, (-3 * t**2 + 2 * t + 1) / 2, t**2 / 2]
    else:
        pieces = [1 - t, 3 * t - 2, 1 - 3 * t, t]
    return torch.stack(pieces, dim=-1)


def locate(x: Tensor, start: float, step: float, count: int) -> tuple[Tensor, Tensor]:
    """First of the four control points that reach ``x``, and the position t in [0, 1] within the cell.

    Positions outside the valid range (from the second to the last but one control point) are moved to its border.
    """
    cells = ((x - start) / step).clamp(1, count - 2)
    first = cells.detach().floor().clamp(max=count - 3)
    return first.long() - 1, cells - first


def axis_matrix(x: Tensor, start: float, step: float, count: int, derivative: int = 0) -> Tensor:
    """Matrix ``(len(x), count)`` that takes coefficients along one axis to values (or derivatives) at positions x."""
    first, t = locate(x, start, step, count)
    matrix = x.new_zeros(len(x), count)
    matrix.scatter_(1, first[:, None] + torch.arange(4, device=x.device), basis(t, derivative) / step**derivative)
    return matrix


def apply_axes(values: Tensor, along_k: Tensor, along_j: Tensor, along_i: Tensor) -> Tensor:
    """Multiply the last three axes of ``(C, nk, nj, ni)`` by one matrix each: ``(C, mk, mj, mi)``."""
    channels = values.shape[0]
    out = along_j @ (values @ along_i.T)
    return (along_k @ out.reshape(channels, values.shape[1], -1)).reshape(channels, len(along_k), *out.shape[2:])


def interpolating_matrix(count: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Where to sample a function to interpolate it by ``count`` control points, and the matrix samples -> coefficients.

    Returns:
        Positions in steps from the first control point, ``(count,)``: every knot of the valid range and one more point
        inside its first and its last cell; and the ``(count, count)`` inverse of the collocation matrix. A spline that
        already lies in the space is reproduced exactly.
    """
    knots = torch.arange(1, count - 1, dtype=dtype)
    sites = torch.cat([knots[:1], knots[:1] + 1 / 3, knots[1:-1], knots[-1:] - 1 / 3, knots[-1:]])
    return sites, torch.linalg.inv(axis_matrix(sites, 0.0, 1.0, count))
