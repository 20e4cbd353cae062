"""The map as Slicer holds it: one composite transform, to be set *from parent*.

``phi(p) = affine(p + u(p))`` takes a fixed world point to a moving world point. That is Slicer's direction from parent; a volume
put under the node is shown as ``I(phi(p))``, and points put under it go the other way, from moving to fixed.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk

from inr_registration.core.result import SplineTransform
from inr_registration.slicer.scene.frames import SIGNS, flip_map, ras_affine, to_matrix
from inr_registration.slicer.scene.spline import DisplacementGrid
from inr_registration.slicer.scene.volumes_out import image_of


def as_vtk(transform: SplineTransform, sampled: DisplacementGrid | None = None) -> vtk.vtkGeneralTransform:
    """The displacement, then the affine part, in RAS mm.

    Args:
        transform: The map; its B-spline is handed over exactly.
        sampled: Where given, this grid of displacements stands for the B-spline. Between its nodes VTK interpolates with cubic
            polynomials and ITK linearly, so they agree at the nodes.
    """
    affine = vtk.vtkTransform()
    affine.SetMatrix(to_matrix(flip_map(transform.affine)))
    general = vtk.vtkGeneralTransform()
    general.PostMultiply()  # the one that is concatenated last is applied last
    general.Concatenate(_spline(transform) if sampled is None else _grid(sampled))
    general.Concatenate(affine)
    return general


def set_transform(node: slicer.vtkMRMLTransformNode, transform: SplineTransform, sampled: DisplacementGrid | None = None) -> None:
    """Set the map as a node's transform from parent; the node is taken out from under its own parent, so that this is the world."""
    changing = node.StartModify()
    node.SetAndObserveTransformNodeID(None)
    node.SetAndObserveTransformFromParent(as_vtk(transform, sampled))
    node.EndModify(changing)


def _spline(transform: SplineTransform) -> slicer.vtkOrientedBSplineTransform:
    coefficients = image_of((transform.coefficients * SIGNS).astype(np.float64))  # as it will be after reading it from a file
    coefficients.SetSpacing(*transform.spacing.tolist())
    coefficients.SetOrigin(*(transform.origin * SIGNS).tolist())
    spline = slicer.vtkOrientedBSplineTransform()
    spline.SetCoefficientData(coefficients)
    spline.SetGridDirectionMatrix(_direction(SIGNS[:, None] * transform.direction))
    spline.SetBorderModeToZero()
    return spline


def _grid(sampled: DisplacementGrid) -> slicer.vtkOrientedGridTransform:
    field = image_of((sampled.values * SIGNS).astype(np.float32))
    field.SetSpacing(*sampled.grid.spacing.tolist())
    field.SetOrigin(*ras_affine(sampled.grid)[:3, 3].tolist())
    grid = slicer.vtkOrientedGridTransform()
    grid.SetDisplacementGridData(field)
    grid.SetGridDirectionMatrix(_direction(SIGNS[:, None] * sampled.grid.direction))
    grid.SetInterpolationModeToCubic()  # what Slicer chooses for every grid that it reads from a file
    return grid


def _direction(axes: np.ndarray) -> vtk.vtkMatrix4x4:
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    return to_matrix(matrix)
