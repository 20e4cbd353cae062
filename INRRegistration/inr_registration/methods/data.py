"""The data of one stage: fixed intensities, and the moving ones at displaced points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.fields.lattice import Lattice
from inr_registration.images.features import Features
from inr_registration.numerics.constants import constant
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.held import Held
from inr_registration.numerics.sampling import Image, outside_distance, sample
from inr_registration.numerics.spline import apply_axes, axis_matrix
from inr_registration.terms.mind import mind_difference
from inr_registration.terms.similarity import Similarity, needs_blocks

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StageData:
    """Both images at one level, and how unit coordinates of the field reach the moving one.

    Args:
        fixed: Level of the fixed image, cropped to where it counts.
        fixed_weight: (D, H, W), 0 where the fixed image does not count.
        moving: Level of the moving image.
        moving_weight: (1, D, H, W), 0 where the moving image does not count.
        frame: Of the field.
        affine: (4, 4) world to world, applied after the displacement.
        similarity: Weights of the similarity terms.
        radius: Of the window of local NCC.
        outside_weight: Cost per voxel of leaving the moving image.
    """

    fixed: Image
    fixed_weight: Tensor
    moving: Image
    moving_weight: Tensor
    frame: Frame
    affine: Array
    similarity: Mapping[str, float]
    radius: int
    outside_weight: float

    def to_moving_unit(self) -> tuple[Tensor, Tensor]:
        """Matrix K and offset k: moving unit coordinates of ``xi + u`` are ``K @ (xi + u) + k`` (all maps are linear)."""
        matrix, offset = self.moving.world_to_unit()
        linear = matrix @ self.affine[:3, :3]
        shift = linear @ self.frame.centre + matrix @ self.affine[:3, 3] + offset
        like = self.fixed.values
        return torch.as_tensor(linear @ self.frame.axes).to(like), torch.as_tensor(shift).to(like)

    @cached_property
    def features(self) -> Features | None:
        """Of both images, where MIND is among the similarity terms; computed once."""
        return Features.of(self.fixed, self.moving, self.affine) if self.similarity.get("mind", 0) > 0 else None

    def compare(
        self,
        similarity: Callable[[Tensor, Tensor], dict[str, Tensor]],
        fixed_features: Tensor | None,
        unit: Tensor,
        weight: Tensor,
        started_inside: Tensor,
    ) -> dict[str, Tensor]:
        """Weighted similarity terms of the moving image at ``(3, ...)`` unit coordinates.

        ``similarity`` compares intensities; ``fixed_features`` (12, ...) are those of the same points where MIND is used.

        Points outside the moving image or its mask do not count. Those that were inside at the start of the stage pay
        for leaving, by the voxel, so that hiding bad matches outside does not pay and there is a slope back.
        """
        distance = outside_distance(unit, self.moving.grid.size)
        seen = (distance.detach() == 0) * sample(self.moving_weight, unit.detach())[0]
        terms = similarity(sample(self.moving.values, unit)[0], weight * seen)
        if self.features is not None and fixed_features is not None:
            unlike = mind_difference(fixed_features, self.features.moving.values, self.features.unit(unit), weight * seen)
            terms["mind"] = self.similarity["mind"] * unlike
        if self.outside_weight > 0:
            terms["outside"] = self.outside_weight * (distance * weight * started_inside).sum() / weight.sum().clamp(min=1e-8)
        return terms


class WholeLevel:
    """Every voxel of the level in each iteration; for lattices, whose evaluation there is separable.

    Args:
        data: Of the stage.
        lattice: Gives the knots; its coefficients are taken anew in each iteration.
    """

    def __init__(self, data: StageData, lattice: Lattice) -> None:
        self.data = data
        grid, frame, knots = data.fixed.grid, data.frame, lattice.knots
        corner, step = frame.to_unit(grid.origin), np.linalg.inv(frame.axes) @ grid.affine[:3, :3]
        like = data.fixed.values
        positions = [torch.as_tensor(corner[d] + step[d, d] * np.arange(grid.size[d])) for d in range(3)]
        matrices = [axis_matrix(positions[d], knots.start[d], knots.step[d], knots.count[d]) for d in range(3)]
        self.matrices = [m.to(like) for m in matrices]
        self.linear, shift = data.to_moving_unit()
        i, j, k = (p.to(like) for p in positions)
        self.base = (
            self.linear[:, 0, None, None, None] * i
            + self.linear[:, 1, None, None, None] * j[:, None]
            + self.linear[:, 2, None, None, None] * k[:, None, None]
            + shift[:, None, None, None]
        )
        self.started_inside = outside_distance(self.base, data.moving.grid.size) == 0
        self.similarity = Similarity(data.similarity, data.fixed.values, data.radius)

    def terms(self, coefficients: Tensor) -> dict[str, Tensor]:
        """Weighted similarity terms under these coefficients."""
        carried = torch.einsum("ab,b...->a...", self.linear, coefficients)
        unit = self.base + apply_axes(carried, *self.matrices[::-1])
        data = self.data
        features = None if data.features is None else data.features.fixed
        return data.compare(self.similarity_of_blocks, features, unit, data.fixed_weight, self.started_inside)

    def similarity_of_blocks(self, moving: Tensor, weight: Tensor) -> dict[str, Tensor]:
        """The level is one block."""
        return self.similarity(moving[None], weight[None])


class SampledPoints:
    """Random points, or random blocks of voxels where the similarity needs neighbours; for any field.

    Args:
        data: Of the stage.
        count: Points per iteration; fewer where the mask has fewer voxels.
        generator: Source of the random numbers, on the CPU.
    """

    def __init__(self, data: StageData, count: int, generator: torch.Generator) -> None:
        self.data, self.generator = data, generator
        self.linear, self.shift = data.to_moving_unit()
        self.index = Held(data.fixed.values.device)
        size = data.fixed.grid.size
        self.size = torch.tensor(size)
        self.candidates = torch.nonzero(data.fixed_weight.cpu().flatten() > 0)[:, 0]
        self.block = 1
        if needs_blocks(data.similarity):
            self.block = min(4 * data.radius + 1, *size)
        self.count = max(min(count, 4 * len(self.candidates)) // self.block**3, 1)
        matrix = np.linalg.inv(data.frame.axes) @ data.fixed.grid.affine[:3, :3]
        self.to_unit = torch.as_tensor(matrix).to(data.fixed.values)
        self.origin = torch.as_tensor(data.frame.to_unit(data.fixed.grid.origin)).to(data.fixed.values)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Random positions: ``index`` (3, n) voxels of the level, or (3, B, n, n, n), and ``xi``, the same in unit coordinates."""
        index = self._indices().to(self.data.fixed.values.device)
        return index, self.unit(index)

    def renew(self) -> None:
        """Draw random positions into the tensor that ``held`` gives."""
        self.index.take(self._indices())

    def held(self) -> tuple[Tensor, Tensor]:
        """What was drawn last by ``renew``, as ``draw`` gives it."""
        return self.index.tensor, self.unit(self.index.tensor)

    def unit(self, index: Tensor) -> Tensor:
        """Unit coordinates of (3, ...) voxels of the level, same shape."""
        return torch.einsum("ab,b...->a...", self.to_unit, index) + self.origin.reshape(3, *[1] * (index.dim() - 1))

    def _indices(self) -> Tensor:
        """Random voxels as ``draw`` gives them, on the CPU."""
        chosen = self.candidates[torch.randint(len(self.candidates), (self.count,), generator=self.generator)]
        i, j, k = chosen % self.size[0], chosen // self.size[0] % self.size[1], chosen // (self.size[0] * self.size[1])
        index = torch.stack([i, j, k]).to(torch.get_default_dtype())
        if self.block == 1:
            index = index + torch.rand(3, self.count, generator=self.generator) - 0.5
        else:
            reach = torch.arange(self.block, dtype=index.dtype)
            first = torch.minimum(index - self.block // 2, (self.size - self.block)[:, None]).clamp(min=0)
            kk, jj, ii = torch.meshgrid(reach, reach, reach, indexing="ij")
            index = first[:, :, None, None, None] + torch.stack([ii, jj, kk])[:, None]
        return index.to(self.data.fixed.values.dtype)

    def terms(self, index: Tensor, xi: Tensor, displacement: Tensor) -> dict[str, Tensor]:
        """Weighted similarity terms at drawn positions under these displacements (unit coordinates)."""
        data = self.data
        half = constant(tuple(max((n - 1) / 2, 0.5) for n in data.fixed.grid.size), index).reshape(3, *[1] * (index.dim() - 1))
        fixed_unit = index / half - 1
        fixed = sample(data.fixed.values, fixed_unit)[0]
        weight = sample(data.fixed_weight[None], fixed_unit, "nearest")[0]
        at = [1] * (index.dim() - 1)
        base = torch.einsum("ab,b...->a...", self.linear, xi) + self.shift.reshape(3, *at)
        unit = base + torch.einsum("ab,b...->a...", self.linear, displacement)
        started = outside_distance(base, data.moving.grid.size) == 0
        features = None if data.features is None else sample(data.features.fixed, fixed_unit)
        return data.compare(Similarity(data.similarity, fixed, data.radius), features, unit, weight, started)
