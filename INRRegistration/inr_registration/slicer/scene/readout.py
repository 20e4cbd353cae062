"""What the map does at one point, for a readout that follows the cursor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import vtk

from inr_registration.core.measures import UNKNOWN_MM
from inr_registration.slicer.scene.store import ResultNodes

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Readout:
    """The map at a point of the fixed image.

    Args:
        displacement_mm: How far the point moves.
        displacement_ras: Where to: moving world point minus fixed world point, RAS mm.
        det: det J of the voxel; None where the map is no longer in the scene.
        uncertainty_mm: Of the voxel, mm; not a number where nothing is known; None where the method gives none.
    """

    displacement_mm: float
    displacement_ras: Point
    det: float | None
    uncertainty_mm: float | None


def read_at(nodes: ResultNodes, ras: Sequence[float]) -> Readout | None:
    """The map at a world point (3,), RAS mm; None outside the fixed image or where the result has left the scene."""
    shape = nodes.jacobian if _alive(nodes.jacobian) else nodes.fixed
    if not _alive(nodes.transform) or not _alive(shape):
        return None
    index = _voxel(shape, ras)
    if index is None:
        return None
    to_moving = vtk.vtkGeneralTransform()
    nodes.transform.GetTransformFromWorld(to_moving)  # this node and those above it
    moved = to_moving.TransformDoublePoint(ras[0], ras[1], ras[2])
    step = (moved[0] - ras[0], moved[1] - ras[1], moved[2] - ras[2])
    det = _value(nodes.jacobian, index) if shape is nodes.jacobian else None
    uncertainty = None
    if _alive(nodes.uncertainty):
        index = _voxel(nodes.uncertainty, ras)
        value = UNKNOWN_MM if index is None else _value(nodes.uncertainty, index)
        uncertainty = value if value >= 0 else math.nan
    return Readout(math.hypot(*step), step, det, uncertainty)


def _alive(node: Any) -> bool:
    return node is not None and node.GetScene() is not None


def _voxel(volume: Any, ras: Sequence[float]) -> tuple[int, int, int] | None:
    """The voxel i, j, k of a volume at a world point, None outside its outermost voxels' edges."""
    image = volume.GetImageData()
    if image is None:
        return None
    local = [0.0, 0.0, 0.0]
    volume.TransformPointFromWorld(ras, local)
    matrix = vtk.vtkMatrix4x4()
    volume.GetRASToIJKMatrix(matrix)
    i, j, k, _ = (math.floor(value + 0.5) for value in matrix.MultiplyPoint((*local, 1.0)))
    size = image.GetDimensions()
    return (i, j, k) if 0 <= i < size[0] and 0 <= j < size[1] and 0 <= k < size[2] else None


def _value(volume: Any, index: tuple[int, int, int]) -> float:
    return float(volume.GetImageData().GetScalarComponentAsDouble(*index, 0))
