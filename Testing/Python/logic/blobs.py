"""Volumes of a small scene, and settings that register them in a moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from inr_registration.core import Affine, Settings, Stage

QUICK = Settings(stages=(Stage(2, 12, 0.8), Stage(1, 8, 0.5)), affine=Affine("none"))
LONG = Settings(stages=(Stage(2, 5000, 0.5),), affine=Affine("none"))
"""Runs until somebody ends it."""


def blob(name: str, centre: tuple[float, float, float], size: int = 24) -> Any:
    """A volume node, 3 mm voxels: a soft ball of 18 mm radius at a RAS position."""
    k, j, i = np.meshgrid(*[3.0 * np.arange(size) - 36] * 3, indexing="ij")
    distance = np.sqrt((i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (k - centre[2]) ** 2)
    values = (100 / (1 + np.exp((distance - 18) / 2)) + 5 * np.sin(i / 9) * np.cos(j / 7 + k / 11)).astype(np.float32)
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -36
    return slicer.util.addVolumeFromArray(values, ijkToRAS=affine, name=name)
