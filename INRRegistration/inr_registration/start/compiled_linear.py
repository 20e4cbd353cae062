"""The objective of the linear pre-alignment and its derivative, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.numerics.kernels.arrays import arrays_of, sure_cells
from inr_registration.numerics.kernels.jit import Doubles, Floats, Ints, Signs, compiled, run
from inr_registration.numerics.kernels.warp import between, held_within, read
from inr_registration.terms.compiled_comparison import Comparison

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
    sure: Signs,
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
        sure: As in ``warp.warp``.
        values: (D, H, W), out; beyond the outermost centres the border value.
        slopes: (3, D, H, W), out: derivative of the value by the position; 0 along axes where it is beyond.
        seen: (D, H, W), out: the moving weight; 0 beyond the outermost centres.
        beyond: (3, D, H, W), out: by how many voxels a position is further out, with the sign of the side.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        flat, flat_weight, height, width = moving.ravel(), moving_weight.ravel(), moving.shape[1], moving.shape[2]
        high_x, high_y, high_z = np.float32(width - 1), np.float32(height - 1), np.float32(moving.shape[0] - 1)
        for k in range(start, end):
            for j in range(values.shape[1]):
                for i in range(values.shape[2]):
                    x, y, z = np.float32(i), np.float32(j), np.float32(k)
                    at_x = carry[0, 0] * x + carry[0, 1] * y + carry[0, 2] * z + carry[0, 3]
                    at_y = carry[1, 0] * x + carry[1, 1] * y + carry[1, 2] * z + carry[1, 3]
                    at_z = carry[2, 0] * x + carry[2, 1] * y + carry[2, 2] * z + carry[2, 3]
                    if 0 < at_x < high_x and 0 < at_y < high_y and 0 < at_z < high_z:
                        corner = (int(at_z) * height + int(at_y)) * width + int(at_x)
                        f, g, h = at_x - np.float32(int(at_x)), at_y - np.float32(int(at_y)), at_z - np.float32(int(at_z))
                        values[k, j, i], dx, dy, dz = between(flat, corner, 1, width, width * height, f, g, h)
                        slopes[0, k, j, i], slopes[1, k, j, i], slopes[2, k, j, i] = dx, dy, dz
                        beyond[0, k, j, i], beyond[1, k, j, i], beyond[2, k, j, i], seen[k, j, i] = 0, 0, 0, 1
                        if sure.size > 0 and sure[corner] == 0:
                            seen[k, j, i] = read(flat_weight, moving_weight.shape, at_x, at_y, at_z)[0]
                    else:
                        near_x, near_y, near_z = held_within(at_x, high_x), held_within(at_y, high_y), held_within(at_z, high_z)
                        value, dx, dy, dz = read(flat, moving.shape, near_x, near_y, near_z)
                        values[k, j, i] = value
                        out_x, out_y, out_z = at_x - near_x, at_y - near_y, at_z - near_z
                        slopes[0, k, j, i] = dx if 0 < at_x < high_x else 0
                        slopes[1, k, j, i] = dy if 0 < at_y < high_y else 0
                        slopes[2, k, j, i] = dz if 0 < at_z < high_z else 0
                        beyond[0, k, j, i], beyond[1, k, j, i], beyond[2, k, j, i] = out_x, out_y, out_z
                        within = out_x == 0 and out_y == 0 and out_z == 0
                        seen[k, j, i] = 1 if within else 0
                        if within and sure.size > 0:
                            seen[k, j, i] = read(flat_weight, moving_weight.shape, near_x, near_y, near_z)[0]


@compiled
def moments(ranges: Ints, which: int, step: int, fixed: Floats, values: Floats, weight: Floats, seen: Floats, totals: Doubles) -> None:
    """Weighted sums over voxels of 1, a, b, a^2, b^2 and a b, with a the fixed and b the warped values, in (parts, 6) ``totals``."""
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        sums = np.zeros(6)
        for k in range(start, end):
            for j in range(values.shape[1]):
                for i in range(values.shape[2]):
                    w, a, b = weight[k, j, i] * seen[k, j, i], fixed[k, j, i], values[k, j, i]
                    sums[0] += w
                    sums[1] += w * a
                    sums[2] += w * b
                    sums[3] += w * a * a
                    sums[4] += w * b * b
                    sums[5] += w * a * b
        for n in range(6):
            totals[number, n] = sums[n]


@compiled
def gather(
    ranges: Ints,
    which: int,
    step: int,
    fixed: Floats,
    values: Floats,
    weight: Floats,
    seen: Floats,
    push: Floats,
    of_value: Doubles,
    slopes: Floats,
    beyond: Floats,
    totals: Doubles,
) -> None:
    """What the derivative by the map and the cost of leaving are made of.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        fixed: (D, H, W).
        values: (D, H, W) warped.
        weight: (D, H, W) of the fixed image.
        seen: (D, H, W) of the moving image.
        push: (D, H, W) derivative of the objective by the values.
        of_value: (3,): the push of the whole correlation is these times a, b and 1, times the weights.
        slopes: (3, D, H, W) as in ``warp_linear``.
        beyond: (3, D, H, W) as in ``warp_linear``.
        totals: (parts, 3, 9), out, for each axis: the push times the slope, and the weighted side on which a voxel is beyond,
            both summed times i, j, k and 1; and the weighted distance beyond.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        by_a, by_b, by_one = np.float32(of_value[0]), np.float32(of_value[1]), np.float32(of_value[2])
        totals[number] = 0
        line = np.zeros((3, 5))
        for k in range(start, end):
            for j in range(values.shape[1]):
                line[:] = 0
                for i in range(values.shape[2]):
                    w, at = weight[k, j, i], np.float32(i)
                    pull = push[k, j, i] + w * seen[k, j, i] * (by_a * fixed[k, j, i] + by_b * values[k, j, i] + by_one)
                    for a in range(3):
                        by, out = pull * slopes[a, k, j, i], beyond[a, k, j, i]
                        line[a, 0] += by
                        line[a, 1] += by * at
                        if out != 0:
                            side = w if out > 0 else -w
                            line[a, 2] += side
                            line[a, 3] += side * at
                            line[a, 4] += side * out
                for a in range(3):
                    for first, sums in ((0, line[a, 0:2]), (4, line[a, 2:4])):
                        totals[number, a, first] += sums[1]
                        totals[number, a, first + 1] += sums[0] * j
                        totals[number, a, first + 2] += sums[0] * k
                        totals[number, a, first + 3] += sums[0]
                    totals[number, a, 8] += line[a, 4]


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
        self.sure = sure_cells(self.moving_weight)
        self.similarity, self.structureless = similarity, structureless
        self.half = (np.asarray(self.moving.shape[::-1]) - 1) / 2
        shape = self.compared.fixed.shape
        self.values, self.seen = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.slopes, self.beyond = np.zeros((3, *shape), np.float32), np.zeros((3, *shape), np.float32)
        self.total = float(self.compared.weight.sum())
        count = len(self.compared.ranges)
        self.sums, self.gathered = np.zeros((count, 6)), np.zeros((count, 3, 9))

    def loss(self, carry: Tensor) -> Tensor:
        """The objective of (3, 4) ``carry``: fixed voxel (i, j, k, 1) to moving voxel; float64."""
        value: Tensor = _Loss.apply(carry, self)
        return value

    def evaluate(self, carry: Array) -> tuple[float, Array]:
        """The objective and its derivative by ``carry``, (3, 4)."""
        compared, weights = self.compared, self.similarity
        images = compared.fixed, self.values, compared.weight, self.seen
        run(
            warp_linear, compared.ranges, carry.astype(np.float32), self.moving, self.moving_weight, self.sure, self.values, self.slopes,
            self.seen, self.beyond,
        )  # fmt: skip
        local, squares = compared.forward(self.values, self.seen)
        push = compared.backward(self.values, self.seen, weights.get("local_ncc", 0.0), weights.get("mse", 0.0))
        run(moments, compared.ranges, *images, self.sums)
        whole, pull, seen = _correlation(self.sums.sum(axis=0))
        run(gather, compared.ranges, *images, push, weights.get("ncc", 0.0) * pull, self.slopes, self.beyond, self.gathered)
        gathered, outward = self.gathered.sum(axis=0), OUTSIDE / (self.total * self.half)
        unlike = weights.get("local_ncc", 0.0) * local + weights.get("mse", 0.0) * squares + weights.get("ncc", 0.0) * whole
        share = seen / self.total
        away = float((outward * gathered[:, 8]).sum())
        return share * unlike + (1 - share) * self.structureless + away, share * gathered[:, :4] + outward[:, None] * gathered[:, 4:8]


def _correlation(sums: Doubles) -> tuple[float, Doubles, float]:
    """One minus the correlation of all values, its derivative as ``gather`` takes it, and the weight seen, from ``moments``."""
    seen = max(float(sums[0]), LEAST)
    _, a, b, aa, bb, ab = (sums / seen).tolist()
    own, other, both = max(aa - a * a, 0.0), max(bb - b * b, 0.0), ab - a * b
    root = float(np.sqrt(own * other + LEAST**2))
    by_b, by_a = both * own / root**3 / seen, -1 / root / seen
    return 1 - both / root, np.array([by_a, by_b, -by_a * a - by_b * b]), float(sums[0])


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
