"""Whether pairs of landmarks can be what they are said to be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid

Array = npt.NDArray[np.float64]

FEWEST = 8
"""Pairs without which an affine map fits whatever they are."""
SHUFFLES = 25
"""So many random pairings say what chance leaves."""
HARDLY = 0.6
"""An affine map that leaves more than this share of what it leaves of a random pairing tells that the pairing is next to random."""


def check_landmarks(fixed: Array, moving: Array, fixed_grid: Grid, moving_grid: Grid) -> list[str]:
    """What is odd about pairs of landmarks, in sentences.

    Args:
        fixed: (n, 3) LPS mm.
        moving: (n, 3) LPS mm, row i belongs to row i of the others.
        fixed_grid: Of the image that the first ones lie in.
        moving_grid: Of the other image.
    """
    said = []
    for name, points, grid in (("fixed", fixed, fixed_grid), ("moving", moving, moving_grid)):
        outside = int((~grid.contains(points)).sum())
        if outside:
            said.append(f"{outside} of {len(points)} {name} landmarks lie outside the {name} image: check their frame (LPS or RAS)")
    if len(fixed) >= FEWEST:
        left, chance = _left(fixed, moving), _by_chance(fixed, moving)
        if left > HARDLY * chance:
            said.append(
                f"no affine map brings the landmarks closer than {left:.3g} mm, where random pairs are left {chance:.3g} mm apart: "
                "they are probably paired wrongly; look at their order in both files"
            )
    return said


def _left(fixed: Array, moving: Array) -> float:
    """Mean distance that the best affine map leaves, mm."""
    ones = np.column_stack([fixed, np.ones(len(fixed))])
    solution = np.linalg.lstsq(ones, moving, rcond=None)[0]
    return float(np.linalg.norm(ones @ solution - moving, axis=1).mean())


def _by_chance(fixed: Array, moving: Array) -> float:
    generator = np.random.default_rng(0)
    return float(np.median([_left(fixed, moving[generator.permutation(len(moving))]) for _ in range(SHUFFLES)]))
