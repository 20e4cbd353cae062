"""Curves for the presets that need one, drawn along the spine of a CT image: no pair of ours shows a bowel or a beating heart."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core import Geometry, Volume

Array = npt.NDArray[np.float64]

BODY_HU, BONE_HU = -300, 250
NEAR_MM = (25.0, 20.0)
"""How far from the middle of the body, to either side and to the front, bone counts as spine."""
STEP_MM = 20.0
FEWEST = 150
"""Voxels of bone that a step needs; below the sacrum there are fewer."""
AXIS_MM = 100.0
"""Length of the long axis that is drawn where a ventricle would be."""


def curves(geometry: Geometry | None, fixed: Volume) -> dict[str, Any]:
    """What a preset with anatomical coordinates needs, drawn along the spine."""
    if geometry is None:
        return {}
    return {"centrelines": (spine(fixed),)} if geometry.kind == "tube" else {"long_axis": long_axis(fixed)}


def spine(volume: Volume) -> Array:
    """(n, 3) points along the spine from below, LPS mm: the mean of the bone near the midline, every 20 mm."""
    body, bone = (volume.grid.to_world(np.argwhere(np.asarray(volume.values) > hu)[:, ::-1].astype(float)) for hu in (BODY_HU, BONE_HU))
    middle = np.median(body, axis=0)
    near = bone[(np.abs(bone[:, 0] - middle[0]) < NEAR_MM[0]) & (bone[:, 1] > middle[1] - NEAR_MM[1])]
    place = np.floor((near[:, 2] - near[:, 2].min()) / STEP_MM)
    return np.array([near[place == step].mean(axis=0) for step in np.unique(place) if (place == step).sum() >= FEWEST])


def long_axis(volume: Volume) -> Array:
    """(2, 3) two points around the middle of the spine, LPS mm."""
    points = spine(volume)
    middle = points[len(points) // 2]
    along = points[len(points) // 2 + 1] - points[len(points) // 2 - 1]
    reach = 0.5 * AXIS_MM * along / np.linalg.norm(along)
    return np.array([middle - reach, middle + reach])
