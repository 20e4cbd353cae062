"""What the linear pre-alignment sees of two images."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from inr_registration.numerics.sampling import Image


@dataclass(frozen=True, eq=False)
class AffineLevel:
    """Both images at one coarse spacing.

    Args:
        fixed: Level of the fixed image.
        fixed_weight: (D, H, W), where the fixed image counts.
        moving: Level of the moving image.
        moving_weight: Level of the moving mask.
        reach: mm that a unit of translation stands for.
    """

    fixed: Image
    fixed_weight: Tensor
    moving: Image
    moving_weight: Tensor
    reach: float
