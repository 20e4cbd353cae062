"""The part of an image around what counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.numerics.sampling import Image


def crop_box(weight: npt.NDArray[np.bool_], margin: int) -> tuple[slice, slice, slice]:
    """Slices (k, j, i) around where a mask is set, widened by a margin."""
    slices = []
    for axis in range(3):
        hit = np.flatnonzero(weight.any(axis=tuple(a for a in range(3) if a != axis)))
        low, high = (int(hit[0]), int(hit[-1])) if len(hit) else (0, weight.shape[axis] - 1)
        slices.append(slice(max(low - margin, 0), min(high + margin + 1, weight.shape[axis])))
    return slices[0], slices[1], slices[2]


def cropped(image: Image, box: tuple[slice, slice, slice]) -> Image:
    """The part of an image in a box of slices (k, j, i)."""
    size = (box[2].stop - box[2].start, box[1].stop - box[1].start, box[0].stop - box[0].start)
    grid: Grid = image.grid.cropped([box[2].start, box[1].start, box[0].start], size)
    return Image(image.values[:, box[0], box[1], box[2]].contiguous(), grid)
