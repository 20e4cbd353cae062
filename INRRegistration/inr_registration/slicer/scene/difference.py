"""Fixed minus warped, with the sign kept; pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.slicer.scene.contrast import Match

Floats = npt.NDArray[np.float32]


def difference(fixed: npt.NDArray[np.generic], warped: npt.NDArray[np.generic], how: Match) -> Floats:
    """``fixed - (scale * warped + shift)``.

    Args:
        fixed: (k, j, i).
        warped: (k, j, i) on the same grid.
        how: From ``contrast.match``.

    Returns:
        (k, j, i) in intensities of the fixed image; 0 where one of them is not finite.
    """
    out = np.multiply(warped, np.float32(-how.scale), dtype=np.float32)
    out += fixed
    out -= np.float32(how.shift)
    return np.nan_to_num(out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def half_range(how: Match) -> float:
    """The difference that takes the strongest colour: half of what the fixed image spans."""
    return max((how.window[1] - how.window[0]) / 2, 1e-6)
