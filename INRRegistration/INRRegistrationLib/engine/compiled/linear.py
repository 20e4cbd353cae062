"""The objective of the linear pre-alignment and its derivative, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from INRRegistrationLib.engine.compiled.comparison import Comparison
from INRRegistrationLib.engine.compiled.jit import Floats, Ints, compiled, run
from INRRegistrationLib.engine.compiled.level import arrays_of
from INRRegistrationLib.engine.compiled.warp import held_within, read

Array = npt.NDArray[np.float64]

OUTSIDE = 0.1
"""Cost of a point that lies half an image's size outside it, over that of the whole similarity."""
LEAST = 1e-8


@compiled
def warp_linear(
    ranges: Ints,
    which: int,
    step: int,
    carry: Floats,
    moving: Floats,
    moving_weight: Floats,
    values: Floats,
    slopes: Floats,
    seen: Floats,
    beyond: Floats,
) -> None:
    """Read the moving image at ``carry @ (i, j, k, 1)`` (its voxels) for voxels of the fixed one.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        carry: (3, 4).
        moving: (D', H', W').
        moving_weight: The same shape, or of size 0 where the moving image counts everywhere.
        values: (D, H, W), out; beyond the outermost centres the border value.
        slopes: (3, D, H, W), out: derivative of the value by the position; 0 along axes where it is beyond.
        seen: (D, H, W), out: the moving weight; 0 beyond the outermost centres.
        beyond: (3, D, H, W), out: by how many voxels a position is further out, with the sign of the side.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        high_x, high_y, high_z = np.float32(moving.shape[2] - 1), np.float32(moving.shape[1] - 1), np.float32(moving.shape[0] - 1)
        for k in range(start, end):
            for j in range(values.shape[1]):
                for i in range(values.shape[2]):
                    x, y, z = np.float32(i), np.float32(j), np.float32(k)
                    at_x = carry[0, 0] * x + carry[0, 1] * y + carry[0, 2] * z + carry[0, 3]
                    at_y = carry[1, 0] * x + carry[1, 1] * y + carry[1, 2] * z + carry[1, 3]
                    at_z = carry[2, 0] * x + carry[2, 1] * y + carry[2, 2] * z + carry[2, 3]
                    near_x, near_y, near_z = held_within(at_x, high_x), held_within(at_y, high_y), held_within(at_z, high_z)
                    value, dx, dy, dz = read(moving, near_x, near_y, near_z)
                    values[k, j, i] = value
                    out_x, out_y, out_z = at_x - near_x, at_y - near_y, at_z - near_z
                    slopes[0, k, j, i] = dx if 0 < at_x < high_x else 0
                    slopes[1, k, j, i] = dy if 0 < at_y < high_y else 0
                    slopes[2, k, j, i] = dz if 0 < at_z < high_z else 0
                    beyond[0, k, j, i], beyond[1, k, j, i], beyond[2, k, j, i] = out_x, out_y, out_z
                    if out_x != 0 or out_y != 0 or out_z != 0:
                        seen[k, j, i] = 0
                    elif moving_weight.size > 0:
                        seen[k, j, i] = read(moving_weight, near_x, near_y, near_z)[0]
                    else:
                        seen[k, j, i] = 1


class LinearLevel:
    """How unlike two images are under a linear map, as ``start.affine.objective`` has it, with the derivative by the map.

    Args:
        fixed: (1, D, H, W) float32 on the CPU.
        fixed_weight: (D, H, W).
        moving: (1, D', H', W'), at least two voxels along each axis.
        moving_weight: The same shape.
        similarity: Weights of local_ncc, mse and ncc; no other term.
        radius: Of the window of local correlation.
        structureless: What the similarity is where the moving image shows nothing.
    """

    def __init__(
        self,
        fixed: Tensor,
        fixed_weight: Tensor,
        moving: Tensor,
        moving_weight: Tensor,
        similarity: Mapping[str, float],
        radius: int,
        structureless: float,
    ) -> None:
        self.compared = Comparison(fixed[0].contiguous().numpy(), fixed_weight.contiguous().numpy(), radius)
        self.moving, self.moving_weight = arrays_of(moving, moving_weight)
        self.similarity, self.structureless = similarity, structureless
        self.half = (np.asarray(self.moving.shape[::-1]) - 1) / 2
        shape = self.compared.fixed.shape
        self.values, self.seen = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.slopes, self.beyond = np.zeros((3, *shape), np.float32), np.zeros((3, *shape), np.float32)
        self.total = float(self.compared.weight.sum())

    def loss(self, carry: Tensor) -> Tensor:
        """The objective of (3, 4) ``carry``: fixed voxel (i, j, k, 1) to moving voxel; float64."""
        value: Tensor = _Loss.apply(carry, self)
        return value

    def evaluate(self, carry: Array) -> tuple[float, Array]:
        """The objective and its derivative by ``carry``, (3, 4)."""
        compared, weights = self.compared, self.similarity
        run(
            warp_linear, compared.ranges, carry.astype(np.float32), self.moving, self.moving_weight, self.values, self.slopes, self.seen,
            self.beyond,
        )  # fmt: skip
        local, squares = compared.forward(self.values, self.seen)
        push = compared.backward(self.values, self.seen, weights.get("local_ncc", 0.0), weights.get("mse", 0.0))
        whole, pull = self._correlation() if weights.get("ncc", 0) > 0 else (0.0, push * 0)
        unlike = weights.get("local_ncc", 0.0) * local + weights.get("mse", 0.0) * squares + weights.get("ncc", 0.0) * whole
        share = float((compared.weight * self.seen).sum()) / self.total
        outward = compared.weight * (OUTSIDE / self.total)
        away = sum(float((np.abs(beyond) * outward).sum()) / half for beyond, half in zip(self.beyond, self.half, strict=True))
        by_value = share * (push + weights.get("ncc", 0.0) * pull)
        slope = np.empty((3, 4))
        for a in range(3):
            slope[a] = _moments(by_value * self.slopes[a] + outward * np.sign(self.beyond[a]) / np.float32(self.half[a]))
        return share * unlike + (1 - share) * self.structureless + away, slope

    def _correlation(self) -> tuple[float, Floats]:
        """One minus the correlation of all values, and its derivative by the warped ones."""
        weight = self.compared.weight * self.seen
        weight = weight / max(float(weight.sum()), LEAST)
        a, b = self.compared.fixed, self.values
        a, b = a - float((weight * a).sum()), b - float((weight * b).sum())
        own, other, both = float((weight * a * a).sum()), float((weight * b * b).sum()), float((weight * a * b).sum())
        root = float(np.sqrt(own * other + LEAST**2))
        return 1 - both / root, weight * (b * np.float32(both * own / root**3) - a * np.float32(1 / root))


class _Loss(torch.autograd.Function):
    """``LinearLevel`` to automatic differentiation; the derivative is made along with the value."""

    @staticmethod
    def forward(ctx: Any, carry: Tensor, level: LinearLevel) -> Tensor:
        value, slope = level.evaluate(carry.detach().numpy())
        ctx.save_for_backward(torch.from_numpy(slope).to(carry))
        return carry.new_tensor(value)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] * ctx.saved_tensors[0], None


def _moments(values: Floats) -> Array:
    """Sums of (D, H, W) values times i, j, k and 1: (4,)."""
    depth, height, width = values.shape
    planes, rows = values.sum(axis=2, dtype=np.float64), values.sum(axis=(0, 1), dtype=np.float64)
    return np.array([rows @ np.arange(width), planes.sum(axis=0) @ np.arange(height), planes.sum(axis=1) @ np.arange(depth), planes.sum()])
