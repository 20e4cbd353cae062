"""How to turn intensities into grey, and two images into a difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.problem import Problem
from inr_registration.core.result import Result
from inr_registration.report.overview import Overview, covered
from inr_registration.report.raster import finite

Array = npt.NDArray[np.float64]
Window = tuple[float, float]

PERCENTILES = (1.0, 99.5)
AGREE = 0.7
"""Two intensity ranges agree where their common part is more than this share of what they span together."""
RELATED = 0.3
"""Below this correlation under the affine alignment the images are taken to show different contrasts."""


@dataclass(frozen=True)
class Contrast:
    """How the images of one problem are made comparable.

    Args:
        fixed: Intensities of the fixed image shown as black and white.
        moving: The same for the moving image; equal to ``fixed`` where the ranges agree.
        correlation: Of the fixed and the affinely aligned image where both show something, -1 to 1.
        fixed_scale: Mean and standard deviation of the fixed image there.
        moving_scale: The same of the aligned image; a negative deviation where bright and dark are exchanged.
    """

    fixed: Window
    moving: Window
    correlation: float
    fixed_scale: Window
    moving_scale: Window

    @property
    def direct(self) -> bool:
        """Whether one window serves both images, so that their intensities can be subtracted as they are."""
        return self.fixed == self.moving

    @property
    def related(self) -> bool:
        """Whether bright is bright in both images."""
        return self.correlation > RELATED

    def difference(self, fixed: npt.NDArray[np.generic], moved: npt.NDArray[np.generic]) -> Array:
        """Absolute difference of two pictures: in intensities where direct, else in standard deviations."""
        a, b = finite(fixed), finite(moved)
        if not self.direct:
            a, b = (a - self.fixed_scale[0]) / self.fixed_scale[1], (b - self.moving_scale[0]) / self.moving_scale[1]
        return np.asarray(np.abs(a - b))


def contrast(problem: Problem, result: Result, seen: Overview) -> Contrast:
    """Choose windows and the kind of difference from the images themselves."""
    fixed = finite(seen.thin(problem.fixed.values))
    made = result.derived
    moving = fixed if made is None else finite(seen.thin(made.aligned))  # not warped: what went wrong can make contrasts look alike
    shared = seen.foreground if made is None else seen.foreground & covered(moving)
    shared = shared if shared.any() else seen.foreground
    counted = seen.foreground if problem.fixed_mask is not None else np.ones_like(seen.foreground)
    first, second = robust_window(fixed[counted]), robust_window(moving[counted])
    a, b = fixed[shared], moving[shared]
    spread = max(float(a.std()), 1e-12), max(float(b.std()), 1e-12)
    correlation = float(((a - a.mean()) * (b - b.mean())).mean()) / (spread[0] * spread[1])
    same = overlap(first, second) > AGREE and correlation > RELATED
    return Contrast(
        fixed=first,
        moving=first if same else second,
        correlation=correlation,
        fixed_scale=(float(a.mean()), spread[0]),
        moving_scale=(float(b.mean()), spread[1] if correlation >= 0 else -spread[1]),
    )


def robust_window(values: Array) -> Window:
    """The percentiles of the values that are shown as black and white; widened where they coincide."""
    low, high = (float(value) for value in np.percentile(values, PERCENTILES))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low, low + 1.0)


def overlap(first: Window, second: Window) -> float:
    """Common part of two ranges over what they span together, 0 to 1."""
    common = min(first[1], second[1]) - max(first[0], second[0])
    return max(common, 0.0) / (max(first[1], second[1]) - min(first[0], second[0]))
