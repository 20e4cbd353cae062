"""Landmark pairs out of the scene, in the world."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import slicer

from inr_registration.core.errors import InputError
from inr_registration.slicer.scene.frames import SIGNS
from inr_registration.slicer.scene.placement import to_world

Array = npt.NDArray[np.float64]
Markups = slicer.vtkMRMLMarkupsNode


def read_pairs(fixed: Markups, moving: Markups, moving_volume: slicer.vtkMRMLVolumeNode) -> tuple[Array, Array]:
    """Landmarks that belong together: two arrays (n, 3), LPS mm, row by row.

    Points are paired by label where both nodes have the same labels, each once, and the labels are not the numbers that Slicer
    gives; otherwise by order. A pair of which a point is not placed is left out.

    Raises:
        InputError: The numbers of points differ, or there is none.
    """
    first, second = _points(fixed), _points(moving, moving_volume)
    labels, others = _labels(fixed), _labels(moving)
    if _tell_pairs(labels, others, fixed.GetName(), moving.GetName()):
        second = second[[others.index(label) for label in labels]]
    elif len(first) != len(second):
        first, second = first[np.isfinite(first).all(axis=1)], second[np.isfinite(second).all(axis=1)]
    if len(first) != len(second):
        raise InputError(
            f"landmarks must come in pairs: {fixed.GetName()} has {len(first)} placed points and {moving.GetName()} has {len(second)}; "
            "add or remove points until both have the same number, in the same order"
        )
    placed = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    if not placed.any():
        raise InputError(f"{fixed.GetName()} and {moving.GetName()} have no pair of placed points; place some, or choose no landmarks")
    return first[placed], second[placed]


def read_curve(node: slicer.vtkMRMLMarkupsCurveNode) -> Array:
    """Points along an open curve as it is drawn, (n, 3) LPS mm in the world, in its order.

    Raises:
        InputError: It is closed, or has fewer than two placed points.
    """
    name = node.GetName()
    if node.IsA("vtkMRMLMarkupsClosedCurveNode"):
        raise InputError(f"{name} is a closed curve, but a centreline has two ends; choose an open curve")
    points = node.GetCurvePointsWorld()
    if points is None or points.GetNumberOfPoints() < 2:
        raise InputError(f"{name} has fewer than two placed points; place points along the middle of the tube")
    return np.array([points.GetPoint(n) for n in range(points.GetNumberOfPoints())]) * SIGNS


def read_axis(node: Markups) -> Array:
    """Apex and base from the two placed points of a line or a point list, (2, 3) LPS mm in the world.

    Raises:
        InputError: There are not two of them, or they are one and the same.
    """
    points = _points(node)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) != 2 or np.allclose(*points):
        said = f"{node.GetName()} has {len(points)} placed points, but the long axis needs two different ones"
        raise InputError(f"{said}; place the apex first, then the base")
    return points


def _points(node: Markups, moving: slicer.vtkMRMLVolumeNode | None = None) -> Array:
    """World positions (n, 3), LPS mm; not a number for points that are not placed."""
    transform, out = to_world(node, moving), np.full((node.GetNumberOfControlPoints(), 3), np.nan)
    for n in range(len(out)):
        if node.GetNthControlPointPositionStatus(n) == Markups.PositionDefined:
            out[n] = np.array(transform.TransformPoint(node.GetNthControlPointPosition(n))) * SIGNS
    return out


def _labels(node: Markups) -> list[str]:
    return [node.GetNthControlPointLabel(n) for n in range(node.GetNumberOfControlPoints())]


def _tell_pairs(labels: list[str], others: list[str], *names: str) -> bool:
    """Whether labels say which points belong together."""
    unique = len(set(labels)) == len(labels) and len(set(others)) == len(others)
    usual = re.compile(rf"({'|'.join(map(re.escape, ('F', 'P', *names)))})-?\d+|")
    return bool(labels) and unique and set(labels) == set(others) and not all(usual.fullmatch(label) for label in labels)
