"""Local correlation, squared differences and MIND on a whole level, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from inr_registration.methods.data import StageData
from inr_registration.numerics.kernels.arrays import arrays_of, sure_cells
from inr_registration.numerics.kernels.jit import Doubles, Floats, Ints, run
from inr_registration.numerics.kernels.warp import spread, warp
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.spline import basis, locate
from inr_registration.terms.compiled_comparison import LEAST, Comparison
from inr_registration.terms.compiled_features import differ


class CompiledLevel:
    """The same terms as ``WholeLevel`` in float32, of local correlation, squared differences and MIND, voxel by voxel.

    Args:
        data: Of the stage, on the CPU.
        knots: Of the lattice, whose axes are those of the fixed image.
    """

    def __init__(self, data: StageData, knots: Knots) -> None:
        self.data = data
        self.compared = Comparison(data.fixed.values[0].contiguous().numpy(), data.fixed_weight.contiguous().numpy(), data.radius)
        self.moving, self.moving_weight = arrays_of(data.moving.values, data.moving_weight)
        self.sure = sure_cells(self.moving_weight)
        self.carry = _carry(data)
        self.positions, self.firsts, self.weights = _along_axes(data, knots)
        self.ranges = self.compared.ranges
        self._buffers(knots)
        self.features = FeatureDifference(data, self) if data.features is not None else None
        self.turn = 0
        self._started_inside(knots)

    def terms(self, coefficients: Tensor) -> dict[str, Tensor]:
        """Weighted similarity terms under these coefficients."""
        values = _Terms.apply(coefficients, self)
        named = dict(zip(("local_ncc", "mse", "outside", "mind"), values, strict=True))
        weights = {**self.data.similarity, "outside": self.data.outside_weight}
        return {name: value * weights[name] for name, value in named.items() if weights.get(name, 0) > 0}

    def forward(self, coefficients: Floats) -> tuple[float, float, float, float]:
        """One minus the mean local correlation, the mean squared difference, the mean distance outside in voxels, and of features.

        The last is the mean squared difference of the features, 0 without any.
        """
        self.turn += 1
        self._warp(coefficients)
        local, squares = self.compared.forward(self.values, self.seen)
        unlike = 0.0 if self.features is None else self.features.forward(coefficients)
        return local, squares, float(self.left.sum()), unlike

    def backward(self, of_correlation: float, of_difference: float, of_leaving: float, of_features: float) -> Floats:
        """Derivative by the coefficients, given that of the objective by what ``forward`` gave last."""
        push = self.compared.backward(self.values, self.seen, of_correlation, of_difference)
        total = self.spread(push, self.slopes, of_leaving)
        return total if self.features is None else total + self.features.backward(of_features)

    def spread(self, push: Floats, slopes: Floats, of_leaving: float) -> Floats:
        """What voxels with ``push`` (D, H, W) times ``slopes`` (3, D, H, W) give to the control points."""
        run(
            spread, self.ranges, push, slopes, self.held, of_leaving, self.sides, self.carry, self.firsts, self.weights,
            self.compared.rows, self.shares,
        )  # fmt: skip
        total = np.zeros(self.shape, np.float32)
        for share, (start, _) in zip(self.shares, self.ranges, strict=True):
            first = self.firsts[2, start]
            end = min(first + share.shape[1], self.shape[1])
            total[:, first:end] += share[:, : end - first]
        return total

    def _warp(self, coefficients: Floats) -> None:
        run(
            warp, self.ranges, coefficients, self.firsts, self.weights, self.positions, self.compared.rows, self.carry, self.moving,
            self.moving_weight, self.sure, self.held, self.values, self.slopes, self.seen, self.sides, self.left,
        )  # fmt: skip

    def _buffers(self, knots: Knots) -> None:
        shape = self.compared.fixed.shape
        self.shape = (3, *knots.shape)
        self.values, self.seen, self.held = (np.zeros(shape, np.float32) for _ in range(3))
        self.slopes, self.sides = np.zeros((3, *shape), np.float32), np.zeros(shape, np.int8)
        self.left: Doubles = np.zeros(len(self.ranges))
        reach = max(int(self.firsts[2, end - 1] - self.firsts[2, start]) + 4 for start, end in self.ranges)
        self.shares = np.zeros((len(self.ranges), 3, reach, *knots.shape[1:]), np.float32)

    def _started_inside(self, knots: Knots) -> None:
        """Only points that the start leaves inside the moving image pay for leaving it."""
        self._warp(np.zeros((3, *knots.shape), np.float32))
        inside = self.sides == 0
        weight = self.compared.weight
        self.held[:] = weight * inside / max(float(weight.sum()), LEAST)


class FeatureDifference:
    """The MIND term of a level.

    Args:
        data: Of the stage; with features.
        level: Whose warp was made for the same coefficients before.
    """

    def __init__(self, data: StageData, level: CompiledLevel) -> None:
        assert data.features is not None
        self.level = level
        self.fixed, moving = (f.permute(1, 2, 3, 0).contiguous().numpy() for f in (data.features.fixed, data.features.moving.values))
        linear, shift = data.to_moving_unit()
        self.carry = _to_voxels(data.features.matrix @ linear, data.features.unit(shift), moving.shape)
        self.moving = np.pad(moving, [(0, int(n == 1)) for n in moving.shape[:3]] + [(0, 0)], mode="edge")
        self.pulls = np.zeros((3, *level.values.shape), np.float32)
        self.totals: Doubles = np.zeros(len(level.ranges))

    def forward(self, coefficients: Floats) -> float:
        """The mean squared difference."""
        level = self.level
        run(
            differ, level.ranges, coefficients, level.firsts, level.weights, level.positions, level.compared.rows, self.carry, self.fixed,
            self.moving, level.compared.weight, level.seen, self.pulls, self.totals,
        )  # fmt: skip
        return float(self.totals.sum()) / level.compared.counted

    def backward(self, of_features: float) -> Floats:
        """Derivative by the coefficients."""
        level = self.level
        scale = np.full(level.values.shape, of_features / level.compared.counted, np.float32)
        return level.spread(scale, self.pulls, 0.0)


class _Terms(torch.autograd.Function):
    """``CompiledLevel`` to automatic differentiation."""

    @staticmethod
    def forward(ctx: Any, coefficients: Tensor, level: CompiledLevel) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        a, b, c, d = level.forward(np.ascontiguousarray(coefficients.detach().numpy()))
        ctx.level, ctx.turn = level, level.turn
        return coefficients.new_tensor(a), coefficients.new_tensor(b), coefficients.new_tensor(c), coefficients.new_tensor(d)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        assert ctx.turn == ctx.level.turn, "the level was evaluated again; only the last evaluation can be differentiated"
        return torch.from_numpy(ctx.level.backward(*(float(grad) for grad in grads))), None


def _carry(data: StageData) -> Floats:
    """(3, 4): unit coordinates of the field to voxels of the moving image."""
    return _to_voxels(*data.to_moving_unit(), data.moving.grid.shape)


def _to_voxels(linear: Tensor, shift: Tensor, shape: tuple[int, ...]) -> Floats:
    """(3, 4): a map to unit coordinates of an image of shape (k, j, i, ...) as one to its voxels."""
    half = (np.asarray(shape[2::-1]) - 1) / 2
    return np.asarray(half[:, None] * np.column_stack([linear.double().numpy(), shift.double().numpy() + 1]), np.float32)


def _along_axes(data: StageData, knots: Knots) -> tuple[Floats, Ints, Floats]:
    """Of the voxels along each axis: positions (3, n), first control point (3, n) and weights of four (3, n, 4)."""
    grid, frame = data.fixed.grid, data.frame
    corner, step = frame.to_unit(grid.origin), np.linalg.inv(frame.axes) @ grid.affine[:3, :3]
    longest = max(grid.size)
    positions, firsts, weights = np.zeros((3, longest), np.float32), np.zeros((3, longest), np.int64), np.zeros((3, longest, 4), np.float32)
    for a, n in enumerate(grid.size):
        x = torch.as_tensor(corner[a] + step[a, a] * np.arange(n))
        first, t = locate(x, knots.start[a], knots.step[a], knots.count[a])
        positions[a, :n], firsts[a, :n], weights[a, :n] = x.numpy(), first.numpy(), basis(t).numpy()
    return positions, firsts, weights
