"""What it costs that two fields do not undo each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inr_registration.methods.passes import Pass
from inr_registration.methods.prepared import Prepared
from inr_registration.numerics.frame import Array


@dataclass(frozen=True, eq=False)
class Way:
    """How the displacements of two fields add up on the way from a point of the first image to the second and back.

    With unit coordinates ``p = c1 + S1 xi`` and ``q = c2 + S2 eta``, ``phi_1(p) = A(p + S1 u_1)`` and
    ``phi_2(q) = A^-1(q) + A^-1 S2 u_2``, a point comes back displaced by ``S1 u_1(xi) + A^-1 S2 u_2(eta)``, where
    ``eta = M (xi + u_1) + m``. Where eta leaves the box of the second field, that field goes on as at its border, as it
    does in ``Model``: what is fitted is what is evaluated later.

    Args:
        matrix: (3, 3) M, and
        shift: (3, 1) m.
        box: (2, 3, 1) of the second field, unit coordinates.
        out: (3, 3) S1.
        into: (3, 3), its inverse.
        home: (3, 3) A^-1 S2, with the linear part of A only.
        to_voxels: (3, 3), mm in the world to voxels of the first image.
    """

    matrix: Tensor
    shift: Tensor
    box: Tensor
    out: Tensor
    into: Tensor
    home: Tensor
    to_voxels: Tensor

    @classmethod
    def between(cls, first: Prepared, second: Prepared, affine: Array) -> Way:
        """The way from the fixed image of ``first`` to that of ``second``, which the affine (4, 4) brings together."""
        one, two, linear = first.frame, second.frame, affine[:3, :3]
        to_two = np.linalg.inv(two.axes)
        arrays = (
            to_two @ linear @ one.axes,
            (to_two @ (linear @ one.centre + affine[:3, 3] - two.centre))[:, None],
            second.box[:, :, None],
            one.axes,
            np.linalg.inv(linear) @ two.axes,
            np.linalg.inv(first.fixed.grid.affine[:3, :3]),
        )
        matrix, shift, box, out, home, voxels = (
            torch.as_tensor(array, dtype=torch.get_default_dtype(), device=first.device) for array in arrays
        )
        return cls(matrix, shift, box, out, torch.linalg.inv(out), home, voxels)

    def arrive(self, xi: Tensor, displacement: Tensor) -> tuple[Tensor, Tensor]:
        """Unit coordinates of the second field, clamped into its box, and which of them were inside, (3, n) both."""
        free = self.matrix @ (xi + displacement) + self.shift
        eta = free.maximum(self.box[0]).minimum(self.box[1])
        return eta, eta.detach() == free.detach()

    def miss(self, out: Pass, home: Pass, count: int) -> Tensor:
        """By how much points of the first image fail to come back to themselves, (3, n) LPS mm."""
        xi, there = out.look(count, 0)
        eta, _ = self.arrive(xi, there.value)
        return self.out @ there.value + self.home @ home.evaluate(eta, 0).value

    def miss_gradient(self, out: Pass, home: Pass, count: int) -> Tensor:
        """The derivative of the same by the point, (3, 3, n) without unit."""
        xi, there = out.look(count, 1)
        eta, inside = self.arrive(xi, there.value)
        back = home.evaluate(eta, 1)
        assert there.first is not None
        assert back.first is not None
        arriving = torch.einsum("ab,bcn->acn", self.matrix, there.first) + self.matrix[:, :, None]  # d eta / d xi
        returning = torch.einsum("abn,bcn->acn", back.first, arriving * inside[:, None])
        by_unit = torch.einsum("ab,bcn->acn", self.out, there.first) + torch.einsum("ab,bcn->acn", self.home, returning)
        return torch.einsum("abn,bc->acn", by_unit, self.into)


def value(way: Way, out: Pass, home: Pass, count: int) -> Tensor:
    """Mean of ``|Phi_B(Phi_F(x)) - x|^2`` in mm^2."""
    return (way.miss(out, home, count) ** 2).sum(dim=0).mean()


def gradient(way: Way, out: Pass, home: Pass, count: int) -> Tensor:
    """Mean squared Frobenius norm of the derivative of ``Phi_B(Phi_F(x)) - x`` (GradICON)."""
    return (way.miss_gradient(out, home, count) ** 2).sum(dim=(0, 1)).mean()


def voxel(way: Way, out: Pass, home: Pass, count: int) -> Tensor:
    """Mean over points and components of the squared miss in voxels of the image, as published."""
    return ((way.to_voxels @ way.miss(out, home, count)) ** 2).mean()


TERMS: dict[str, Callable[[Way, Pass, Pass, int], Tensor]] = {"value": value, "gradient": gradient, "voxel": voxel}
"""By ``Cycle.form``."""
