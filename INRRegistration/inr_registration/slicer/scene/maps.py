"""Strain maps in the scene: how they are called and shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.slicer.scene.contrast import thinned

LEAST_RANGE = 0.05
"""A strain map is never shown in a narrower range than this on either side of 0."""


def map_words(name: str) -> str:
    """A map's name in words: ``strain_radial`` is ``radial strain``."""
    return " ".join(reversed(name.split("_")))


def strain_range(values: npt.NDArray[np.float32]) -> float:
    """The colours go from minus this to this: the 98th percentile of the absolute values where the map is defined (not 0)."""
    known = np.abs(thinned(values[values != 0]))
    return max(float(np.percentile(known, 98)), LEAST_RANGE) if known.size else LEAST_RANGE
