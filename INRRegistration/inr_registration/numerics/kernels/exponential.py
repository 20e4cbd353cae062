"""Scaling and squaring of a velocity on control points, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from inr_registration.numerics.kernels.jit import Floats, Ints, Scalar, compiled, inlined, parts, run
from inr_registration.numerics.kernels.warp import between, held_within

SHARES = 4
"""Parts of the work backward, each with a sum of its own for every control point."""


@compiled
def double(ranges: Ints, which: int, step: int, moved: Floats, scale: Floats, out: Floats) -> None:
    """``out(n) = moved(n) + moved(n + scale * moved(n))`` at control points n, linear in between, the border going on outside.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        moved: (3, nk, nj, ni).
        scale: (3,) control points per unit.
        out: (3, nk, nj, ni).
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        _, nk, nj, ni = moved.shape
        flat, result = moved.reshape((3, nk * nj * ni)), out.reshape((3, nk * nj * ni))
        n = start * nj * ni
        for k in range(start, end):
            for j in range(nj):
                for i in range(ni):
                    x, f, _ = _locate(np.float32(i) + scale[0] * flat[0, n], ni)
                    y, g, _ = _locate(np.float32(j) + scale[1] * flat[1, n], nj)
                    z, h, _ = _locate(np.float32(k) + scale[2] * flat[2, n], nk)
                    for a in range(3):
                        result[a, n] = flat[a, n] + between(flat[a], (z * nj + y) * ni + x, 1, ni, nj * ni, f, g, h)[0]
                    n += 1


@inlined
def _locate(at: Scalar, size: int) -> tuple[int, Scalar, Scalar]:
    """The control point before a position, the place between it and the next, and 0 where the position had to be moved inside."""
    last = np.float32(size - 1)
    inner = np.float32(1 if 0 < at < last else 0)
    near = held_within(at, last)
    cell = min(int(near), size - 2)
    return cell, near - np.float32(cell), inner


@compiled
def pull_back(ranges: Ints, which: int, step: int, moved: Floats, scale: Floats, grad: Floats, shares: Floats) -> None:
    """The derivative of an objective by ``moved``, given that by what ``double`` made of it.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        moved: As in ``double``.
        scale: As in ``double``.
        grad: (3, nk, nj, ni) derivative by ``out``.
        shares: (parts, 3, nk, nj, ni), out: what the planes of each part give to it.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        _, nk, nj, ni = moved.shape
        flat, pull, to = moved.reshape((3, nk * nj * ni)), grad.reshape((3, nk * nj * ni)), shares[number].reshape((3, nk * nj * ni))
        to[:] = 0
        n = start * nj * ni
        for k in range(start, end):
            for j in range(nj):
                for i in range(ni):
                    x, f, dx = _locate(np.float32(i) + scale[0] * flat[0, n], ni)
                    y, g, dy = _locate(np.float32(j) + scale[1] * flat[1, n], nj)
                    z, h, dz = _locate(np.float32(k) + scale[2] * flat[2, n], nk)
                    corner = (z * nj + y) * ni + x
                    by_x, by_y, by_z = np.float32(0), np.float32(0), np.float32(0)
                    for a in range(3):
                        own = pull[a, n]
                        to[a, n] += own
                        _, along_x, along_y, along_z = between(flat[a], corner, 1, ni, nj * ni, f, g, h)
                        by_x, by_y, by_z = by_x + own * along_x, by_y + own * along_y, by_z + own * along_z
                        _give(to[a], corner, ni, nj * ni, f, g, h, own)
                    to[0, n] += dx * scale[0] * by_x
                    to[1, n] += dy * scale[1] * by_y
                    to[2, n] += dz * scale[2] * by_z
                    n += 1


@inlined
def _give(to: Floats, corner: int, down: int, back: int, f: Scalar, g: Scalar, h: Scalar, value: Scalar) -> None:
    """Add to the eight corners of a cell by their trilinear weights."""
    rear = value * h
    front = value - rear
    front_down, rear_down = front * g, rear * g
    front, rear = front - front_down, rear - rear_down
    to[corner] += front * (1 - f)
    to[corner + 1] += front * f
    to[corner + down] += front_down * (1 - f)
    to[corner + down + 1] += front_down * f
    to[corner + back] += rear * (1 - f)
    to[corner + back + 1] += rear * f
    to[corner + back + down] += rear_down * (1 - f)
    to[corner + back + down + 1] += rear_down * f


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
