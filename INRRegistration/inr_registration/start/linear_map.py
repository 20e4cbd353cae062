"""A linear map by a few comparable parameters, with its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.numerics.constants import constant

Array = npt.NDArray[np.float64]

TURNS = np.array([[[0, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0], [-1, 0, 0]], [[0, -1, 0], [1, 0, 0], [0, 0, 0]]], float)
"""Their sum times a rotation vector is the matrix whose exponential is the rotation."""
STRETCHES = np.array([
    [[1, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 1]],
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]], [[0, 0, 1], [0, 0, 0], [1, 0, 0]], [[0, 0, 0], [0, 0, 1], [0, 1, 0]],
], float)  # fmt: skip
"""The same of stretches along the axes x, y and z and shears between xy, xz and yz."""

HALVINGS, TERMS = 5, 10
"""Of the exponential by its series: how often the matrix is halved before, and terms beyond the identity."""


class LinearMap:
    """An affine map about a centre with comparable parameters: ``A(p) = centre + M (p - centre) + offset``.

    Args:
        start: (4, 4) fixed world to moving world, LPS mm, where all parameters are 0.
        centre: (3,) LPS mm.
        scale: mm that a unit of translation stands for.
    """

    def __init__(self, start: Array, centre: Array, scale: float) -> None:
        self.start, self.centre, self.scale = start, centre, scale

    def matrix(self, parameters: Tensor) -> Tensor:
        """The (4, 4) matrix for 6 (rigid) or 12 parameters: rotation vector, translation, stretches and shears."""
        if parameters.device.type != "cpu":
            return self.on_device(parameters)
        matrix: Tensor = _Matrix.apply(parameters, self)
        return matrix

    def on_device(self, parameters: Tensor) -> Tensor:
        """The same by operations that a GPU can record, without a number from Python."""
        turns, stretches = (constant(tuple(a.ravel().tolist()), parameters).reshape(a.shape) for a in (TURNS, STRETCHES))
        linear = _series((parameters[:3, None, None] * turns).sum(dim=0))
        if len(parameters) == 12:
            linear = linear @ _series((parameters[6:, None, None] * stretches).sum(dim=0))
        centre, last = constant(tuple(self.centre.tolist()), parameters), constant((0.0, 0.0, 0.0, 1.0), parameters)
        offset = centre - linear @ centre + self.scale * parameters[3:6]
        own = torch.cat([torch.cat([linear, offset[:, None]], dim=1), last[None]])
        return constant(tuple(self.start.ravel().tolist()), parameters).reshape(4, 4) @ own

    def evaluate(self, parameters: Array) -> tuple[Array, Array]:
        """The matrix and its derivatives by the parameters, (n, 4, 4)."""
        turn, by_turn = exponential(TURNS, parameters[:3])
        stretch, by_stretch = exponential(STRETCHES, parameters[6:]) if len(parameters) == 12 else (np.eye(3), np.empty((0, 3, 3)))
        own, by = np.eye(4), np.zeros((len(parameters), 4, 4))
        own[:3, :3], by[:3, :3, :3], by[6:, :3, :3] = turn @ stretch, by_turn @ stretch, turn @ by_stretch
        own[:3, 3] = self.centre - own[:3, :3] @ self.centre + self.scale * parameters[3:6]
        by[:, :3, 3] = -by[:, :3, :3] @ self.centre
        by[3:6, :3, 3] = self.scale * np.eye(3)
        return self.start @ own, self.start @ by


class _Matrix(torch.autograd.Function):
    """``LinearMap`` to automatic differentiation: on so few numbers its own bookkeeping takes longer than all derivatives."""

    @staticmethod
    def forward(ctx: Any, parameters: Tensor, linear: LinearMap) -> Tensor:
        matrix, slopes = linear.evaluate(parameters.detach().double().numpy())
        ctx.save_for_backward(torch.from_numpy(slopes).to(parameters))
        return torch.from_numpy(matrix).to(parameters)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return (ctx.saved_tensors[0] * grads[0]).sum(dim=(1, 2)), None


def _series(matrix: Tensor) -> Tensor:
    """exp of a (3, 3) matrix of a norm of up to 3 or so, by the power series of a small part of it, squared ``HALVINGS`` times."""
    part = matrix / 2**HALVINGS
    total = one = torch.eye(3, dtype=matrix.dtype, device=matrix.device)
    for n in range(TERMS, 0, -1):
        total = one + part @ total / n
    for _ in range(HALVINGS):
        total = total @ total
    return total


def exponential(generators: Array, parameters: Array) -> tuple[Array, Array]:
    """``exp(A)``, where A is the sum of parameters times generators, and its derivatives by the parameters.

    By eigenvectors (Daleckii and Krein; Higham, "Functions of Matrices", 2008, theorem 3.11): with ``A = V diag(a) V^H``, the
    derivative is ``V (F * V^H G V) V^H``, where F holds the divided differences of exp.

    Args:
        generators: (n, 3, 3), all symmetric or all skew.
        parameters: (n,).

    Returns:
        (3, 3) and (n, 3, 3).
    """
    symmetric = np.array_equal(generators[0], generators[0].T)
    unit = 1.0 if symmetric else 1j  # a skew matrix is i times a Hermitian one
    values, vectors = np.linalg.eigh(np.tensordot(parameters, generators, axes=1) / unit)
    values = values * unit
    half = (values[:, None] - values) / 2
    apart = half != 0
    divided = np.exp((values[:, None] + values) / 2) * np.divide(np.sinh(half), half, out=np.ones_like(half), where=apart)
    back = vectors.conj().T
    exp, slopes = vectors * np.exp(values) @ back, vectors @ (divided * (back @ generators @ vectors)) @ back
    return np.asarray(exp.real), np.asarray(slopes.real)
