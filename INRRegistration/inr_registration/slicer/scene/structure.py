"""One label of both images, as the quality tables show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Structure:
    """A segment on the fixed grid.

    Args:
        name: Of the segment.
        first: Voxel (i, j, k) of the fixed grid at which ``mask`` starts.
        mask: (k, j, i), cropped to the segment's bounding box.
    """

    name: str
    first: tuple[int, int, int]
    mask: Mask
