"""The warped image as the user wants it."""

from __future__ import annotations

from dataclasses import dataclass

from inr_registration.core.grid import Grid
from inr_registration.core.result import SplineTransform
from inr_registration.core.volume import Volume
from inr_registration.io.itk_map import ItkMap
from inr_registration.io.transforms import to_itk
from inr_registration.maps.warp import pull_image


@dataclass(frozen=True, eq=False)
class Drawing:
    """How the warped image is written where it is not to be as the fit drew it.

    Args:
        grid: In the fixed image's space.
        interpolation: ``linear``, ``nearest`` or ``cubic``.
    """

    grid: Grid
    interpolation: str = "linear"

    def of(self, moving: Volume, transform: SplineTransform) -> Volume:
        """The moving image through a transform, on this grid."""
        displacement = ItkMap(to_itk(transform)).displacement_on(self.grid)
        return Volume(pull_image(moving, self.grid, displacement, self.interpolation), self.grid, "warped")
