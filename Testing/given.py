"""What follows from a map, where it is made up: arrays instead of a spline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core import WHOLE, Part

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Given:
    """``Derived`` from arrays: the displacement (k, j, i, 3) in LPS mm, and the moving image before and after the affine part."""

    shift: Floats
    start: Floats
    middle: Floats

    def displacement(self, part: Part = WHOLE) -> Floats:
        return self.shift[part]

    def before(self, part: Part = WHOLE) -> Floats:
        return self.start[part]

    def aligned(self, part: Part = WHOLE) -> Floats:
        return self.middle[part]
