"""The transform as a bent grid in the slice views."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import slicer

from inr_registration.slicer.scene.view_memory import Memory

LINES = 24
"""About how many grid lines lie across the longest side of the fixed image."""
PIECES = 4
"""Straight pieces of a line between two crossings."""
COLOUR = (1.0, 0.82, 0.1)


def show_grid(memory: Memory, transform: slicer.vtkMRMLTransformNode, fixed: slicer.vtkMRMLVolumeNode) -> None:
    """Draw the grid in 2D, over the region of the fixed image.

    Slicer draws where the transform brings an even grid *to the parent*: lines of the moving image, as they lie after warping it.
    """
    if transform.GetDisplayNode() is None:
        transform.CreateDefaultDisplayNodes()
        memory.made(transform.GetDisplayNode())
    display, spacing = transform.GetDisplayNode(), grid_spacing(fixed)
    look: dict[str, Any] = {
        "VisualizationMode": display.VIS_MODE_GRID,
        "RegionNode": fixed,
        "GridSpacingMm": spacing,
        "GridResolutionMm": spacing / PIECES,
        "GridScalePercent": 100.0,
        "GridShowNonWarped": False,
        "ScalarVisibility": 0,
        "Color": COLOUR,
        "SliceIntersectionThickness": 1,
        "Visibility3D": 0,
        "Visibility2D": 1,
        "Visibility": 1,
    }
    memory.set(display, look)


def grid_spacing(fixed: slicer.vtkMRMLVolumeNode) -> float:
    """The round number (1, 2 or 5 times a power of ten) of mm that gives about ``LINES`` lines across the longest side."""
    bounds = np.zeros(6)
    fixed.GetRASBounds(bounds)
    wanted = max(float((bounds[1::2] - bounds[::2]).max()), 1e-3) / LINES
    power = 10.0 ** math.floor(math.log10(wanted))
    return min((step * power for step in (1.0, 2.0, 5.0, 10.0)), key=lambda step: abs(math.log(step / wanted)))
