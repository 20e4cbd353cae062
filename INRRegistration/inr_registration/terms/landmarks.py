"""Pairs of landmarks that pull the map towards them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.numerics.frame import Frame

Array = npt.NDArray[np.float64]

SOFT_MM = 1.0
"""Distances well below this count by their square, those well above by themselves: a wrong pair does not take over."""


@dataclass(frozen=True, eq=False)
class LandmarkTerm:
    """The mean over pairs of ``sqrt(d^2 + SOFT_MM^2) - SOFT_MM``, d the distance between mapped and wanted point in mm.

    Args:
        xi: (3, n) unit coordinates of the points that the map starts from.
        target: (n, 3) where they should arrive, LPS mm.
        frame: Of the field.
        affine: (4, 4) world to world, applied after the displacement.
        weight: Per mm.
    """

    xi: Tensor
    target: Tensor
    frame: Frame
    affine: Array
    weight: float

    @classmethod
    def between(cls, source: Array, target: Array, frame: Frame, affine: Array, weight: float, device: torch.device) -> LandmarkTerm:
        """The term for (n, 3) world points that should be mapped onto (n, 3) others, in torch's default precision."""
        xi, wanted = (torch.as_tensor(a).to(device, torch.get_default_dtype()) for a in (frame.to_unit(source).T.copy(), target))
        return cls(xi, wanted, frame, affine, weight)

    def __call__(self, displacement: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        """The weighted term under a field that gives displacements at (3, n) points, both in unit coordinates."""
        linear, offset = self._to_moving
        mapped = (linear @ (self.xi + displacement(self.xi)) + offset[:, None]).T
        squared = (mapped - self.target).square().sum(dim=1)
        return {"landmarks": self.weight * ((squared + SOFT_MM**2).sqrt() - SOFT_MM).mean()}

    @cached_property
    def _to_moving(self) -> tuple[Tensor, Tensor]:
        """Matrix and offset: where ``xi + u`` arrives, LPS mm."""
        matrix = self.affine[:3, :3] @ self.frame.axes
        start = self.affine[:3, :3] @ self.frame.centre + self.affine[:3, 3]
        return torch.as_tensor(matrix).to(self.xi), torch.as_tensor(start).to(self.xi)
