"""Any geometry that an image may have, for tests of properties."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inr_registration.core import Grid


@st.composite
def grids(
    draw: Any, sizes: tuple[int, int] = (2, 7), spacings: tuple[float, float] = (1e-3, 1e2), ratio: float = 1e3, origin: float = 1e5
) -> Grid:
    """Oblique, mirrored, sheared and anisotropic grids.

    Args:
        draw: Given by hypothesis.
        sizes: Fewest and most voxels along an axis.
        spacings: Smallest and largest, mm.
        ratio: Of the largest spacing to the smallest of one grid, at most.
        origin: Farthest from the world's, mm.
    """
    exponents = st.floats(float(np.log10(spacings[0])), float(np.log10(spacings[1])))
    first = 10 ** draw(exponents)
    steps = np.array([first, *(np.clip(10 ** draw(exponents), first / ratio**0.5, first * ratio**0.5) for _ in range(2))])
    turn = Rotation.from_euler("xyz", [draw(st.floats(-180, 180)) for _ in range(3)], degrees=True).as_matrix()
    mirror = np.diag([draw(st.sampled_from([1.0, -1.0])) for _ in range(3)])
    shear = np.eye(3)
    if draw(st.booleans()):
        shear[0, 1], shear[0, 2], shear[1, 2] = (draw(st.floats(-0.4, 0.4)) for _ in range(3))
    affine = np.eye(4)
    affine[:3, :3] = turn @ shear @ mirror * steps
    affine[:3, 3] = [draw(st.floats(-origin, origin)) for _ in range(3)]
    i, j, k = (draw(st.integers(*sizes)) for _ in range(3))
    return Grid((i, j, k), affine)
