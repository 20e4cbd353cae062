"""Local correlation and squared differences between a fixed image and one that changes, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from inr_registration.numerics.kernels import correlation
from inr_registration.numerics.kernels.jit import Doubles, Floats, Ints, parts, run
from inr_registration.terms.similarity import FixedWindows

LEAST = 1e-8


class Comparison:
    """Both terms and their derivative, where a fixed weight is above 0.

    Args:
        fixed: (D, H, W).
        weight: (D, H, W), 0 where the fixed image does not count.
        radius: Of the window of local correlation, voxels.
    """

    def __init__(self, fixed: Floats, weight: Floats, radius: int) -> None:
        self.fixed, self.weight, self.radius = fixed, weight, radius
        windows = FixedWindows(torch.from_numpy(fixed)[None], radius)
        self.mean, self.variance = windows.mean[0].numpy(), windows.variance[0].numpy()
        self.window_counts = _window_counts(fixed.shape, radius)
        self.inner = _rows(weight > 0)
        self.rows = _rows(_widened(weight > 0, radius))
        self.ranges = parts(fixed.shape[0], fixed.size)
        self.sums, self.pulls = np.zeros((4, *fixed.shape), np.float32), np.zeros((4, *fixed.shape), np.float32)
        self.push = np.zeros(fixed.shape, np.float32)
        self.totals: Doubles = np.zeros((len(self.ranges), 3))
        self.counted = 1.0

    def forward(self, values: Floats, seen: Floats) -> tuple[float, float]:
        """One minus the mean local correlation with these values, and the mean squared difference.

        Args:
            values: (D, H, W), needed in ``rows``.
            seen: (D, H, W), by which the fixed weight is multiplied.
        """
        run(correlation.window_sums, self.ranges, self.radius, self.rows, self.fixed, values, self.sums)
        run(
            correlation.correlate, self.ranges, self.radius, self.inner, self.window_counts, self.fixed, self.mean, self.variance,
            values, self.weight, seen, self.sums, self.pulls, self.totals,
        )  # fmt: skip
        agreed, differed, counted = self.totals.sum(axis=0).tolist()
        self.counted = max(counted, LEAST)
        return 1 - agreed / self.counted, differed / self.counted

    def backward(self, values: Floats, seen: Floats, of_correlation: float, of_difference: float) -> Floats:
        """Derivative by the values, given that of the objective by what ``forward`` gave for them; changed by the next call."""
        run(correlation.pull_sums, self.ranges, self.radius, self.rows, self.pulls, self.sums)
        run(
            correlation.derive, self.ranges, self.radius, self.rows, self.fixed, values, self.weight, seen, self.sums,
            -of_correlation / self.counted, of_difference / self.counted, self.push,
        )  # fmt: skip
        return self.push


def _widened(mask: npt.NDArray[np.bool_], radius: int) -> npt.NDArray[np.bool_]:
    """All voxels of the windows around a mask's voxels."""
    for axis in range(3):
        mask = np.asarray(ndimage.maximum_filter1d(mask.view(np.uint8), 2 * radius + 1, axis=axis, mode="constant")).view(np.bool_)
    return mask


def _rows(mask: npt.NDArray[np.bool_]) -> Ints:
    """First voxel along x in each row of a (D, H, W) mask, and one after the last: (D, H, 2); 0 and 0 in empty rows."""
    width = mask.shape[2]
    first, last = mask.argmax(axis=2), width - mask[:, :, ::-1].argmax(axis=2)
    empty = ~mask.any(axis=2)
    return np.stack([np.where(empty, 0, first), np.where(empty, 0, last)], axis=-1).astype(np.int64)


def _window_counts(shape: tuple[int, ...], radius: int) -> Floats:
    """Voxels within reach along x, y and z at each position, (3, n)."""
    counts = np.zeros((3, max(shape)), np.float32)
    for a, n in enumerate(shape[::-1]):
        at = np.arange(n)
        counts[a, :n] = np.minimum(at + radius, n - 1) - np.maximum(at - radius, 0) + 1
    return counts
