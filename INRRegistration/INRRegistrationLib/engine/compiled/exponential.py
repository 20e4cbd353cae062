"""Scaling and squaring of a velocity on control points, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from INRRegistrationLib.engine.compiled.jit import Floats, Scalar, compiled, parts, run

SHARES = 4
"""Parts of the work backward, each with a sum of its own for every control point."""


@compiled
def double(_number: int, start: int, end: int, moved: Floats, scale: Floats, out: Floats) -> None:
    """``out(n) = moved(n) + moved(n + scale * moved(n))`` at control points n, linear in between, the border going on outside.

    Args:
        _number: Of the part; unused.
        start: First plane.
        end: One after the last plane.
        moved: (3, nk, nj, ni).
        scale: (3,) control points per unit.
        out: (3, nk, nj, ni).
    """
    _, nk, nj, ni = moved.shape
    for k in range(start, end):
        for j in range(nj):
            for i in range(ni):
                x, f, _ = _locate(np.float32(i) + scale[0] * moved[0, k, j, i], ni)
                y, g, _ = _locate(np.float32(j) + scale[1] * moved[1, k, j, i], nj)
                z, h, _ = _locate(np.float32(k) + scale[2] * moved[2, k, j, i], nk)
                for a in range(3):
                    r00 = moved[a, z, y, x] + f * (moved[a, z, y, x + 1] - moved[a, z, y, x])
                    r01 = moved[a, z, y + 1, x] + f * (moved[a, z, y + 1, x + 1] - moved[a, z, y + 1, x])
                    r10 = moved[a, z + 1, y, x] + f * (moved[a, z + 1, y, x + 1] - moved[a, z + 1, y, x])
                    r11 = moved[a, z + 1, y + 1, x] + f * (moved[a, z + 1, y + 1, x + 1] - moved[a, z + 1, y + 1, x])
                    near, far = r00 + g * (r01 - r00), r10 + g * (r11 - r10)
                    out[a, k, j, i] = moved[a, k, j, i] + near + h * (far - near)


@compiled
def _locate(at: Scalar, size: int) -> tuple[int, Scalar, Scalar]:
    """The control point before a position, the place between it and the next, and 0 where the position had to be moved inside."""
    last = np.float32(size - 1)
    inner = np.float32(1 if 0 < at < last else 0)
    at = min(max(at, np.float32(0)), last)
    cell = min(int(at), size - 2)
    return cell, at - np.float32(cell), inner


@compiled
def pull_back(number: int, start: int, end: int, moved: Floats, scale: Floats, grad: Floats, shares: Floats) -> None:
    """The derivative of an objective by ``moved``, given that by what ``double`` made of it.

    Args:
        number: Of the part.
        start: First plane.
        end: One after the last plane.
        moved: As in ``double``.
        scale: As in ``double``.
        grad: (3, nk, nj, ni) derivative by ``out``.
        shares: (parts, 3, nk, nj, ni), out: what the planes of each part give to it.
    """
    to = shares[number]
    to[:] = 0
    _, nk, nj, ni = moved.shape
    for k in range(start, end):
        for j in range(nj):
            for i in range(ni):
                x, f, dx = _locate(np.float32(i) + scale[0] * moved[0, k, j, i], ni)
                y, g, dy = _locate(np.float32(j) + scale[1] * moved[1, k, j, i], nj)
                z, h, dz = _locate(np.float32(k) + scale[2] * moved[2, k, j, i], nk)
                by_x, by_y, by_z = np.float32(0), np.float32(0), np.float32(0)
                for a in range(3):
                    own = grad[a, k, j, i]
                    to[a, k, j, i] += own
                    by = _slope(moved[a], x, y, z, f, g, h)
                    by_x, by_y, by_z = by_x + own * by[0], by_y + own * by[1], by_z + own * by[2]
                    _give(to[a], x, y, z, f, g, h, own)
                to[0, k, j, i] += dx * scale[0] * by_x
                to[1, k, j, i] += dy * scale[1] * by_y
                to[2, k, j, i] += dz * scale[2] * by_z


@compiled
def _slope(values: Floats, x: int, y: int, z: int, f: Scalar, g: Scalar, h: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Slopes of the trilinear value at a place in the cell from (x, y, z) on."""
    v000, v010, v100, v110 = values[z, y, x], values[z, y + 1, x], values[z + 1, y, x], values[z + 1, y + 1, x]
    d00, d01 = values[z, y, x + 1] - v000, values[z, y + 1, x + 1] - v010
    d10, d11 = values[z + 1, y, x + 1] - v100, values[z + 1, y + 1, x + 1] - v110
    r00, r01, r10, r11 = v000 + f * d00, v010 + f * d01, v100 + f * d10, v110 + f * d11
    low, high = d00 + g * (d01 - d00), d10 + g * (d11 - d10)
    across = (r01 - r00) + h * ((r11 - r10) - (r01 - r00))
    return low + h * (high - low), across, (r10 + g * (r11 - r10)) - (r00 + g * (r01 - r00))


@compiled
def _give(to: Floats, x: int, y: int, z: int, f: Scalar, g: Scalar, h: Scalar, value: Scalar) -> None:
    """Add to the eight corners of a cell by their trilinear weights."""
    far, near = value * h, value * (1 - h)
    near_1, far_1 = near * g, far * g
    near_0, far_0 = near - near_1, far - far_1
    to[z, y, x] += near_0 * (1 - f)
    to[z, y, x + 1] += near_0 * f
    to[z, y + 1, x] += near_1 * (1 - f)
    to[z, y + 1, x + 1] += near_1 * f
    to[z + 1, y, x] += far_0 * (1 - f)
    to[z + 1, y, x + 1] += far_0 * f
    to[z + 1, y + 1, x] += far_1 * (1 - f)
    to[z + 1, y + 1, x + 1] += far_1 * f


def exponential(velocity: Tensor, scale: tuple[float, float, float], squarings: int) -> Tensor:
    """Displacements ``(3, nk, nj, ni)`` after unit time along a stationary velocity on the control points.

    Args:
        velocity: The same shape, float32 on the CPU, at least two control points along each axis.
        scale: Control points per unit, along x, y, z.
        squarings: How often the displacement of a short time is doubled.
    """
    moved: Tensor = _Exponential.apply(velocity, np.asarray(scale, np.float32), squarings)
    return moved


class _Exponential(torch.autograd.Function):
    """Scaling and squaring to automatic differentiation."""

    @staticmethod
    def forward(ctx: Any, velocity: Tensor, scale: Floats, squarings: int) -> Tensor:
        steps = [np.ascontiguousarray(velocity.detach().numpy()) / np.float32(2**squarings)]
        ranges = parts(velocity.shape[1], velocity[0].numel())
        for _ in range(squarings):
            steps.append(np.empty_like(steps[-1]))
            run(double, ranges, steps[-2], scale, steps[-1])
        ctx.steps, ctx.scale = steps[:-1], scale
        return torch.from_numpy(steps[-1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        grad = np.ascontiguousarray(grads[0].numpy())
        ranges = parts(grad.shape[1], grad[0].size, SHARES)
        shares = np.empty((len(ranges), *grad.shape), np.float32)
        for moved in reversed(ctx.steps):
            run(pull_back, ranges, moved, ctx.scale, grad, shares)
            grad = shares.sum(axis=0)
        return torch.from_numpy(grad / np.float32(2 ** len(ctx.steps))), None, None
