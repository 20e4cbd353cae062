"""Whether intensities mean the same in two images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from torch import Tensor

from inr_registration.core.grid import Grid
from inr_registration.images.features import parallel
from inr_registration.numerics.sampling import Image

Array = npt.NDArray[np.float64]

SURROUND = 0.08
"""Scaled intensities up to this are the dark surround, not the body."""
FEWEST = 100
"""Voxels without which nothing can be said."""
SAME_CONTRAST, SURELY = 0.5, 0.6
"""Correlation after the pre-alignment from which on intensities are taken to mean the same in both images, and surely so,"""
SAME_LOCALLY, SURELY_LOCALLY = 0.2, 1 / 3
"""if small windows agree by this much, too: T1 and T2 images correlate by what is fluid, bone and air, not by their tissues."""
WINDOW = 5
"""Voxels of a window along each axis."""


@dataclass(frozen=True)
class Contrast:
    """How the intensities of two aligned images relate, where both show something.

    The dark surround is left out on purpose: it agrees in any two modalities and would hide that they differ.

    Args:
        correlation: Of all intensities; not a number where too few voxels show something in both images.
        local: Mean correlation, with its sign, of small windows inside the body; not a number where there are too few of them.
        gain: Factor and summand that bring the moving intensities to the mean and spread of the fixed ones; 1 and 0 where
            they do not correlate.
    """

    correlation: float
    local: float
    gain: tuple[float, float]

    @property
    def same(self) -> bool:
        """Whether intensities mean the same."""
        return self.correlation >= SAME_CONTRAST and not self.local < SAME_LOCALLY

    @property
    def similar(self) -> bool:
        """Whether they do but for a factor that changes slowly from place to place, which small windows do not see."""
        return self.correlation > 0 and not self.local < SURELY_LOCALLY

    @property
    def surely_same(self) -> bool:
        """Whether they do so beyond doubt, though the alignment may have been led by the belief that they do."""
        return self.correlation >= SURELY and not self.local < SURELY_LOCALLY

    @property
    def measured(self) -> bool:
        """Whether anything could be seen."""
        return not np.isnan(self.correlation)

    @property
    def words(self) -> str:
        """What was seen, for people; what could not be measured is not given as a figure."""
        if not self.measured:
            return "(too few voxels show something in both images to tell)"
        windows = "too few small windows to tell" if np.isnan(self.local) else f"{self.local:.2f} in small windows"
        return f"(correlation {self.correlation:.2f} inside both after alignment, {windows})"


def compare(fixed: Image, fixed_weight: Tensor, moving: Image, moving_weight: Tensor, affine: Array) -> Contrast:
    """Look at two images.

    Args:
        fixed: ``(1, D, H, W)``, scaled to [0, 1].
        fixed_weight: ``(D, H, W)``, 0 where it does not count.
        moving: The same of the moving image, on its own grid.
        moving_weight: ``(1, D', H', W')``.
        affine: (4, 4), fixed to moving world.
    """
    seen_from = Grid(fixed.grid.size, affine @ fixed.grid.affine)
    a, b = (values.cpu().double().numpy() for values in (fixed.values[0], parallel(moving, seen_from).values[0]))
    inside = (
        moving.grid.contains(seen_from.all_points(), 0)
        & (parallel(Image(moving_weight, moving.grid), seen_from).values[0] > 0).cpu().numpy()
    )
    shown = inside & (fixed_weight > 0).cpu().numpy() & (a > SURROUND) & (b > SURROUND)
    seen_a, seen_b = a[shown], b[shown]
    if len(seen_a) <= FEWEST or not (seen_a.std() > 0 and seen_b.std() > 0):
        return Contrast(float("nan"), float("nan"), (1.0, 0.0))
    correlation = float(np.corrcoef(seen_a, seen_b)[0, 1])
    slope = float(seen_a.std() / seen_b.std())
    gain = (slope, float(seen_a.mean() - slope * seen_b.mean())) if correlation > 0 else (1.0, 0.0)
    return Contrast(correlation, _local(a, b, shown), gain)


def _local(a: Array, b: Array, shown: npt.NDArray[np.bool_]) -> float:
    """Mean correlation of the windows that lie wholly where both images show something; not a number where there are too few."""
    core = ndimage.binary_erosion(shown, np.ones((WINDOW,) * 3))
    if core.sum() <= FEWEST:
        return float("nan")

    def mean(values: Array) -> Array:
        return np.asarray(ndimage.uniform_filter(values, WINDOW)[core])

    own, other, both = mean(a * a) - mean(a) ** 2, mean(b * b) - mean(b) ** 2, mean(a * b) - mean(a) * mean(b)
    return float((both / np.sqrt(np.maximum(own * other, 1e-12))).mean())
